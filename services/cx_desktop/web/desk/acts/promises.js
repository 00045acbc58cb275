/** What was promised, and what became of it. Pure. @typedef {import("./parts.js").Model} Model */

import { h, theirs } from "../../kit/html.js";
import { icon } from "../../kit/icons.js";
import { instant, plural, spanWords, whenWords } from "../../kit/time_words.js";
import { folded, form, line, sendRow, standing } from "./parts.js";
import { nameOf } from "./requests.js";

/** @param {Model} model */
export function promiseView(model) {
  const open = model.at.conversation.promises.filter((/** @type {any} */ each) => each.kept === null);
  return folded(model, "promise", "flag", "Promise", open.length ? `${plural(open.length, "open", "open")}` : "none open",
    open.length > 0 && h("ul", { class: "promises", key: "open" }, open.map((/** @type {any} */ each) => openPromise(model, each))),
    form("promise-form", model.do.promise,
      line(model, "promise", "Promise something", { maxlength: 2000, placeholder: "Call back about the bank’s answer" }),
      line(model, "due", "By when, if it has a time", { type: "datetime-local", dir: "ltr" }),
      sendRow(model, "promise", "Promise", "Noting…", { isOff: !model.read("promise").trim() })));
}

/** @param {Model} model @param {any} each */
function openPromise(model, each) {
  const act = `kept ${nameOf(each.event)}`;
  return h("li", { key: act }, icon("flag", "s"), h("div", { class: "grow" }, theirs(each.text, "p"), dueWords(each.due, model.now),
    h("div", { class: "row wrap" },
      h("button", { class: "b", type: "button", onclick: () => model.do.kept(each, true) }, "Kept"),
      h("button", { class: "b", type: "button", onclick: () => model.do.kept(each, false) }, "Not kept"), standing(model, act))));
}

/** @param {string | null} due @param {number} now */
export function dueWords(due, now) {
  const at = instant(due);
  if (at === null) return null;
  if (at < now) return h("p", { class: "chip bad" }, icon("warning", "s"), `${spanWords(now - at)} late`);
  return h("p", { class: `chip ${at - now < 3_600_000 ? "warn" : "info"}` }, icon("clock", "s"), at - now < 3_600_000 ? `in ${spanWords(at - now)}` : whenWords(at, now));
}
