/** See what stood here at a moment of the past, unmistakably framed. Nothing can be done in it. */

import { h } from "../kit/html.js";
import { icon } from "../kit/icons.js";
import { closeDialog, openDialog } from "../kit/page.js";
import { instant, wholeInstant } from "../kit/time_words.js";
import { localMoment, moment } from "./acts/requests.js";

/** @typedef {import("./state.js").State} State */

/** The moments that one may want to see: when each contact began and just after each entry, newest first. Pure. @param {State} state @returns {number[]} */
export function momentsOf({ timeline, context }) {
  const all = [...timeline.items, ...(context?.body.timeline ?? [])].map((each) => instant(each.time)).filter((each) => each !== null);
  return [...new Set(all)].sort((a, b) => b - a);
}

/** @param {State} state @param {any} desk */
export function pastBar(state, desk) {
  if (!state.past) return null;
  const at = instant(state.past.asOf) ?? state.now;
  const show = (/** @type {number} */ moved, /** @type {boolean} */ known = state.past?.knownAt !== null) => desk.goTo(moved, known);
  return h("section", { class: "past-bar", key: "past", "aria-label": "You look at the past" },
    h("div", { class: "row grow" }, icon("past"), h("div", null, h("h2", null, h("span", { role: "status" }, `The past: ${wholeInstant(at)}`)), h("p", null, "What stood here then. Nothing can be done in it."))),
    h("div", { class: "row wrap" },
      h("button", { class: "b", type: "button", onclick: () => desk.stepPast(-1) }, "Earlier"),
      h("button", { class: "b", type: "button", onclick: () => desk.stepPast(1) }, "Later"),
      h("div", { class: "row", role: "group", "aria-label": "Which past" },
        h("button", { class: "pick", type: "button", "aria-pressed": state.past.knownAt === null ? "true" : "false", onclick: () => show(at, false) }, "As it happened"),
        h("button", { class: "pick", type: "button", "aria-pressed": state.past.knownAt === null ? "false" : "true", onclick: () => show(at, true) }, "As we knew it")),
      h("button", { class: "b", type: "button", id: "back-to-now", onclick: desk.backToNow }, "Back to now ", h("kbd", { "aria-hidden": "true" }, "Esc"))));
}

/** Ask for the moment. @param {State} state @param {any} desk */
function momentDialog(state, desk) {
  const own = state.plugins.past;
  if (!own.isAsked) return null;
  const look = (/** @type {Event} */ event) => {
    event.preventDefault();
    const at = Date.parse(moment(own.local));
    if (Number.isNaN(at)) return;
    closeDialog("#moment");
    desk.goTo(at, false);
  };
  return h("dialog", { class: "pop", id: "moment", key: "moment", "aria-labelledby": "moment-title", onclose: () => desk.dispatch({ type: "past/ask", isAsked: false }) },
    h("form", { class: "stack", onsubmit: look },
      h("h2", { id: "moment-title" }, icon("past"), " See it as it was"),
      h("div", null, h("label", { class: "label", for: "moment-at" }, "Moment, in your time"),
        h("input", { class: "input", id: "moment-at", type: "datetime-local", dir: "ltr", step: 1, autofocus: true, value: own.local, oninput: (/** @type {any} */ event) => desk.dispatch({ type: "past/local", local: event.currentTarget.value }) })),
      h("p", { class: "hint" }, "What stood here then, with all that is known of it today."),
      h("p", { class: "row ends" },
        h("button", { class: "b", type: "button", onclick: () => closeDialog("#moment") }, "Not now"),
        h("button", { class: "b primary", type: "submit" }, "Look"))));
}

export function createPast() {
  return {
    name: "past",
    /** @param {any} desk */
    init(desk) {
      desk.dispatch({ type: "begin" }); // every plug-in gets its own part of the state before the first paint
      /** @type {number[]} */
      let moments = [];
      desk.askForMoment = () => {
        const state = desk.state();
        if (!state.context) return;
        if (!state.past) moments = momentsOf(state);
        desk.dispatch({ type: "past/ask", isAsked: true, local: localMoment(moments[1] ?? moments[0] ?? state.now) });
        queueMicrotask(() => openDialog("#moment"));
      };
      desk.goTo = (/** @type {number} */ at, /** @type {boolean} */ known) => {
        const asOf = new Date(at).toISOString();
        desk.showPast({ asOf, knownAt: known ? asOf : null });
      };
      desk.stepPast = (/** @type {number} */ step) => {
        const { past } = desk.state();
        const at = instant(past?.asOf);
        if (!past || at === null) return;
        const next = step < 0 ? moments.find((each) => each < at) : moments.findLast((each) => each > at);
        if (next !== undefined) desk.goTo(next, past.knownAt !== null);
        else if (step > 0) desk.backToNow();
      };
      desk.backToNow = () => desk.showPast(null);
    },
    /** @param {{isAsked: boolean, local: string} | undefined} own @param {any} action */
    reduce(own = { isAsked: false, local: "" }, action) {
      if (action.type === "past/ask") return { isAsked: action.isAsked, local: action.local ?? own.local };
      if (action.type === "past/local") return { ...own, local: action.local };
      return action.type === "open" && own.isAsked ? { ...own, isAsked: false } : own;
    },
    banner: pastBar,
    overlay: momentDialog,
    /** @param {State} state */
    pageClass: (state) => (state.past ? "in-past" : ""),
  };
}
