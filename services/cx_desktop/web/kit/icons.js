/** Icons, 16 by 16, one path each. All are decoration: a word or a label stands beside each. */

import { h } from "./html.js";

const PATHS = {
  attach: "M13 7.5 7.6 13a3 3 0 0 1-4.2-4.2l6-6a2 2 0 0 1 2.8 2.8l-5.8 5.9a1 1 0 0 1-1.4-1.4l5-5",
  bot: "M4.5 5.5h7A1.5 1.5 0 0 1 13 7v4.5a1.5 1.5 0 0 1-1.5 1.5h-7A1.5 1.5 0 0 1 3 11.5V7a1.5 1.5 0 0 1 1.5-1.5ZM8 5.5v-3M6.2 8.7v.7M9.8 8.7v.7M1.2 8.3v2M14.8 8.3v2",
  chat: "M4 2.8h8a1.7 1.7 0 0 1 1.7 1.7v4.6a1.7 1.7 0 0 1-1.7 1.7H7.5L4.3 13.6v-2.8H4a1.7 1.7 0 0 1-1.7-1.7V4.5A1.7 1.7 0 0 1 4 2.8Z",
  check: "M3 8.6 6.3 12 13 4.6",
  chevron: "m6 3.5 4.5 4.5L6 12.5",
  clock: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2ZM8 4.7V8l2.3 1.5",
  crm: "M2.5 4h11v8.5h-11ZM5 7.2h2.2M5 9.5h6M9.5 7.2H11",
  email: "M2.2 3.7h11.6v8.6H2.2ZM2.6 4.3 8 8.9l5.4-4.6",
  flag: "M3.6 14V2.6c1.6-.7 3-.7 4.3 0s2.8.7 4.5 0v6c-1.7.7-3.2.7-4.5 0s-2.7-.7-4.3 0",
  glad: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2ZM5.4 9.2c1.4 1.9 3.8 1.9 5.2 0M6 6.2v.1M10 6.2v.1",
  even: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2ZM5.7 10h4.6M6 6.2v.1M10 6.2v.1",
  upset: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2ZM5.4 10.8c1.4-1.9 3.8-1.9 5.2 0M6 6.2v.1M10 6.2v.1",
  handoff: "M2 8h8.7M7.7 4.7 11 8l-3.3 3.3M14 3v10",
  key: "M5.4 7.6a2.9 2.9 0 1 0 0 5.8 2.9 2.9 0 0 0 0-5.8ZM7.5 8.5 13 3M11 5l1.6 1.6",
  link: "M6.9 9.1a2.5 2.5 0 0 0 3.6 0l2.2-2.2a2.5 2.5 0 0 0-3.6-3.6l-.8.8M9.1 6.9a2.5 2.5 0 0 0-3.6 0L3.3 9.1a2.5 2.5 0 0 0 3.6 3.6l.8-.8",
  list: "M5.5 4H14M5.5 8H14M5.5 12H14M2.3 4v.1M2.3 8v.1M2.3 12v.1",
  note: "M4.3 2.2h7.4a1.3 1.3 0 0 1 1.3 1.3V10l-3.6 3.8H4.3A1.3 1.3 0 0 1 3 12.5v-9a1.3 1.3 0 0 1 1.3-1.3ZM9.3 13.8V10H13M5.5 5.4h5M5.5 7.9h3",
  off: "M2 6.4a9 9 0 0 1 3-1.8M7.8 4a9 9 0 0 1 6.2 2.4M4.4 9a5.4 5.4 0 0 1 3-1.5M10 8a5 5 0 0 1 1.6 1M8 12v.1M2.5 2.5l11 11",
  past: "M2.6 8a5.4 5.4 0 1 0 1.7-3.9M2.5 2.4V5h2.7M8 5.2V8l2 1.4",
  person: "M8 2.6a2.6 2.6 0 1 0 0 5.2 2.6 2.6 0 0 0 0-5.2ZM2.8 13.6c.6-2.7 2.6-4 5.2-4s4.6 1.3 5.2 4",
  question: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2ZM6.4 6.4c.1-1 .7-1.6 1.6-1.6s1.6.6 1.6 1.5c0 1.2-1.6 1.3-1.6 2.4M8 11v.1",
  search: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9ZM10.4 10.4l3.3 3.3",
  shield: "M8 1.6 13 3.4v4c0 3.3-2 5.6-5 7-3-1.4-5-3.7-5-7v-4ZM5.7 7.8l1.7 1.8 3-3.4",
  sms: "M6 1.6h4a1.5 1.5 0 0 1 1.5 1.5v9.8a1.5 1.5 0 0 1-1.5 1.5H6a1.5 1.5 0 0 1-1.5-1.5V3.1A1.5 1.5 0 0 1 6 1.6ZM6.7 5h2.6M6.7 7.4h2.6M7.6 12h.9",
  social: "M4 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6ZM11.8 2.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6ZM11.8 10.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6ZM5.6 7.2l4.6-2.3M5.6 8.8l4.6 2.3",
  stamp: "M8 2.2c1.5 0 2.4 1 2.4 2.3 0 1.5-1 2.2-1 4h3.1v2.6h-9V8.5h3.1c0-1.8-1-2.5-1-4C5.6 3.2 6.5 2.2 8 2.2ZM3.5 13.6h9",
  survey: "M3 2.5h10v11H3ZM5.5 6l.8.8 1.5-1.6M9.5 6.2H11M5.5 10l.8.8 1.5-1.6M9.5 10.2H11",
  tag: "M2.6 3.6v4l6 6a1.2 1.2 0 0 0 1.7 0l3.3-3.3a1.2 1.2 0 0 0 0-1.7l-6-6h-4a1 1 0 0 0-1 1ZM5.5 5.5v.1",
  theme: "M8 2.2a5.8 5.8 0 1 0 0 11.6ZM8 2.2a5.8 5.8 0 0 1 0 11.6",
  up: "M8 13V3.2M4 7.2l4-4 4 4",
  voice: "M5.2 2.3 3.4 2.9c-.8.3-1.2 1-1.1 1.8.6 4.7 4.3 8.4 9 9 .8.1 1.5-.3 1.8-1.1l.6-1.8-3.1-1.6-1.3 1.4C7.5 9.8 6.2 8.5 5.4 6.7l1.4-1.3Z",
  warning: "M8 2.3 14.3 13H1.7ZM8 6.3v3.2M8 11.3v.1",
  web: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2ZM2 8h12M8 2c3.3 3.6 3.3 8.4 0 12-3.3-3.6-3.3-8.4 0-12",
  cross: "m4 4 8 8M12 4l-8 8",
};
const TURNING = new Set(["handoff", "chevron"]);
const CHANNELS = new Set(["voice", "chat", "email", "social", "sms", "web", "survey", "crm"]);

/** @typedef {keyof typeof PATHS} IconName */

/** @param {IconName} name @param {string} [more] further classes: `s` for small */
export function icon(name, more = "") {
  const classes = ["i", more, TURNING.has(name) ? "turn" : ""].filter(Boolean).join(" ");
  return h("svg", { class: classes, viewBox: "0 0 16 16", "aria-hidden": "true" }, h("path", { d: PATHS[name] }));
}

/** Return a channel's icon, and another's that is not known here. @param {string | null | undefined} channel @param {string} [more] */
export function channelIcon(channel, more = "") {
  return icon(/** @type {IconName} */ (CHANNELS.has(channel ?? "") ? channel : "list"), more);
}

/** Return the class that gives a channel's colour. @param {string | null | undefined} channel */
export function channelClass(channel) {
  return CHANNELS.has(channel ?? "") ? /** @type {string} */ (channel) : "other";
}

/** A channel's mark. @param {string | null | undefined} channel @param {string} [more] */
export function mark(channel, more = "") {
  return h("span", { class: `mark ${channelClass(channel)} ${more}`.trim() }, channelIcon(channel, more));
}

/** @type {Record<string, string>} */
export const NAMES = { voice: "Call", chat: "Chat", email: "Mail", social: "Social", sms: "Text message", web: "Web", survey: "Survey", crm: "CRM" };

/** @param {string | null | undefined} channel */
export function channelName(channel) {
  return NAMES[channel ?? ""] ?? channel ?? "Elsewhere";
}

export const logo = () =>
  h("svg", { class: "logo", viewBox: "0 0 20 20", "aria-hidden": "true" }, h("path", { d: "M3 4v3a6 6 0 0 0 6 6h8M3 16a5 5 0 0 0 4-2M13 9l4 4-4 4" }));
