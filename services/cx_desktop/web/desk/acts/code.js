/** A code by which the customer goes on elsewhere. Pure. @typedef {import("./parts.js").Model} Model */

import { h } from "../../kit/html.js";
import { instant, spanWords } from "../../kit/time_words.js";
import { folded, form, sendRow } from "./parts.js";

export const CODE_SECONDS = 600;

/** @param {Model} model */
export function codeView(model) {
  const { code } = model.own;
  const left = (instant(code?.expires_at) ?? 0) - model.now;
  return folded(model, "code", "key", "Code", "go on elsewhere",
    code && left > 0
      ? h("div", { key: "code", role: "status" },
          h("p", { class: "code", dir: "ltr" }, code.spoken),
          h("p", { class: "hint" }, "Said on the phone, keyed in a menu or written in a chat, it leads back here. Good once, for ", spanWords(left), "."),
          code.link && h("p", { class: "meta wrap-text" }, "Link: ", h("bdi", { dir: "ltr" }, code.link)),
          code.reply_to && h("p", { class: "meta wrap-text" }, "Mail: ", h("bdi", { dir: "ltr" }, code.reply_to)))
      : code && h("p", { class: "hint", key: "over" }, "The code has run out."),
    form("code-form", model.do.code, sendRow(model, "code", code ? "Another code" : "Make a code", "Making…")));
}
