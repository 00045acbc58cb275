/** The acts of a desk: notes, topics, promises, handoffs and what else an agent does, each with a way back. */

import { withQuery } from "../../kit/http.js";
import { h } from "../../kit/html.js";
import { icon } from "../../kit/icons.js";
import { interactionPath } from "../address.js";
import { answerView } from "./answer.js";
import { codeView } from "./code.js";
import { createDoing } from "./doing.js";
import { createFields } from "./fields.js";
import { askedView, handoffView } from "./handing.js";
import { endButtons, endView, topicView } from "./matter.js";
import { noteView, strayedNote } from "./note.js";
import { NOTHING, reduceActs } from "./own_state.js";
import { promiseView } from "./promises.js";
import { assignView, snoozeView, takeButton } from "./rest.js";
import { createSender, refusalOf } from "./sender.js";
import { contactsOf, isOpen, openHandoffs, subjectOf, whyNot } from "./subject.js";
import { toldView } from "./told.js";

/** @typedef {import("../state.js").State} State */

export function createActs() {
  /** @type {ReturnType<typeof createDoing>} */
  let doing;
  /** @type {import("./fields.js").Fields} */
  let fields;
  let asked = "";

  /** @param {any} desk */
  function init(desk) {
    fields = createFields(desk.drafts);
    doing = createDoing(desk, createSender(desk), fields);
    desk.acts = doing.acts;
    read(desk, "directory", "/v1/directory");
  }

  /** Read what acts need beside the context; without it they offer less. @param {any} desk @param {string} name @param {string} path */
  async function read(desk, name, path) {
    try {
      const { body } = await desk.http.get(path);
      desk.dispatch({ type: "acts/data", data: { [name]: body } });
    } catch (error) {
      refusalOf(error);
    }
  }

  /** Read the packet of a handoff that waits here, once. @param {any} desk @param {any} at */
  function readPacket(desk, at) {
    const [open] = openHandoffs(at);
    if (!open || asked === open.id) return;
    asked = open.id;
    read(desk, "packet", withQuery(`/v1/conversations/${at.conversation.id}/handoff`, { interaction: open.interaction, limit: 1 }));
  }

  /** @param {State} state @param {any} desk */
  function model(state, desk) {
    const at = subjectOf(state);
    if (!at) return null;
    const { interaction } = at;
    return {
      state, isTold: isOpen(state), own: state.plugins.acts ?? NOTHING, at, now: state.now, do: doing.acts,
      read: (/** @type {string} */ name) => fields.read(name, interaction),
      put: (/** @type {string} */ name, /** @type {string} */ text) => doing.put(name, interaction, text),
      type: (/** @type {string} */ name) => (/** @type {any} */ event) => doing.put(name, interaction, event.currentTarget.value),
      fold: (/** @type {string} */ name, /** @type {boolean} */ unfolded) => desk.dispatch({ type: "acts/fold", name, isOpen: unfolded }),
    };
  }

  /** @param {State} state @param {any} desk */
  function act(state, desk) {
    const not = whyNot(state);
    if (not) return h("p", { class: "may-not", role: "note", key: "may-not" }, icon(state.past ? "past" : "key"), h("span", null, not));
    const made = model(state, desk);
    if (!made) return h("p", { class: "hint may-not", key: "nothing" }, "There is no conversation yet that something could be done to.");
    const told = made.isTold;
    if (told) readPacket(desk, made.at);
    return [
      askedView(made), endButtons(made), answerView(made), noteView(made), told && topicView(made), told && endView(made), told && promiseView(made),
      handoffView(made), assignView(made), snoozeView(made), told && codeView(made),
    ].filter(Boolean);
  }

  return {
    name: "acts",
    init,
    reduce: reduceActs,
    act,
    /** @param {State} state @param {any} desk */
    nowAct(state, desk) {
      const made = whyNot(state) ? null : model(state, desk);
      return made && takeButton(made);
    },
    /** @param {State} state */
    banner(state) {
      const { wrote = "" } = state.plugins.acts ?? {};
      const { conversations } = state.context?.body ?? { conversations: [] };
      const isGone = state.moved && wrote && state.status === "ready" && !conversations.some((/** @type {any} */ each) => contactsOf(each).includes(wrote));
      return isGone ? strayedNote(wrote, interactionPath(wrote)) : null;
    },
    /** @param {State} state @param {any} desk */
    overlay(state, desk) {
      const own = state.plugins.acts ?? NOTHING;
      const words = own.first && fields.read("words", subjectOf(state)?.interaction ?? "");
      return toldView(own, {
        undo: doing.acts.undo,
        hold: (isHeld) => desk.dispatch({ type: "acts/hold", isHeld, now: state.now }),
        dismiss: () => desk.dispatch({ type: "acts/dismiss" }),
        addMine: words ? doing.acts.addMine : null,
      });
    },
  };
}
