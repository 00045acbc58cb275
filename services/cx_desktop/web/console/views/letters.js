/** Dead letters as issues: what is alike is one, with what was done about it and what can be. */

import { h, theirs } from "../../kit/html.js";
import { addressOf } from "../address.js";
import { isRetriable, issueState, reasonWords, stageWords } from "../issues.js";
import { count, counted } from "../numbers.js";
import { valueOf } from "../state.js";
import { chip, facts, heading, jsonText, link, moreBelow, nothing, panel, table, when } from "./parts.js";
import { reasonForm } from "./reason.js";

const STATES = /** @type {const} */ ([["", "Open"], ["failed", "Failed"], ["waiting", "Waiting for an adapter"], ["discarded", "Discarded"]]);
const READ_AFTER = ["issues", "letters", "letterActs", "groups"];

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act */
export function lettersPage(state, act) {
  const { filters } = state.place;
  return h(
    "section",
    { "aria-label": "Dead letters" },
    heading("Dead letters", h("span", { class: "meta" }, "kept whole; nothing is lost")),
    h(
      "div",
      { class: "row wrap", role: "group", "aria-label": "State" },
      STATES.map(([each, words]) =>
        link(act, addressOf("dead-letters", { ...filters, group: "", state: each }), { key: each, class: "pick", "aria-current": (filters.state ?? "") === each ? "true" : null }, words),
      ),
    ),
    panel(state, act, "issues", ({ items }) => issues(state, act, items)),
  );
}

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act @param {any[]} groups */
function issues(state, act, groups) {
  const { filters } = state.place;
  const shown = filters.group ? groups.filter((each) => each.id === filters.group) : groups;
  const all = filters.group && link(act, addressOf("dead-letters", { state: filters.state }), { class: "b" }, "All issues");
  if (!shown.length && filters.group) return nothing("Nothing of this issue is left here. It was used, or it has another state.", all);
  if (!shown.length && filters.state) return nothing(filters.state === "discarded" ? "Nobody has discarded anything." : "None in this state.");
  if (!shown.length) return nothing("Nothing is set aside. What can't be used comes here, whole, with the reason.");
  const acts = (valueOf(state, "letterActs")?.items ?? []).map((/** @type {any} */ each) => each.value ?? {});
  return [all, h("ul", { class: "card issues" }, shown.map((each) => issue(state, act, each, acts)))];
}

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act @param {import("../issues.js").Group} group @param {any[]} acts */
function issue(state, act, group, acts) {
  const { filters } = state.place;
  const stand = issueState(group, acts, state.now, isLevel(state));
  const isOpen = filters.group === group.id;
  const why = stand.act?.data?.reason;
  return h(
    "li",
    { key: group.id, class: "issue", "data-state": stand.state },
    h("span", { class: `count ${stand.tone} tint` }, count(group.letters)),
    h(
      "div",
      null,
      h("h2", null, theirs(reasonWords(group.reason))),
      h("p", { class: "meta" }, theirs(group.origin || "unknown origin"), ` · ${stageWords(group.stage)} · first `, when(state, group.first), ", last ", when(state, group.last)),
      group.example && h("p", { class: "two" }, theirs(group.example)),
      why && h("p", { class: "meta" }, theirs(stand.act?.writer ?? ""), ": “", theirs(why), "” ", when(state, stand.act?.recordedtime)),
    ),
    h(
      "div",
      { class: "row wrap" },
      chip(stand.tone, stand.words),
      isOpen ? null : link(act, addressOf("dead-letters", { state: filters.state, group: group.id }), { class: "b" }, "Open"),
    ),
    isOpen ? opened(state, act, group) : null,
  );
}

/** Whether nothing waits on the log. @param {import("../state.js").State} state */
function isLevel(state) {
  const parts = valueOf(state, "projectors")?.items;
  return Boolean(parts?.every((/** @type {any} */ each) => !each.events));
}

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act @param {import("../issues.js").Group} group */
function opened(state, act, group) {
  const isDiscarded = group.state === "discarded";
  const choices = [
    ...(isRetriable(group) ? [{ name: "retry", words: `Retry ${count(group.letters)}`, tone: "primary" }] : []),
    ...(isDiscarded ? [] : [{ name: "discard", words: `Discard ${count(group.letters)}`, tone: "danger" }]),
  ];
  const about = isRetriable(group)
    ? "Retry once the cause is mended. What is discarded leaves this list and stays on the log."
    : "Sent again it would be the same copy, so it can't be retried: mend the sender, who must give the event an id of its own.";
  return h(
    "div",
    { class: "opened" },
    choices.length > 0 &&
      reasonForm(state, {
        key: `letters-${group.id}`,
        label: "Why",
        choices,
        about,
        run: (choice, why) => act("letters", choice, { key: `letters-${group.id}`, query: { group: group.id, state: group.state, why }, after: READ_AFTER }),
      }),
    panel(state, act, "letters", (page) => [
      page.items.length
        ? table("Dead letters", ["Recorded", "Id", "Source", "Detail"], page.items.map((/** @type {any} */ each) => row(state, act, each)))
        : h("p", { class: "meta" }, "None of it is among the latest."),
      moreBelow(state, act, "letters"),
    ]),
  );
}

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act @param {any} letter */
function row(state, act, letter) {
  return h(
    "tr",
    { key: `${letter.id}-${letter.stage}-${letter.place}` },
    h("th", { scope: "row", class: "one" }, when(state, letter.recorded)),
    h("td", { class: "mono" }, link(act, addressOf("dead-letter", { id: letter.id }), {}, theirs(letter.id))),
    h("td", { class: "mono meta" }, theirs(letter.source ?? "")),
    h("td", null, letter.withheld ? chip("past", "withheld: it names no tenant") : theirs(letter.detail)),
  );
}

/** One dead letter, whole. @param {import("../state.js").State} state @param {import("./parts.js").Act} act */
export function letterPage(state, act) {
  return h(
    "section",
    { "aria-label": "Dead letter" },
    heading("Dead letter", link(act, addressOf("dead-letters"), { class: "b" }, "All issues")),
    state.told.letter?.problem?.status === 404
      ? nothing("There is none of that id now. What was used since is on the log.")
      : panel(state, act, "letter", ({ items }) => items.map((/** @type {any} */ each) => whole(state, act, each))),
  );
}

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act @param {any} letter */
function whole(state, act, letter) {
  const key = `letter-${letter.stage}-${letter.id}`;
  const isRetriableNow = isRetriable(letter);
  const choices = [
    ...(isRetriableNow ? [{ name: "retry", words: "Retry", tone: "primary" }] : []),
    ...(letter.discarded ? [] : [{ name: "discard", words: "Discard", tone: "danger" }]),
  ];
  return h(
    "div",
    { key, class: "card letter" },
    h("h2", null, theirs(reasonWords(letter.reason))),
    h("p", null, theirs(letter.detail)),
    facts([
      ["Stage", stageWords(letter.stage)],
      ["Recorded", when(state, letter.recorded)],
      ["Source", letter.source],
      ["Id", letter.id],
      ["Connection", letter.connection],
      ["Lies at", letter.place],
      letter.discarded && ["Discarded", [theirs(letter.discarded.reason ?? ""), " · ", theirs(letter.discarded.writer ?? ""), " ", when(state, letter.discarded.at)]],
      letter.stage !== "map" && letter.source && ["Event", link(act, addressOf("event", { source: letter.source, id: letter.id }), {}, "Its page")],
    ]),
    jsonText(original(letter.original), "The original"),
    letter.blob && h("p", { class: "meta" }, "The original is large and kept as a blob: cx dlq show tells it whole."),
    choices.length > 0 &&
      reasonForm(state, {
        key,
        label: "Why",
        choices,
        run: (choice, why) => act("letters", choice, { key, query: { id: letter.id, stage: letter.stage, why }, after: ["letter", ...READ_AFTER] }),
      }),
  );
}

/** The original's text; what is none, as base64. @param {string | undefined} base64 */
function original(base64 = "") {
  try {
    const bytes = Uint8Array.from(atob(base64), (each) => each.charCodeAt(0));
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return base64;
  }
}

/** How many were done so far. @param {string} choice @param {number} done @param {Record<string, number>} refused */
export function doneWords(choice, done, refused) {
  const verb = choice === "retry" ? "sent again" : "discarded";
  const left = Object.entries(refused).map(([reason, number]) => `${count(number)} not (${reasonWords(reason).toLowerCase()})`);
  return `${counted(done, "dead letter")} ${verb}${left.length ? `; ${left.join(", ")}` : ""}.`;
}
