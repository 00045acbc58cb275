/** Who deals with it, and until when it rests. Pure. @typedef {import("./parts.js").Model} Model */

import { h } from "../../kit/html.js";
import { icon } from "../../kit/icons.js";
import { instant, whenWords } from "../../kit/time_words.js";
import { button, folded, form, line, sendRow, standing } from "./parts.js";
import { holderOf, openHandoffs } from "./subject.js";

const HOUR = 3_600_000;

/** @param {Model} model */
export function assignView(model) {
  const { state, at, own } = model;
  const to = at.conversation.assigned_to;
  const others = (own.directory?.agents ?? []).filter((/** @type {any} */ each) => each.id !== state.me.agent?.id);
  return folded(model, "assign", "person", "Assigned", h("bdi", { dir: "auto" }, to ? to.name || to.id : "to nobody"),
    h("div", { class: "row wrap", key: "own" },
      to?.id !== state.me.agent?.id && button(model, "assign", () => model.do.assign(state.me.agent), ["To me"]),
      to && button(model, "unassign", model.do.unassign, ["To nobody"])),
    others.length > 0 && form("assign-form", () => model.do.assign(others.find((/** @type {any} */ each) => each.id === (model.read("assignee") || others[0].id))),
      h("div", { key: "to" }, h("label", { class: "label", for: "field-assignee" }, "To a colleague"),
        h("select", { id: "field-assignee", value: model.read("assignee") || others[0].id, onchange: model.type("assignee") }, others.map((/** @type {any} */ each) => h("option", { value: each.id, key: each.id }, each.name || each.id)))),
      sendRow(model, "assign", "Assign", "Assigning…")),
    others.length === 0 && standing(model, "assign"), standing(model, "unassign"));
}

/** @param {Model} model */
export function snoozeView(model) {
  const until = instant(model.at.conversation.snoozed_until);
  const rests = until !== null && until > model.now;
  return folded(model, "snooze", "clock", "Rest", rests ? `until ${whenWords(until, model.now)}` : "",
    h("div", { class: "row wrap", key: "picks" },
      button(model, "snooze-hour", () => model.do.snooze(model.now + HOUR), ["1 hour"]),
      button(model, "snooze-day", () => model.do.snooze(tomorrow(model.now)), ["Tomorrow 9:00"]),
      rests && button(model, "wake", model.do.wake, [icon("up", "s"), "Wake"])),
    form("snooze-form", () => model.do.snooze(Date.parse(model.read("until"))),
      line(model, "until", "Until", { type: "datetime-local", dir: "ltr" }), sendRow(model, "snooze", "Let it rest", "Putting aside…", { isOff: !model.read("until") }),
      h("p", { class: "hint", key: "hint" }, "It comes back by itself when the customer speaks.")));
}

/** Nine in the morning of the next day, in the agent's zone. @param {number} now */
export function tomorrow(now) {
  const day = new Date(now);
  day.setDate(day.getDate() + 1);
  day.setHours(9, 0, 0, 0);
  return day.getTime();
}

/** Take it, beside what goes on now. @param {Model} model */
export function takeButton(model) {
  const { state, at, own } = model;
  const holder = holderOf(at.conversation);
  const isAsked = openHandoffs(at).some((each) => each.interaction === at.interaction);
  if (at.conversation.state === "resolved" || (holder?.id === state.me.agent?.id && !isAsked)) return null;
  return h("button", { class: "b primary", type: "button", key: "take", "aria-busy": own.busy.take ? "true" : null, onclick: model.do.take },
    own.busy.take ? "Taking…" : holder && !isAsked ? "Take over" : "Take", h("kbd", { "aria-hidden": "true" }, "T"));
}
