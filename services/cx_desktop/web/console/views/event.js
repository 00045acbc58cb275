/** One event on a page of its own: what it says, where it came from, and what it did. */

import { h, theirs } from "../../kit/html.js";
import { addressOf } from "../address.js";
import { stageWords, reasonWords } from "../issues.js";
import { bytesWords, counted } from "../numbers.js";
import { whoOf, wordsOf } from "../records.js";
import { customerLink, facts, heading, jsonText, link, nothing, panel, quoted, when } from "./parts.js";

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act */
export function eventPage(state, act) {
  const { source = "", id = "" } = state.place.filters;
  if (!source || !id) return nothing("An event is named by its source and its id. Open one from the log.");
  const told = state.told.event;
  const isMissing = told?.problem?.status === 404;
  return h(
    "section",
    { "aria-label": "Event" },
    heading("Event"),
    isMissing
      ? nothing("Nothing of that source and id was applied here, or not yet.", link(act, addressOf("log", { source, id }), { class: "b" }, "Look on the log"))
      : panel(state, act, "event", (page) => whole(state, act, page)),
  );
}

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act @param {any} page */
function whole(state, act, page) {
  const event = read(page.raw);
  const words = wordsOf(event);
  return h(
    "div",
    { class: "event-body" },
    h(
      "div",
      null,
      h("p", { class: "lead mono" }, theirs(page.envelope.type)),
      words && h("blockquote", null, theirs(words, "p"), whoOf(event) && h("footer", { class: "meta" }, theirs(whoOf(event)))),
      facts([
        ["Happened", when(state, page.effective)],
        ["Recorded", when(state, page.recorded)],
        ["Source", page.source],
        ["Id", page.id],
        ["Written by", writer(act, page.origin)],
        ["On the log", place(state, act, page.place)],
        ["Size", bytesWords(page.bytes)],
        ["Trace", page.trace_id],
      ]),
      h("p", { class: "meta" }, "On the command line: ", h("code", { dir: "ltr" }, `cx log tail --limit 1 --show pretty --source ${quoted(page.source)} --id ${quoted(page.id)}`)),
      jsonText(page.raw, "The event as it lies on the log"),
    ),
    h("div", null, h("h2", null, "What it did"), effects(state, act, page)),
  );
}

/** @param {string} raw */
function read(raw) {
  try {
    return JSON.parse(raw);
  } catch {
    return null;
  }
}

/** @param {import("./parts.js").Act} act @param {any} origin */
function writer(act, origin) {
  if (origin.connection) {
    const via = link(act, addressOf("log", { connection: origin.connection }), {}, origin.connection);
    return ["the connection ", via, origin.provider ? ` (${origin.provider})` : ""];
  }
  if (origin.key) return [`the key ${origin.key}`];
  return origin.writer ?? "the hub itself";
}

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act @param {any} found */
function place(state, act, found) {
  if (!found) return "not found near its recorded time: it may have been imported later";
  const { topic, partition, offset } = found;
  return [link(act, addressOf("record", { topic, partition, offset }), { class: "mono" }, `${topic} ${partition}/${offset}`), ", stored ", when(state, found.stored)];
}

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act @param {any} page */
function effects(state, act, { problem, changes, dead_letters, other_copies }) {
  const found = [
    problem && effect("problem", "bad", "It was not folded: ", theirs(problem)),
    ...changes.profiles.map((/** @type {any} */ each) =>
      effect(`profile-${each.id}`, "", "Names ", h("b", null, theirs(`${each.kind} ${each.value}`)), each.customer ? [", today of ", customerLink(each.customer)] : ", today of nobody"),
    ),
    ...changes.customers.map((/** @type {string} */ each) => effect(`customer-${each}`, "", "Stands in the context of ", customerLink(each))),
    ...changes.conversations.map((/** @type {string} */ each) =>
      effect(`thread-${each}`, "", "Shown in the conversation ", h("a", { class: "mono", href: `/desk/conversations/${encodeURIComponent(each)}` }, each)),
    ),
    ...dead_letters.map((/** @type {any} */ each, /** @type {number} */ at) =>
      effect(`letter-${at}`, "bad", `Set aside, ${stageWords(each.stage)}: ${reasonWords(each.reason)}. `, theirs(each.detail)),
    ),
  ];
  const shown = found.filter(Boolean);
  return [
    shown.length ? h("ul", { class: "effects" }, shown) : h("p", { class: "meta" }, "Nothing: no customer, no conversation, no dead letter."),
    other_copies.length > 0 && h("h2", null, `${counted(other_copies.length, "other copy", "other copies")} under the same id`),
    other_copies.map((/** @type {any} */ each, /** @type {number} */ at) =>
      h("details", { key: `copy-${at}` }, h("summary", null, "Recorded ", when(state, each.recorded)), jsonText(each.raw, "The other copy")),
    ),
    h("p", null, link(act, addressOf("log", { key: changes.stream.replaceAll("-", "") }), { class: "b" }, "Its stream on the log")),
  ];
}

/** @param {string} key @param {string} tone @param {...unknown} words */
function effect(key, tone, ...words) {
  return h("li", { key, class: tone ? `${tone} tint` : null }, h("span", null, words));
}

/** Any record of the log, whole. @param {import("../state.js").State} state @param {import("./parts.js").Act} act */
export function recordPage(state, act) {
  const { topic = "", partition = "", offset = "" } = state.place.filters;
  return h(
    "section",
    { "aria-label": "Record" },
    heading("Record", h("span", { class: "mono meta" }, theirs(`${topic} ${partition}/${offset}`))),
    panel(state, act, "record", ({ items }) => {
      const [record] = items;
      if (!record || String(record.offset) !== offset) return nothing("There is no such record, or it names another tenant.");
      if (record.withheld) return nothing(`This record names no tenant, so it is shown by its place alone. It has ${bytesWords(record.bytes)}.`);
      const text = record.value === undefined ? (record.raw ?? record.raw_base64) : JSON.stringify(record.value);
      return [
        facts([["Stored", when(state, record.time)], ["Key", record.key], ["Tenant", record.tenant], ["Size", bytesWords(record.bytes)]]),
        jsonText(text, "The record's value"),
        record.raw_base64 && h("p", { class: "meta" }, "It is no text: shown as base64."),
      ];
    }),
  );
}
