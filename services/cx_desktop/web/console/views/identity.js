/** Decisions about who is who, each with its undo, and what waits for one. */

import { h, theirs, unseen } from "../../kit/html.js";
import { addressOf } from "../address.js";
import { decisionsOf } from "../decisions.js";
import { count, counted } from "../numbers.js";
import { missingWords } from "../problems.js";
import { chip, customerLink, heading, link, moreBelow, nothing, panel, table, when } from "./parts.js";
import { reasonForm } from "./reason.js";

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act */
export function identityPage(state, act) {
  const missing = missingWords(state.me, "context:read");
  return h(
    "section",
    { "aria-label": "Identity" },
    heading("Identity", h("span", { class: "meta" }, "what people decided about who is who")),
    panel(state, act, "decisions", (page) => decisions(state, act, page)),
    h("h2", null, "Waiting for a decision"),
    missing ? h("p", { class: "card hint missing" }, missing) : panel(state, act, "candidates", (page) => candidates(state, act, page)),
  );
}

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act @param {any} page */
function decisions(state, act, page) {
  const found = decisionsOf(page.items.map((/** @type {any} */ each) => each.value ?? {}));
  const looked = `${count(page.scanned)} records of the log were looked at.`;
  if (!found.length) return [nothing(page.at_end ? "Nobody has decided anything. Merges, unmerges and other decisions come here, newest first." : `No decision so far. ${looked}`, moreBelow(state, act, "decisions", ""))];
  return [h("ul", { class: "card issues" }, found.map((each) => decision(state, act, each))), moreBelow(state, act, "decisions", looked)];
}

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act @param {import("../decisions.js").Decision} each */
function decision(state, act, each) {
  const at = each.name.indexOf("#");
  const href = addressOf("event", { source: each.name.slice(0, at), id: each.name.slice(at + 1) });
  const tone = each.withdrawnBy ? "past" : "good";
  const words = each.withdrawnBy ? "withdrawn" : each.isWithdrawal ? "withdrawal" : "stands";
  return h(
    "li",
    { key: each.name, class: "issue", "data-state": words },
    h("span", null, chip(tone, words)),
    h(
      "div",
      null,
      h("h2", null, link(act, href, {}, each.words)),
      h("p", { class: "meta" }, theirs(each.who), " ", when(state, each.at), each.why ? [": “", theirs(each.why), "”"] : "", each.events > 1 ? ` · ${counted(each.events, "event")}` : ""),
      h("p", null, each.parts.map((id) => h("span", { key: id }, customerLink(id), " "))),
    ),
    h("span", null),
    each.withdrawnBy ? null : withdraw(state, act, each),
  );
}

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act @param {import("../decisions.js").Decision} each */
function withdraw(state, act, each) {
  const key = `decision-${each.name}`;
  const preview = state.told[`preview-${each.name}`];
  return h(
    "details",
    { class: "opened", key: "undo" },
    h("summary", { class: "b" }, each.isWithdrawal ? "Decide it again…" : "Undo…", unseen(` ${each.words}`)),
    h("p", { class: "hint" }, "It leaves no trace: everybody's contexts are as if it had never been decided. Both events stay on the log."),
    h(
      "p",
      { class: "row wrap" },
      h("button", { class: "b", type: "button", onclick: () => act("previewUndo", each.name) }, "What would change?"),
      h("span", { role: "status" }, preview ? previewWords(preview) : ""),
    ),
    reasonForm(state, {
      key,
      label: "Why you undo it",
      scope: "identity:write",
      choices: [{ name: "undo", words: "Undo", tone: "danger" }],
      run: (_, why) => act("undoDecision", each.name, { key, why }),
    }),
  );
}

/** @param {import("../state.js").Told} preview */
function previewWords(preview) {
  if (preview.isBusy) return "Working it out…";
  if (preview.problem) return preview.problem.detail;
  const contexts = preview.value.contexts;
  return [`${counted(contexts.length, "customer")} afterwards: `, contexts.map((/** @type {any} */ each) => h("span", { key: each.customer }, customerLink(each.customer, theirs(each.body?.customer?.display || each.customer)), " "))];
}

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act @param {any} page */
function candidates(state, act, page) {
  if (!page.items.length) return nothing("Nobody is in doubt. Identifiers that several customers may own come here; the desktop decides about them.");
  return [
    table(
      "Candidates",
      ["Identifier", "Why", "May be"],
      page.items.map((/** @type {any} */ each) =>
        h(
          "tr",
          { key: each.id },
          h("th", { scope: "row" }, theirs(`${each.identifier.kind} ${each.identifier.value}`)),
          h("td", null, theirs(each.reason.replaceAll("-", " "))),
          h("td", null, each.customers.map((/** @type {any} */ one) => h("span", { key: one.id }, customerLink(one.id), " "))),
        ),
      ),
    ),
    moreBelow(state, act, "candidates"),
  ];
}
