/** Why now, what was said last, what was promised: each with its source beside it. */

import { h, theirs } from "../../kit/html.js";
import { channelName, icon } from "../../kit/icons.js";
import { instant, spanWords, whenWords } from "../../kit/time_words.js";

/** @type {Record<string, string>} */
export const FROM = { handoff: "from the handoff", intent: "what the bot understood", topic: "from the topic", message: "the first line without an answer" };

/** @param {any} body @param {number} now by the minute @param {string} name the customer's */
export function reasons(body, now, name) {
  const { why_now: why, last_words: last, promises } = body.glance;
  return h("section", { class: "card why", "aria-labelledby": "why", key: "why" },
    h("div", null,
      h("p", { class: "eyebrow" }, icon(why?.from === "handoff" ? "handoff" : "question", "s"),
        why ? `Why now · ${FROM[why.from] ?? why.from}, ${whenWords(instant(why.time) ?? now, now)}` : "Why now"),
      h("h2", { id: "why" }, why ? theirs(why.text) : "Nothing is open. Nobody has said yet what this is about.")),
    h("div", { class: "said" },
      said("customer", last.customer, now, last.customer?.name ?? name, "The customer has said nothing yet."),
      said("agent", last.business, now, last.business?.name ?? "We", "Nobody of us has answered yet.")),
    promised(promises, body.conversations, now));
}

/** @param {string} side @param {any} words @param {number} now @param {string} name @param {string} silent */
function said(side, words, now, name, silent) {
  if (!words) return h("div", { class: side, key: side }, h("span", { class: "meta" }, silent));
  return h("div", { class: side, key: side },
    h("span", { class: "meta" }, h("b", { class: "tint" }, theirs(name)), ` · ${channelName(words.channel).toLowerCase()}, ${whenWords(instant(words.time) ?? now, now)}`),
    h("q", { dir: "auto" }, words.text));
}

/** @param {any[]} open @param {any[]} conversations @param {number} now */
function promised(open, conversations, now) {
  const kept = conversations.flatMap((each) => each.promises ?? []).filter((each) => each.kept !== null && !open.some((one) => one.event.id === each.event.id));
  if (open.length === 0 && kept.length === 0) return h("p", { class: "meta", key: "promises" }, "Nothing is promised.");
  return h("ul", { class: "promises", key: "promises" }, [...open, ...kept.slice(0, 2)].map((each) => promise(each, now)));
}

/** @param {any} each @param {number} now */
function promise(each, now) {
  const [kind, words] = promiseState(each, now);
  return h("li", { class: `promise ${kind}`, key: each.event.id },
    icon("flag"),
    h("span", { class: "grow wrap-text" }, h("b", null, "Promised: "), theirs(each.text), h("span", { class: "meta" }, " · ", theirs(each.agent ?? "somebody of us"), `, ${whenWords(instant(each.time) ?? now, now)}`)),
    h("span", { class: `chip ${kind}` }, words));
}

/** @param {any} each @param {number} now @returns {[string, string]} */
export function promiseState(each, now) {
  if (each.kept === true) return ["good", "kept"];
  if (each.kept === false) return ["bad", "not kept"];
  const due = instant(each.due);
  if (due === null) return ["info", "no date"];
  return due < now ? ["bad", `${spanWords(now - due)} late`] : ["info", `by ${whenWords(due, now)}`];
}
