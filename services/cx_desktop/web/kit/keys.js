/**
 * One table of keys. Single letters do nothing while something is typed, and can be switched off (WCAG 2.1.4).
 *
 * @typedef {{key: string, label: string, group?: string, run: () => void, when?: () => boolean, typing?: boolean}} KeyEntry
 *   `key`: as of `KeyboardEvent.key`, with `Ctrl+` before it for Control or Command; `typing`: also while typing
 */

import { isTyping, kept, keep } from "./page.js";

/** Return a table that hears the page's keys. */
export function createKeys() {
  /** @type {Map<string, KeyEntry>} */
  const entries = new Map();
  let isOn = kept("keys") !== "off";

  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey || event.isComposing) return;
    const held = event.ctrlKey || event.metaKey;
    const entry = entries.get(`${held ? "Ctrl+" : ""}${event.key.length === 1 ? event.key.toLowerCase() : event.key}`);
    if (!entry || (entry.when && !entry.when())) return;
    const isLetter = !held && event.key.length === 1;
    if ((isLetter && (!isOn || isTyping())) || (isTyping() && !entry.typing && !held)) return;
    event.preventDefault();
    entry.run();
  });

  return {
    /** Add keys; a later one goes before an earlier one of the same name. @param {KeyEntry[]} added */
    add(added) {
      for (const each of added) entries.set(each.key, each);
    },
    /** All keys, for the sheet and the palette. */
    all: () => [...entries.values()],
    isOn: () => isOn,
    /** Switch single letters on or off, and keep that. @param {boolean} on */
    switchLetters(on) {
      isOn = on;
      keep("keys", on ? "on" : "off");
    },
  };
}
