/** A note for colleagues. Pure. @typedef {import("./parts.js").Model} Model */

import { h } from "../../kit/html.js";
import { icon } from "../../kit/icons.js";
import { form, sendRow } from "./parts.js";

/** @param {Model} model */
export function noteView(model) {
  const written = model.read("note");
  return h("section", { key: "note" },
    form("note-form", model.do.note,
      h("h2", null, h("label", { for: "field-note" }, icon("note"), " Note")),
      movedLine(model, written),
      h("textarea", { id: "field-note", key: "field-note", rows: 3, dir: "auto", maxlength: 8000, placeholder: "For whoever comes next", value: written, oninput: model.type("note") }),
      written && h("span", { class: "hint", key: "kept" }, "Draft kept"),
      sendRow(model, "note", "Add", "Adding…", { key: "Ctrl ↵", isOff: !written.trim() })));
}

/** The customer moved while the note was half-written: it goes along. @param {Model} model @param {string} written */
function movedLine({ state, at, isTold, do: run }, written) {
  if (!state.moved || !written || !isTold) return null;
  return h("p", { class: "info moved", role: "status", key: "moved-note" }, icon("person", "s"),
    h("span", null, "This is now the story of ", h("bdi", { dir: "auto" }, at.customer.display ?? "somebody else"), ". Your note is kept and goes to the same contact. ",
      h("button", { class: "b quiet", type: "button", onclick: run.showIdentity }, "Show why")));
}

/** A note that was begun for a contact that is another customer's now. @param {string} interaction @param {string} path */
export function strayedNote(interaction, path) {
  return h("div", { class: "banner info", role: "status", key: `strayed-${interaction}` }, icon("note"),
    h("p", null, h("strong", null, "The contact that you wrote about is another customer’s now."), " Your note is kept there."),
    h("a", { class: "b", href: path }, "Go there"));
}
