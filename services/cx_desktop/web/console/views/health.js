/** The first page: how the stream is, how far it was behind, and what waits for somebody. */

import { h, unseen } from "../../kit/html.js";
import { addressOf } from "../address.js";
import { count, counted } from "../numbers.js";
import { minutesOf } from "../reads.js";
import { valueOf } from "../state.js";
import { durationWords } from "../times.js";
import { healthLine } from "./frame.js";
import { lagChart } from "./lag_chart.js";
import { link, panel, when } from "./parts.js";

const SPANS = /** @type {const} */ ([[60, "1 h"], [360, "6 h"], [1440, "24 h"]]);

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act */
export function healthPage(state, act) {
  const minutes = minutesOf(state.place.filters);
  return h(
    "section",
    { "aria-label": "Health" },
    healthLine(state, act, "h1"),
    panel(state, act, "projectors", (told) => figures(state, act, told)),
    h(
      "div",
      { class: "card" },
      h(
        "div",
        { class: "head" },
        h("h2", null, "Events that waited"),
        h("span", { class: "meta" }, "log scale; a gap is a time without a report"),
        h("span", { class: "grow" }),
        SPANS.map(([each, words]) =>
          link(act, addressOf("health", { minutes: each === 60 ? "" : each }), { key: each, class: "pick", "aria-current": each === minutes ? "true" : null }, unseen("Latest "), words),
        ),
      ),
      panel(state, act, "history", ({ items }) => lagChart(state, items, minutes)),
    ),
  );
}

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act @param {any} told */
function figures(state, act, { items, workers }) {
  const waiting = sum(items, "events");
  const slowest = Math.max(0, ...items.map((/** @type {any} */ each) => each.seconds));
  const rates = items.map((/** @type {any} */ each) => each.rate).filter((/** @type {any} */ each) => each !== null);
  const live = workers.filter((/** @type {any} */ each) => each.is_live).length;
  return h(
    "dl",
    { class: "figures" },
    figure("Waiting on the log", counted(waiting, "event"), slowest ? `the first for ${durationWords(slowest)}` : "read as it comes"),
    figure("Applied", rates.length ? `${count(rates.reduce((a, b) => a + b, 0))} a second` : "not known", "over the latest 5 minutes"),
    figure("Workers", live ? `${live} of ${workers.length} report` : "none reports", live ? "" : "what they did is not known"),
    letters(act, valueOf(state, "groups")?.items),
    connections(state, act),
  );
}

/** @param {any[]} items @param {string} name @returns {number} */
function sum(items, name) {
  return items.reduce((all, each) => all + each[name], 0);
}

/** @param {string} name @param {unknown} value @param {unknown} about */
function figure(name, value, about) {
  return h("div", { key: name }, h("dt", null, name), h("dd", null, value, " ", h("small", null, about)));
}

/** @param {import("./parts.js").Act} act @param {any[] | undefined} groups */
function letters(act, groups) {
  if (!groups) return figure("Set aside", "not known", "");
  const failed = groups.filter((each) => each.state === "failed");
  const words = failed.length ? `in ${counted(failed.length, "issue")}, none lost` : "nothing needs anybody";
  return figure("Set aside", link(act, addressOf("dead-letters"), {}, counted(sum(failed, "letters"), "dead letter")), words);
}

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act */
function connections(state, act) {
  const told = valueOf(state, "connections");
  if (!told) return figure("Connections", state.told.connections?.problem ? "not known" : "…", "");
  const bad = told.items.filter((/** @type {any} */ each) => each.is_failing || each.lacks.some((/** @type {any} */ gap) => !gap.works));
  const last = told.items.reduce((/** @type {any} */ a, /** @type {any} */ b) => (!a || (b.last_event?.time ?? "") > a ? (b.last_event?.time ?? a) : a), "");
  const words = bad.length ? `${bad[0].id} needs somebody` : last ? ["last event ", when(state, last)] : "no event yet";
  const all = told.items.length;
  return figure("Connections", link(act, addressOf("connections"), {}, `${all - bad.length} of ${all} well`), words);
}
