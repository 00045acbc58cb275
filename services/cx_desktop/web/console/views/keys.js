/** The sheet of keys. */

import { h } from "../../kit/html.js";
import { PAGES } from "../address.js";

export const SHEET = "keys";

/** @param {import("./parts.js").Act} act */
export function keySheet(act) {
  const rows = [
    ...PAGES.map(([, words], at) => [String((at + 1) % 10), words]),
    ["/", "Filter the log"],
    ["r", "Read anew"],
    ["u", "Times: UTC, local, ago"],
    ["Ctrl K", "Go to or find anything"],
    ["?", "This sheet"],
    ["Esc", "Close"],
  ];
  return h(
    "dialog",
    { id: SHEET, class: "pop", "aria-labelledby": "keys-title" },
    h("h2", { id: "keys-title" }, "Keys"),
    h("dl", { class: "keys" }, rows.map(([key, words]) => h("div", { key }, h("dt", null, h("kbd", null, key)), h("dd", null, words)))),
    h("p", { class: "hint" }, "Single letters do nothing while something is typed."),
    h(
      "div",
      { class: "row wrap" },
      h("button", { class: "b", type: "button", onclick: () => act("switchKeys") }, "Single letters on or off"),
      h("button", { class: "b primary", type: "button", onclick: () => act("closeKeys") }, "Close"),
    ),
  );
}
