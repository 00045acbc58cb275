/**
 * The palette: whatever a page can do or find, by a few letters of its name. The page keeps what is typed. Pure.
 *
 * @typedef {import("./keys.js").KeyEntry & {applies?: () => boolean}} Offered `applies`: whether it would do something if no
 *   dialog were open, such as the palette
 * @typedef {{text: string, at: number}} Typed `at`: which of those found is at hand
 * @typedef {{type: (text: string) => void, at: (at: number) => void, run: (entry: Offered) => void, close: () => void}} On
 */

import { h } from "./html.js";
import { icon } from "./icons.js";
import { setScroll } from "./page.js";

export const PALETTE = "palette-dialog";
const ROW_PX = 34;

/** Write a key as it stands on a keyboard. @param {string} key */
export function keyName(key) {
  return key.replace("Ctrl+", "Ctrl ").replace("Enter", "↵").replace("Escape", "Esc").replace(/(^| )([a-z])$/, (_, space, letter) => space + letter.toUpperCase());
}

/** Return what is offered for what is typed: all of its words stand in the label. @param {Offered[]} entries @param {string} text */
export function found(entries, text) {
  const words = text.trim().toLowerCase().split(/\s+/u).filter(Boolean);
  return entries.filter((each) => (!each.applies || each.applies()) && words.every((word) => each.label.toLowerCase().includes(word)));
}

/** @param {Offered[]} offered @param {Typed} typed @param {On} on */
export function paletteView(offered, typed, on) {
  const at = Math.min(typed.at, offered.length - 1);
  const move = (/** @type {KeyboardEvent} */ event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && offered.length) {
      event.preventDefault();
      const next = (at + step + offered.length) % offered.length;
      on.at(next);
      setScroll("#palette-list", ROW_PX * Math.max(0, next - 4));
    } else if (event.key === "Enter" && !event.isComposing && offered[at]) {
      event.preventDefault();
      on.run(offered[at]);
    }
  };
  return h("dialog", { class: "pop palette", id: PALETTE, key: "palette", "aria-label": "Do or find", onclose: on.close },
    h("div", { class: "field" }, icon("search"),
      h("input", { type: "text", id: "palette-text", role: "combobox", autofocus: true, autocomplete: "off", "aria-label": "Do or find", "aria-expanded": "true", "aria-controls": "palette-list", "aria-activedescendant": offered[at] ? `offered-${at}` : null, value: typed.text, onkeydown: move, oninput: (/** @type {any} */ event) => on.type(event.currentTarget.value) })),
    h("ul", { id: "palette-list", role: "listbox", "aria-label": "Found" }, offered.map((each, place) =>
      h("li", { key: `${each.key} ${each.label}`, id: `offered-${place}`, role: "option", "aria-selected": place === at ? "true" : "false", onclick: () => on.run(each) }, h("span", { class: "grow", dir: "auto" }, each.label), each.key && h("kbd", null, keyName(each.key))))),
    offered.length === 0 && h("p", { class: "hint", role: "status" }, "Nothing does that."));
}
