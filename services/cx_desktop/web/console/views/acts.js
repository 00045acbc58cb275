/** Administrative acts: who did what, when and why. Each is an event on the log. */

import { h, theirs } from "../../kit/html.js";
import { addressOf } from "../address.js";
import { count, counted } from "../numbers.js";
import { heading, link, moreBelow, nothing, panel, table, when } from "./parts.js";

export const WORDS = /** @type {Record<string, string>} */ ({
  __proto__: null,
  contexts_rebuilt: "Rebuild",
  dead_letters_retried: "Dead letters tried again",
  dead_letters_discarded: "Dead letters discarded",
  log_exported: "Log exported",
  log_imported: "Log imported",
  hub_backed_up: "Backup",
  hub_restored: "Restore",
  log_replayed: "Replay",
  topics_changed: "Topics changed",
  subscription_changed: "Subscription",
});

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act */
export function actsPage(state, act) {
  return h(
    "section",
    { "aria-label": "Acts" },
    heading("Acts", h("span", { class: "meta" }, "what operators did, with who and why")),
    panel(state, act, "acts", (page) => {
      const looked = `${count(page.scanned)} records of the log were looked at.`;
      if (!page.items.length) return nothing(page.at_end ? "Nobody has done anything yet. Rebuilds, retries, replays, pauses and backups come here." : `None so far. ${looked}`, moreBelow(state, act, "acts", ""));
      return [
        table("Acts", ["When", "What", "Who", "Why"], page.items.map((/** @type {any} */ each) => row(state, act, each))),
        page.at_end ? h("p", { class: "meta" }, "That is all there is.") : moreBelow(state, act, "acts", looked),
      ];
    }),
  );
}

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act @param {any} record */
function row(state, act, { value = {}, partition, offset }) {
  const { data = {} } = value;
  const name = String(value.type ?? "").replace(/^cx\.operations\./, "").replace(/\.v\d+$/, "");
  return h(
    "tr",
    { key: `${partition}-${offset}` },
    h("th", { scope: "row", class: "one" }, link(act, addressOf("event", { source: value.source, id: value.id }), {}, when(state, value.recordedtime))),
    h("td", null, theirs(WORDS[name] ?? name), " ", theirs(about(data.attributes ?? {}), "span", { class: "meta" })),
    h("td", null, theirs(data.agent?.id ?? value.writer ?? "")),
    h("td", null, theirs(data.reason ?? "")),
  );
}

/** What an act was about, as far as its attributes tell. @param {any} attributes */
function about(attributes) {
  const letters = Array.isArray(attributes.dead_letters) ? counted(attributes.dead_letters.length, "letter") : "";
  const names = ["act", "subscription", "id", "target"].map((name) => attributes[name]).filter((each) => typeof each === "string");
  return [...names, letters].filter(Boolean).join(", ");
}
