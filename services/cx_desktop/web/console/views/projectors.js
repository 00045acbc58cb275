/** Who applies what, how far it is, and what stopped it. */

import { h, theirs } from "../../kit/html.js";
import { partName, partState, standsStill } from "../health.js";
import { count, rateWords } from "../numbers.js";
import { durationWords } from "../times.js";
import { chip, heading, nothing, panel, table, when } from "./parts.js";

/** @type {Record<string, string>} */
export const WORKERS = { running: "running", waiting: "waits for log or store", stuck: "stands still" };

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act */
export function projectorsPage(state, act) {
  return h(
    "section",
    { "aria-label": "Projectors" },
    heading("Projectors", h("span", { class: "meta" }, "alive is not enough: what counts is progress")),
    panel(state, act, "projectors", ({ items, workers }) => [
      items.length
        ? table("Parts of the log", ["Part", "State", number("Behind"), number("Lag"), number("Rate"), number("Level in"), "Owner"], items.map(row))
        : nothing("The log has no parts yet. They come with its topics, when the hub starts."),
      h("h2", null, "Workers"),
      workers.length
        ? table("Workers", ["Worker", "State", "Since", "Version", "Last error"], workers.map((/** @type {any} */ each) => worker(state, each)))
        : nothing("No worker reports. They come when cx up or cx run projectors starts."),
    ]),
  );
}

/** @param {string} words */
function number(words) {
  return h("th", { scope: "col", class: "num" }, words);
}

/** @param {import("../health.js").Projector} part */
function row(part) {
  const { tone, words } = partState(part);
  const still = standsStill(part);
  return h(
    "tr",
    { key: partName(part), class: still ? "stuck" : null },
    h("th", { scope: "row" }, partName(part)),
    h("td", { class: "one" }, chip(tone, words)),
    h("td", { class: "num" }, count(part.events)),
    h("td", { class: "num" }, part.events ? durationWords(part.seconds) : "–"),
    h("td", { class: "num" }, rateWords(part.rate)),
    h("td", { class: "num" }, levelWords(part)),
    h("td", null, part.owner ? theirs(part.owner) : "nobody", still && part.error ? h("p", { class: "error" }, theirs(part.error)) : null),
  );
}

/** @param {import("../health.js").Projector} part */
function levelWords(part) {
  if (!part.events) return "level";
  return part.seconds_to_level === null ? "not known" : durationWords(part.seconds_to_level);
}

/** @param {import("../state.js").State} state @param {import("../health.js").Worker} each */
function worker(state, each) {
  const stand = WORKERS[each.state] ?? each.state;
  const words = each.is_live ? stand : `gone; was: ${stand}`;
  const tone = each.is_live ? (each.state === "running" ? "good" : "bad") : "past";
  return h(
    "tr",
    { key: each.worker },
    h("th", { scope: "row" }, theirs(each.worker)),
    h("td", { class: "one" }, chip(tone, words)),
    h("td", { class: "one" }, when(state, each.since * 1000)),
    h("td", null, theirs(each.version)),
    h("td", null, each.error ? [theirs(each.error), " ", when(state, each.error_at * 1000)] : h("span", { class: "meta" }, "none")),
  );
}

