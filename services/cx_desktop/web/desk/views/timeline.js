/** One timeline over all channels: a card for each contact, newest first; within it as it was said. */

import { h, remembered, theirs, unseen } from "../../kit/html.js";
import { channelClass, channelIcon, channelName, icon, mark } from "../../kit/icons.js";
import { instant, plural, whenWords } from "../../kit/time_words.js";
import { levelWord } from "./certainty.js";
import { entryView } from "./entry.js";

/** @typedef {import("../state.js").State} State */

/** @param {State} state @param {any} desk @param {number} minute */
export function timeline(state, desk, minute) {
  const { timeline: shown, context } = state;
  if (!context) return null;
  return h("section", { class: "timeline", id: "timeline", "aria-label": "Timeline", key: "timeline" },
    filters(state, desk),
    shown.held.length > 0 && h("button", { class: "b fresh", type: "button", key: "fresh", onclick: () => desk.showNew() }, icon("up", "s"), `${shown.held.length} new`),
    h("p", { class: "sr", role: "status", key: "told" }, shown.held.length ? `${shown.held.length} new above` : ""),
    cards(shown.items, context.body, state.events, state.address.entry, minute, desk),
    bottom(state, desk));
}

/** @param {State} state @param {any} desk */
function filters({ timeline: shown, context }, desk) {
  const counts = context?.body.counts.by_channel ?? {};
  const pick = (/** @type {string} */ label, /** @type {boolean} */ on, /** @type {any} */ change, /** @type {any} */ sign) =>
    h("button", { class: "pick", type: "button", "aria-pressed": on ? "true" : "false", key: label, onclick: () => desk.filter(change) }, sign, label);
  return h("div", { class: "filters", role: "group", "aria-label": "What the timeline shows", key: "filters" },
    pick("All", !shown.channel && !shown.kind, { channel: "", kind: "" }, null),
    Object.keys(counts).map((channel) =>
      pick(channelName(channel), shown.channel === channel, { channel: shown.channel === channel ? "" : channel }, h("span", { class: `tint ${channelClass(channel)}` }, channelIcon(channel, "s")))),
    pick("Messages", shown.kind === "message", { kind: shown.kind === "message" ? "" : "message" }, null),
    pick("Notes", shown.kind === NOTES, { kind: shown.kind === NOTES ? "" : NOTES }, icon("note", "s")),
    h("label", { class: "field" }, icon("search", "s"), unseen("Search in the timeline"),
      h("input", { type: "search", id: "timeline-search", placeholder: "Search", autocomplete: "off", value: shown.text, oninput: (/** @type {any} */ event) => desk.filter({ text: event.target.value }) })));
}

const NOTES = "cx.conversation.note.v1";

const cards = remembered((/** @type {any[]} */ items, /** @type {any} */ body, /** @type {any} */ events, /** @type {string} */ linked, /** @type {number} */ now, /** @type {any} */ desk) => {
  const shown = { now, events, linked, desk, name: body.customer.display ?? "Customer" };
  return h("div", { class: "timeline", key: "cards" }, byContact(items).map((each) => card(each, body, shown)));
});

/** Return entries by their contact, the one with the newest first; one's own card where there is none. @param {any[]} items newest first */
export function byContact(items) {
  /** @type {Map<string, any[]>} */
  const found = new Map();
  for (const entry of items) {
    const key = entry.interaction ?? `event ${entry.event.source}#${entry.event.id}`;
    const list = found.get(key);
    if (list) list.push(entry);
    else found.set(key, [entry]);
  }
  return [...found].map(([key, entries]) => ({ key, entries: entries.reverse() }));
}

/** @param {{key: string, entries: any[]}} contact @param {any} body @param {any} shown */
function card({ key, entries }, body, shown) {
  const channel = entries.find((each) => each.channel)?.channel ?? null;
  const subject = entries.find((each) => each.subject)?.subject;
  const last = instant(entries.at(-1).time) ?? shown.now;
  const conversation = body.conversations.find((/** @type {any} */ each) => each.joined.some((/** @type {any} */ one) => one.interaction === key));
  const join = conversation?.joined.find((/** @type {any} */ one) => one.interaction === key);
  const isNow = body.now?.interaction === key;
  const menu = `why-${key.replaceAll(/[^\w-]/g, "_")}`;
  return h("article", { class: "card contact-card", key, "data-interaction": key },
    h("header", { class: "contact-head" },
      mark(channel, "s"), h("h3", null, subject ? theirs(subject) : channel ? channelName(channel) : "Beside the contacts"),
      h("span", { class: "meta" }, isNow ? "now" : whenWords(last, shown.now)),
      join && ["claimed", "none"].includes(join.level) && h("span", { class: "chip warn" }, icon("question", "s"), "claimed"),
      join && h("button", { class: "b quiet", type: "button", popovertarget: menu }, icon("link", "s"), "Why joined")),
    join && h("div", { class: "pop", id: menu, popover: "auto" }, whyJoined(join, conversation)),
    h("ol", { class: "entries" }, entries.map((each) => entryView(each, shown))));
}

/** @type {Record<string, string>} */
export const RULES = {
  first: "It began this thread.", matter: "It is about the same matter", window: "It came soon after another contact of this customer",
  reference: "It refers to another contact of it", token: "The customer went on by a code", person: "Somebody of us joined it", "same-call": "Two systems tell of the same call",
};

/** @param {any} join @param {any} conversation */
function whyJoined(join, conversation) {
  return [
    h("p", { class: "eyebrow" }, icon("link", "s"), "Why this is in “", theirs(conversation.topic ?? conversation.summary ?? "this thread"), "”"),
    h("p", null, h("b", null, RULES[join.rule] ?? join.rule), join.evidence && [": ", h("bdi", { dir: "ltr" }, join.evidence)]),
    h("p", { class: "meta" }, `Rule: ${join.rule} · how sure who it was: ${levelWord(join.level)}`),
  ];
}

/** @param {State} state @param {any} desk */
function bottom({ timeline: shown, context }, desk) {
  const active = [shown.channel && channelName(shown.channel), shown.kind === NOTES ? "notes" : shown.kind && `${shown.kind}s`, shown.text && `“${shown.text}”`].filter(Boolean).join(", ");
  const total = context?.body.counts.events ?? 0;
  if (shown.problem) return h("p", { class: "meta", role: "status", key: "bottom" }, "The timeline can’t be read now. What is shown stays. ", h("button", { class: "more-of", type: "button", onclick: () => desk.filter({}) }, "Try again"));
  if (shown.items.length === 0 && !shown.isBusy) return h("p", { class: "card meta", role: "status", key: "bottom" }, active ? `Nothing for ${active}. ${plural(total, "event")} in all; show All to see them.` : "Nothing has happened yet. What comes stands here by itself.");
  if (shown.isBusy) return h("p", { class: "skeleton", key: "bottom" }, "Loading");
  return shown.next === null ? h("p", { class: "meta", key: "bottom" }, active ? `All that fits ${active}.` : "That is all.") : h("button", { class: "b", type: "button", key: "bottom", onclick: () => desk.more() }, "Show older");
}
