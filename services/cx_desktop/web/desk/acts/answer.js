/** An answer to whoever writes in the hub's own web chat. Pure. @typedef {import("./parts.js").Model} Model */

import { h } from "../../kit/html.js";
import { icon } from "../../kit/icons.js";
import { form, sendRow } from "./parts.js";
import { hasScope, isAnswerable } from "./subject.js";

const MOST = 4000; // letters

/** @param {Model} model */
export function answerView(model) {
  if (!isAnswerable(model.state, model.at)) return null;
  if (!hasScope(model.state, "events:write")) {
    return h("section", { key: "answer" }, h("p", { class: "hint", role: "note" }, "You answer this chat in your own software. To do so here, ask for the scope events:write."));
  }
  const written = model.read("answer");
  return h("section", { key: "answer" },
    form("answer-form", model.do.answer,
      h("h2", null, h("label", { for: "field-answer" }, icon("chat"), " Answer")),
      h("textarea", { id: "field-answer", key: "field-answer", rows: 3, dir: "auto", maxlength: MOST, placeholder: "The customer reads this in the chat", value: written, oninput: model.type("answer") }),
      written && h("span", { class: "hint", key: "kept" }, "Draft kept. The customer sees that you write, and not what."),
      sendRow(model, "answer", "Send", "Sending…", { key: "Ctrl ↵", isPrimary: true, isOff: !written.trim() })));
}
