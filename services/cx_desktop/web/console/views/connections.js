/** Connections: what each lacks, what came last by it, what of that could not be used, and how its poller gets on. */

import { h, theirs } from "../../kit/html.js";
import { spanWords } from "../../kit/time_words.js";
import { addressOf } from "../address.js";
import { reasonWords } from "../issues.js";
import { chip, heading, link, nothing, panel, table, when } from "./parts.js";

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act */
export function connectionsPage(state, act) {
  return h(
    "section",
    { "aria-label": "Connections" },
    heading("Connections", h("span", { class: "meta" }, "accounts at providers, as CX_CONFIG has them")),
    panel(state, act, "connections", ({ items, looked_back_to: since }) => [
      items.length
        ? table("Connections", ["Connection", "State", "Last event", "Last error", "Lacks"], items.map((/** @type {any} */ each) => row(state, act, each, since)))
        : nothing("This tenant has no connections. They come from CX_CONFIG, at the next start."),
      since && h("p", { class: "meta" }, "Events before ", when(state, since), " were not looked for."),
    ]),
  );
}

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act @param {any} each @param {string | null} since */
function row(state, act, each, since) {
  const { last_event: event, last_error: error } = each;
  return h(
    "tr",
    { key: each.id, "data-connection": each.id },
    h("th", { scope: "row" }, link(act, addressOf("log", { connection: each.id }), {}, theirs(each.id)), h("p", { class: "meta" }, each.provider)),
    h("td", null, chip(...standingWords(each)), each.poller && fetched(state, each.poller)),
    h("td", null, event ? [link(act, addressOf("event", { source: event.source, id: event.id }), {}, when(state, event.time)), h("p", { class: "meta mono" }, theirs(event.type))] : h("span", { class: "meta" }, since ? "none of the latest" : "none yet")),
    h("td", null, error ? [link(act, addressOf("dead-letter", { id: error.id }), {}, when(state, error.time)), h("p", null, theirs(reasonWords(error.reason))), h("p", { class: "meta two" }, theirs(error.detail))] : h("span", { class: "meta" }, "none")),
    h("td", null, each.lacks.length ? each.lacks.map((/** @type {any} */ gap) => h("p", { key: gap.reason }, theirs(gap.detail))) : h("span", { class: "meta" }, "nothing")),
  );
}

/** @type {Record<string, string>} */
export const POLLERS = {
  connecting: "connecting", connected: "connected", waiting: "waits for its next turn", retrying: "failed, is tried again",
  refused: "refused by the vendor", stopped: "stopped", "not running": "runs in no process",
};

/** Return how what is asked of a vendor gets on. @param {import("../state.js").State} state @param {any} poller */
function fetched(state, poller) {
  const { state: word, came_at: came, lag_seconds: lag, problem } = poller;
  return [
    h("p", { class: "meta" }, `fetched by us: ${POLLERS[word] ?? word}`, came && [", last ", when(state, came)], lag >= 60 && `, ${spanWords(lag * 1000)} late`),
    problem && h("p", { class: "meta two" }, theirs(problem.detail)),
  ];
}

/** Return the tone and the words for a connection's state, the worst first. @param {any} each @returns {[string, string]} */
export function standingWords(each) {
  const problem = each.poller?.problem;
  if (each.lacks.some((/** @type {any} */ gap) => !gap.works)) return ["bad", "takes nothing"];
  if (problem?.level === "error") return ["bad", "not fetched"];
  if (each.is_failing) return ["bad", "last could not be used"];
  if (problem) return ["warn", "fetched with trouble"];
  if (each.lacks.length) return ["warn", "lacks something"];
  return each.last_event ? ["good", "well"] : ["past", "silent"];
}
