/** Who is who, in the column of acts: candidates, what was decided, which contacts belong here. Pure. */

import { h, theirs } from "../../kit/html.js";
import { icon } from "../../kit/icons.js";
import { instant, plural, whenWords } from "../../kit/time_words.js";
import { contactsOf } from "../acts/subject.js";

/** @type {Record<string, string>} */
const DECIDED = { merge: "Said to be one", merged: "Said to be one", apart: "Kept apart", unmerged: "Kept apart", dismissed: "Said to be nobody’s", dismiss: "Said to be nobody’s" };

/** The decisions that count now, newest first. @param {any} told answer of `/identity` @returns {any[]} */
export function standingDecisions(told) {
  const all = (told?.decisions ?? []).filter((/** @type {any} */ each) => each.standing.state === "stands" && each.kind !== "withdraw");
  return [...all].sort((a, b) => (a.recorded < b.recorded ? 1 : -1));
}

/** Who may be the same, besides the customer who is shown. @param {any} candidate @param {string} customer @returns {any[]} */
export const othersOf = (candidate, customer) => candidate.customers.filter((/** @type {any} */ each) => each.id !== customer);

/**
 * @param {import("../state.js").State} state @param {import("./own_state.js").Identity} own @param {any} at
 * @param {Record<string, (...all: any[]) => void>} run
 */
export function identityView(state, own, at, run) {
  const { told } = own;
  const { customer } = at;
  const candidates = told?.candidates ?? [];
  const meta = own.problem ? "not read" : told ? (candidates.length ? plural(candidates.length, "candidate") : "no candidate") : "";
  return h("details", { key: "identity", id: "act-identity", open: state.plugins.acts.open.identity ?? false, ontoggle: (/** @type {any} */ event) => run.fold(event.currentTarget.open) },
    h("summary", null, icon("person"), h("span", { class: "grow" }, "Who is who"), h("span", { class: "meta" }, meta), icon("chevron", "s chev")),
    h("div", { class: "in" },
      own.problem && h("p", { class: "hint", role: "status" }, "This didn’t come. Everything else here is current."),
      candidates.map((/** @type {any} */ each) => candidateView(each, customer.id, run)),
      h("div", { class: "row wrap", key: "other" }, h("button", { class: "b", type: "button", onclick: run.find }, "Same as another…"),
        customer.identifiers.length === 0 && h("button", { class: "b", type: "button", onclick: run.attribute }, "Whose contact is this…")),
      decidedView(standingDecisions(told), state.now, run),
      contactsView(at, run)));
}

/** @param {any} candidate @param {string} customer @param {Record<string, (...all: any[]) => void>} run */
function candidateView(candidate, customer, run) {
  const { kind, value } = candidate.identifier;
  const others = othersOf(candidate, customer);
  return h("div", { class: "candidate", key: candidate.id },
    h("p", null, icon("question", "s"), " ", h("b", null, `${kind} `, h("bdi", { dir: "ltr" }, value)), h("span", { class: "meta" }, candidate.reason === "shared" ? " is used by several" : ` may be theirs: ${candidate.reason}`)),
    others.flatMap((each) => each.reasons).slice(0, 3).map((reason, place) => theirs(reason, "p", { class: "meta", key: place })),
    h("div", { class: "row wrap" },
      h("button", { class: "b", type: "button", onclick: () => run.compare(candidate, others[0] ?? null) }, "Compare…"),
      candidate.actions.dismiss && h("button", { class: "b", type: "button", onclick: () => run.dismiss(candidate) }, "Not theirs…")));
}

/** @param {any[]} decisions @param {number} now @param {Record<string, (...all: any[]) => void>} run */
function decidedView(decisions, now, run) {
  if (decisions.length === 0) return null;
  return h("div", { key: "decided" }, h("h3", { class: "eyebrow" }, "Decided by people"), h("ul", { class: "plain" }, decisions.map((each) =>
    h("li", { key: `${each.event.source}#${each.event.id}` },
      h("p", null, DECIDED[each.kind] ?? each.kind, h("span", { class: "meta" }, ` · ${each.agent ? each.agent.name || each.agent.id : "somebody"}, ${whenWords(instant(each.recorded) ?? now, now)}`)),
      each.reason && theirs(each.reason, "p", { class: "meta" }),
      h("button", { class: "b", type: "button", onclick: () => run.withdraw(each) }, each.kind === "merge" || each.kind === "merged" ? "Part them…" : "Take back…")))));
}

/** Contacts that may be a matter of their own. @param {any} at @param {Record<string, (...all: any[]) => void>} run */
function contactsView({ conversation }, run) {
  const [, ...later] = contactsOf(conversation);
  if (later.length === 0) return null;
  return h("div", { key: "contacts" }, h("h3", { class: "eyebrow" }, "Contacts of this matter"), h("ul", { class: "plain" }, later.map((interaction) =>
    h("li", { key: interaction, class: "row wrap" }, h("bdi", { dir: "ltr", class: "grow" }, interaction), h("button", { class: "b", type: "button", onclick: () => run.split(interaction) }, "Its own matter")))));
}
