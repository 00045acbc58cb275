/** What it is about, and how it ended. Pure. @typedef {import("./parts.js").Model} Model */

import { h } from "../../kit/html.js";
import { icon } from "../../kit/icons.js";
import { folded, form, line, sendRow, button, standing } from "./parts.js";

const ENDINGS = ["Solved", "Passed on", "No answer", "Gave up"];
const OFFERED = 4;

/** @param {Model} model */
export function topicView(model) {
  const { conversation } = model.at;
  const topics = topicsNearby(model).filter((each) => each !== conversation.topic).slice(0, OFFERED);
  return folded(model, "topic", "tag", "Topic", h("bdi", { dir: "auto" }, conversation.topic ?? "none yet"),
    topics.length > 0 && h("div", { class: "row wrap", key: "picks", role: "group", "aria-label": "Topics of late" }, topics.map((each) =>
      h("button", { class: "pick", type: "button", key: each, onclick: () => model.do.topic(each) }, h("bdi", { dir: "auto" }, each)))),
    form("topic-form", () => model.do.topic(model.read("topic")), line(model, "topic", "Another topic"), sendRow(model, "topic", "Set", "Setting…", { isOff: !model.read("topic").trim() })));
}

/** Topics of this customer and of who waits, most frequent first. @param {Model} model @returns {string[]} */
function topicsNearby({ state }) {
  const all = [...(state.context?.body.conversations ?? []), ...(state.rail.mine ?? []), ...(state.rail.waiting ?? [])].map((each) => each.topic).filter(Boolean);
  const counts = new Map();
  for (const each of all) counts.set(each, (counts.get(each) ?? 0) + 1);
  return [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a));
}

/** @param {Model} model */
export function endView(model) {
  const { conversation } = model.at;
  return folded(model, "end", "check", "How it ended", h("bdi", { dir: "auto" }, conversation.disposition ?? "not yet"),
    form("end-form", () => model.do.disposition(model.read("disposition")),
      line(model, "disposition", "In a word", { list: "endings" }), h("datalist", { id: "endings", key: "endings" }, ENDINGS.map((each) => h("option", { value: each, key: each }))),
      line(model, "words", "In your words, kept with the resolve", { maxlength: 2000 }),
      sendRow(model, "disposition", "Set without resolving", "Setting…", { isOff: !model.read("disposition").trim() })));
}

/** The two that end it here. @param {Model} model */
export function endButtons(model) {
  const isResolved = model.at.conversation.state === "resolved";
  return h("section", { key: "ends" }, h("div", { class: "half" },
    button(model, "fold-handoff", () => model.do.open("handoff"), [icon("handoff"), "Hand off… ", h("kbd", { "aria-hidden": "true" }, "H")]),
    isResolved
      ? button(model, "reopen", model.do.reopen, [icon("past"), "Reopen"])
      : button(model, "resolve", model.do.resolve, [icon("check"), model.own.busy.resolve ? "Resolving…" : "Resolve", h("kbd", { "aria-hidden": "true" }, "E")])),
    standing(model, isResolved ? "reopen" : "resolve"));
}
