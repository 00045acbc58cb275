/** Open threads: each over all its channels. Choosing one goes to its latest contact in the timeline. */

import { h, theirs } from "../../kit/html.js";
import { icon, mark } from "../../kit/icons.js";
import { instant, plural, spanWords, whenWords } from "../../kit/time_words.js";
import { promiseState } from "./reasons.js";

/** @param {any} body @param {number} now by the minute @param {(interaction: string) => void} goTo */
export function threads(body, now, goTo) {
  const open = body.conversations.filter((/** @type {any} */ each) => each.state === "open");
  return h("section", { class: "card open-threads", "aria-labelledby": "open-threads", key: "threads" },
    h("h2", { class: "eyebrow", id: "open-threads" }, icon("list", "s"), open.length ? `Open threads · ${open.length}` : "No open threads"),
    h("ul", { class: "threads" }, open.map((/** @type {any} */ each) => h("li", { key: each.id },
      h("button", { class: "thread", type: "button", onclick: () => goTo(each.joined.at(-1)?.interaction ?? "") },
        h("span", { class: "marks" }, each.channels.slice(-3).map((/** @type {string} */ channel) => mark(channel, "s"))),
        h("span", { class: "wrap-text" }, h("strong", null, theirs(each.topic ?? each.summary ?? "Without a topic")), h("span", { class: "meta" }, about(each, now))))))));
}

/** @param {any} each @param {number} now */
function about(each, now) {
  const since = instant(each.opened_at) ?? now;
  const snoozed = instant(each.snoozed_until);
  const who = each.assigned_to ?? each.agent ?? each.queue;
  const late = (each.promises ?? []).some((/** @type {any} */ one) => one.kept === null && promiseState(one, now)[0] === "bad");
  return [
    `${spanWords(now - since)} · ${plural(each.joined.length, "contact")} · `,
    who ? theirs(who.name || who.id) : "nobody yet",
    snoozed !== null && snoozed > now && ` · put aside until ${whenWords(snoozed, now)}`,
    late && h("b", { class: "bad tint" }, " · promise late"),
  ];
}
