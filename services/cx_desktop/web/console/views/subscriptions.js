/** Subscriptions: how far each is, what waits, and what may be done about it. */

import { h, theirs } from "../../kit/html.js";
import { addressOf } from "../address.js";
import { count, counted } from "../numbers.js";
import { chip, facts, heading, link, nothing, panel, table, when } from "./parts.js";
import { reasonForm } from "./reason.js";

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act */
export function subscriptionsPage(state, act) {
  return h(
    "section",
    { "aria-label": "Subscriptions" },
    heading("Subscriptions", h("span", { class: "meta" }, "what goes to the company’s systems as it comes")),
    panel(state, act, "subscriptions", ({ items }) =>
      items.length
        ? table("Subscriptions", ["Subscription", "State", "Delivered", "Behind", "Waiting", "Dead letters", "Last error"], items.map((/** @type {any} */ each) => row(act, each)))
        : nothing("This tenant has no subscriptions. They come from CX_CONFIG, at the next start."),
    ),
  );
}

/** @param {import("./parts.js").Act} act @param {any} each */
function row(act, each) {
  return h(
    "tr",
    { key: each.id },
    h("th", { scope: "row" }, link(act, addressOf("subscription", { id: each.id }), {}, theirs(each.id))),
    h("td", { class: "one" }, standing(each)),
    h("td", { class: "num" }, count(each.delivered)),
    h("td", { class: "num" }, count(each.behind)),
    h("td", { class: "num" }, count(each.waiting_keys)),
    h("td", { class: "num" }, count(each.dead_letter_count)),
    h("td", null, each.last_error ? theirs(each.last_error) : h("span", { class: "meta" }, "none")),
  );
}

/** @param {any} each */
function standing({ state, last_error: error }) {
  if (state === "running") return error ? chip("warn", "something waits") : chip("good", "running");
  return chip(state === "paused" ? "past" : "bad", theirs(state));
}

/** One subscription. @param {import("../state.js").State} state @param {import("./parts.js").Act} act */
export function subscriptionPage(state, act) {
  const { id = "" } = state.place.filters;
  return h(
    "section",
    { "aria-label": "Subscription" },
    heading("Subscription", theirs(id, "span", { class: "meta" })),
    state.told.subscription?.problem?.status === 404
      ? nothing("There is no such subscription.", link(act, addressOf("subscriptions"), { class: "b" }, "All subscriptions"))
      : panel(state, act, "subscription", (each) => whole(state, act, each)),
  );
}

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act @param {any} each */
function whole(state, act, each) {
  const key = `subscription-${each.id}`;
  const isRunning = each.state === "running";
  return [
    h(
      "div",
      { class: "card" },
      facts([
        ["State", [standing(each), each.why ? [" ", theirs(each.why)] : ""]],
        ["Receiver", h("span", { dir: "ltr", class: "mono" }, each.url)],
        ["What", each.topic],
        ["Filter", each.filter || "all"],
        ["Delivered", [counted(each.delivered, "record"), `, ${count(each.behind)} behind`]],
        each.oldest_failure && ["Waits since", when(state, each.oldest_failure)],
        ["Last error", each.last_error],
      ]),
      reasonForm(state, {
        key,
        label: "Why",
        choices: [
          isRunning ? { name: "pause", words: "Pause" } : { name: "resume", words: "Go on", tone: "primary" },
          { name: "retry", words: "Try now" },
        ],
        about: "Nothing is lost while it is paused: it goes on where it was. Try now: what waits is tried at once, dead letters once more.",
        run: (choice, why) => act("subscription", choice, { key, id: each.id, why }),
      }),
    ),
    h("h2", null, "What waits"),
    each.waiting.length
      ? table("Streams that wait", ["Stream", "Tries", "First failed", "Next try", "Why"], each.waiting.map((/** @type {any} */ one) => waiting(state, one)))
      : nothing("Nothing waits. A stream whose receiver refuses or does not answer comes here."),
    each.waiting_keys > each.waiting.length && h("p", { class: "meta" }, `The first ${each.waiting.length} of ${count(each.waiting_keys)}.`),
    h("h2", null, "Dead letters"),
    each.dead_letters.length
      ? table("Dead letters", ["Record", "Tries", "Last failed", "Why"], each.dead_letters.map((/** @type {any} */ one) => letter(state, act, each.topic, one)))
      : nothing("None. What was refused for 75 hours, or for its content, comes here."),
    each.dead_letter_count > each.dead_letters.length && h("p", { class: "meta" }, `The first ${each.dead_letters.length} of ${count(each.dead_letter_count)}.`),
  ];
}

/** @param {import("../state.js").State} state @param {any} one */
function waiting(state, one) {
  return h(
    "tr",
    { key: `${one.partition}-${one.key}` },
    h("th", { scope: "row", class: "mono" }, theirs(one.key)),
    h("td", { class: "num" }, count(one.failures)),
    h("td", { class: "one" }, when(state, one.first_failed)),
    h("td", { class: "one" }, when(state, one.next_attempt)),
    h("td", null, theirs(`${one.reason}: ${one.detail}`)),
  );
}

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act @param {string} topic @param {any} one */
function letter(state, act, topic, one) {
  const place = { topic, partition: one.partition, offset: one.offset };
  return h(
    "tr",
    { key: `${one.partition}-${one.offset}` },
    h("th", { scope: "row", class: "mono" }, link(act, addressOf("record", place), {}, `${one.partition}/${one.offset}`)),
    h("td", { class: "num" }, count(one.failures)),
    h("td", { class: "one" }, when(state, one.last_failed)),
    h("td", null, theirs(`${one.reason}: ${one.detail}`)),
  );
}
