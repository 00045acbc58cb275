/** One entry of the timeline: words of somebody, a note, or a step. */

import { h, theirs, unseen } from "../../kit/html.js";
import { icon } from "../../kit/icons.js";
import { instant, wholeInstant, whenWords } from "../../kit/time_words.js";
import { partsOfMail } from "../mail_text.js";
import { entryKey } from "../state.js";
import { bareType, isNote, isSpoken, stepWords } from "../step_words.js";
import { initials } from "./header.js";

const CUT = 280; // letters from which an entry may be cut by the hub

/** @param {any} entry @param {{now: number, events: Record<string, any>, linked: string, desk: any, name: string}} shown */
export function entryView(entry, shown) {
  if (isNote(entry)) return note(entry, shown);
  return isSpoken(entry) ? spoken(entry, shown) : step(entry, shown);
}

/** @param {any} entry @param {string} kind @param {{linked: string}} shown */
function frame(entry, kind, { linked }) {
  const key = entryKey(entry);
  return { class: `entry ${kind} ${linked === key ? "linked" : ""}`, key, id: `entry-${key}`, tabindex: linked === key ? "-1" : null };
}

/** @param {any} entry @param {number} now */
function time(entry, now) {
  const at = instant(entry.time);
  return at !== null && h("time", { datetime: entry.time, title: wholeInstant(at) }, whenWords(at, now));
}

/** @param {any} entry @param {Parameters<typeof entryView>[1]} shown */
function spoken(entry, shown) {
  const role = ["customer", "agent", "bot"].includes(entry.role) ? entry.role : entry.direction === "inbound" ? "customer" : "agent";
  const name = entry.name ?? (role === "customer" ? shown.name : role === "bot" ? "Bot" : "We");
  return h("li", frame(entry, role, shown),
    h("span", { class: `face s ${role}`, "aria-hidden": "true" }, role === "bot" ? icon("bot", "s") : initials(name)),
    h("p", { class: "by" }, h("b", null, theirs(name)), unseen(`, ${role}`), time(entry, shown.now), delivery(entry), entry.automatic && h("span", null, "automatic")),
    words(entry, shown),
    files(entry));
}

/** @param {any} entry @param {Parameters<typeof entryView>[1]} shown */
function words(entry, shown) {
  const whole = shown.events[entryKey(entry)];
  const said = whole?.event?.data.message?.text ?? entry.text;
  const lines = whole?.event?.data.transcript;
  const isCut = (entry.text?.length ?? 0) >= CUT || bareType(entry.type) === "call.transcript";
  if (said === null && !lines) return h("div", { class: "text" }, bareType(entry.type) === "call.transcript" ? more(entry, whole, shown.desk, "Transcript") : h("span", { class: "gone" }, "Without words"));
  const parts = entry.channel === "email" && said ? partsOfMail(said, entry.signature_at ?? null) : { said, quoted: "", signature: "" };
  return h("div", { class: "text" },
    entry.rating !== undefined && h("b", null, `${entry.rating} of 5 `),
    lines ? transcript(lines) : theirs(parts.said, "span"),
    parts.quoted && fold("Quoted mail", parts.quoted),
    parts.signature && fold("Signature", parts.signature),
    isCut && !whole?.event && more(entry, whole, shown.desk, "Show all of it"));
}

/** @param {string} title @param {string} text */
function fold(title, text) {
  const count = text.split("\n").length;
  return h("details", { class: "fold", key: title }, h("summary", null, icon("chevron", "s chev"), `${title}, ${count} ${count === 1 ? "line" : "lines"}`), theirs(text, "blockquote"));
}

/** @param {any[]} lines */
function transcript(lines) {
  return h("ol", null, lines.map((each, at) => h("li", { key: at }, h("b", { class: "meta" }, `${each.role}: `), theirs(each.text))));
}

/** @param {any} entry @param {any} whole @param {any} desk @param {string} label */
function more(entry, whole, desk, label) {
  if (whole?.problem) return h("span", { class: "meta" }, "The whole text can’t be read now. ", h("button", { class: "more-of", type: "button", onclick: () => desk.whole(entry) }, "Try again"));
  return h("button", { class: "more-of", type: "button", disabled: whole?.isBusy, onclick: () => desk.whole(entry) }, label);
}

/** @type {Record<string, [string, string]>} how far a message came, and what is known by it */
export const DELIVERIES = {
  sent: ["sent", "The channel took it"], delivered: ["delivered", "It came to the customer’s device"],
  read: ["read", "The customer opened it"], failed: ["not delivered", "The channel could not deliver it"],
};

/** @param {any} entry */
function delivery({ delivery: told }) {
  if (!told) return null;
  if (told.state === "failed") return h("span", { class: "bad tint" }, `not delivered${told.reason ? `: ${told.reason}` : ""}`);
  const [words, about] = DELIVERIES[told.state] ?? [told.state, ""];
  return h("span", { title: about || null }, words);
}

/** @param {any} entry */
function files(entry) {
  const found = entry.attachments ?? [];
  if (found.length === 0) return null;
  return h("p", { class: "files" }, found.map(file), entry.more_attachments ? h("span", { class: "meta" }, `and ${entry.more_attachments} more`) : null);
}

/** A file that the hub has is shown or saved; one that lies elsewhere is named alone. @param {any} each */
function file(each) {
  const size = each.bytes ? `${Math.max(1, Math.round(each.bytes / 1024))} KB` : "";
  const label = [icon("attach", "s"), theirs(each.name || "file"), h("span", { class: "meta" }, size)];
  if (each.place !== "hub") return h("span", { class: "file", key: each.id }, ...label, h("span", { class: "meta" }, "not kept here"));
  const path = `/v1/attachments/${encodeURIComponent(each.id)}`;
  const isPicture = /^image\/(png|jpeg|gif|webp)$/.test(each.content_type ?? "");
  return h("a", { class: "file", key: each.id, href: path, download: "" }, isPicture && h("img", { src: path, alt: "", loading: "lazy" }), ...label);
}

/** @param {any} entry @param {Parameters<typeof entryView>[1]} shown */
function note(entry, shown) {
  return h("li", frame(entry, "note agent", shown),
    h("span", { class: "face s agent", "aria-hidden": "true" }, icon("note", "s")),
    h("p", { class: "by" }, h("b", null, "Note by ", theirs(entry.name ?? "somebody of us")), time(entry, shown.now)),
    theirs(entry.text, "div", { class: "text" }));
}

/** @type {[RegExp, import("../../kit/icons.js").IconName][]} */
const SIGNS = [[/^handoff/, "handoff"], [/^identity/, "person"], [/^bot/, "bot"], [/promised/, "flag"], [/topic/, "tag"], [/resolved/, "check"], [/^call|^interaction/, "clock"]];

/** @param {any} entry @param {Parameters<typeof entryView>[1]} shown */
function step(entry, shown) {
  const sign = SIGNS.find(([pattern]) => pattern.test(bareType(entry.type)))?.[1] ?? "list";
  return h("li", frame(entry, "step", shown), icon(sign), h("p", { class: "words" }, theirs(stepWords(entry), "span"), time(entry, shown.now)));
}
