/** What not to ask again, and what the bot tried. */

import { h, theirs } from "../../kit/html.js";
import { icon } from "../../kit/icons.js";
import { instant, whenWords } from "../../kit/time_words.js";
import { method } from "./certainty.js";

const SHOWN = 3;

/** @param {any} body @param {number} now by the minute */
export function dontAsk(body, now) {
  const tried = body.conversations.flatMap((/** @type {any} */ each) => each.bot?.trail ?? []).sort(latestFirst);
  return h("section", { class: "card", "aria-labelledby": "ask", key: "ask" },
    h("h2", { class: "eyebrow", id: "ask" }, icon("check", "s"), "Don’t ask again"),
    known(body.glance.known, now),
    h("h3", { class: "eyebrow" }, icon("bot", "s"), "The bot tried"),
    tried.length === 0
      ? h("p", { class: "meta" }, "No bot has spoken here.")
      : h("ol", { class: "tried" }, tried.slice(0, SHOWN).map((/** @type {any} */ each) => h("li", { key: each.time },
          icon("bot", "s"),
          h("span", { class: "grow wrap-text" }, each.intent && h("b", null, words(each.intent)), each.intent && each.text && ": ", each.text && theirs(each.text)),
          h("span", { class: "meta" }, whenWords(instant(each.time) ?? now, now))))));
}

/** Values of one name that disagree stand beside each other, the newest first. @param {any[]} answers @param {number} now */
function known(answers, now) {
  if (answers.length === 0) return h("p", { class: "meta" }, "Nothing is known yet. What is asked and answered stands here.");
  return h("dl", { class: "known" }, answers.flatMap((each) => [
    h("dt", { key: `name ${key(each)}` }, each.from === "proof" ? "Who it is" : words(each.name)),
    h("dd", { key: `value ${key(each)}` }, theirs(valueWords(each)), h("span", { class: "meta" }, sourceWords(each, now))),
  ]));
}

/** @param {any} each */
const key = (each) => `${each.name} ${each.event.source}#${each.event.id}`;

/** @param {any} each */
function valueWords(each) {
  if (each.from === "proof") return "proved";
  return typeof each.value === "string" ? each.value : JSON.stringify(each.value);
}

/** @param {any} each @param {number} now */
function sourceWords(each, now) {
  if (each.from !== "proof") return `told the bot, ${whenWords(instant(each.time) ?? now, now)}`;
  const end = instant(each.expires_at);
  if (end === null) return each.method ? `by ${method(each.method)}` : "";
  return end < now ? `ran out ${whenWords(end, now)}` : `until ${whenWords(end, now)}`;
}

/** @param {string} name of a program */
function words(name) {
  const text = name.replaceAll("_", " ").replaceAll("-", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** @param {any} a @param {any} b */
function latestFirst(a, b) {
  return a.time < b.time ? 1 : -1;
}
