/** How sure it is who is there, said four ways: by shape, icon, word and colour. */

import { h } from "../../kit/html.js";
import { icon } from "../../kit/icons.js";
import { instant, whenWords } from "../../kit/time_words.js";

/** @type {Record<string, {word: string, icon: import("../../kit/icons.js").IconName}>} */
export const LEVELS = {
  proved: { word: "Proved", icon: "shield" },
  asserted: { word: "Asserted", icon: "stamp" },
  claimed: { word: "Claimed", icon: "question" },
  none: { word: "Not known", icon: "person" },
};

/** @param {string} level */
export const levelWord = (level) => (LEVELS[level] ?? LEVELS.none).word.toLowerCase();

/** @param {string} level */
export function sureChip(level) {
  const known = LEVELS[level] ?? LEVELS.none;
  return h("span", { class: `sure ${level in LEVELS ? level : "none"}` }, icon(known.icon, "s"), known.word);
}

/**
 * Return the words beside the chip: by what, until when.
 *
 * @param {{level: string, by: string | null, identifier: any, expires_at: string | null}} sureness @param {number} now
 */
export function sureWords({ level, by, identifier, expires_at: expires }, now) {
  const end = instant(expires);
  if (level === "proved") {
    const how = by ? `by ${method(by)}` : "";
    if (end === null) return how;
    return end > now ? `${how} until ${whenWords(end, now)}`.trim() : `the proof ran out at ${whenWords(end, now)}`;
  }
  if (level === "asserted") return by && by !== "channel" ? `by ${method(by)}` : "by the channel";
  if (level === "claimed") return end !== null && end <= now ? "the proof has run out" : named(identifier);
  return "nobody has said who this is";
}

/** @param {any} identifier */
function named(identifier) {
  return identifier ? [`says: `, h("bdi", { dir: "ltr" }, identifier.value), `. Nobody has checked it.`] : "nobody has checked it";
}

/** @type {Record<string, string>} */
const METHODS = { login: "login", "one-time-code": "a one-time code", "ivr-pin": "a PIN", channel: "the channel" };

/** By what somebody proved who they are, in words. @param {string} by */
export const method = (by) => METHODS[by] ?? by.replaceAll(/[-_]/g, " ");
