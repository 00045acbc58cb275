/** Two customers side by side, before anybody says that they are one. Pure. */

import { h, theirs } from "../../kit/html.js";
import { icon } from "../../kit/icons.js";
import { instant, plural, whenWords } from "../../kit/time_words.js";
import { refusalWords } from "../acts/outcomes.js";
import { sureChip } from "../views/certainty.js";

/** @typedef {import("./own_state.js").Compare} Compare */

/**
 * What is compared: a row a fact, with the values of each side.
 *
 * @param {any} a body of a context @param {any} b @param {number} now
 * @returns {{name: string, values: string[][]}[]}
 */
export function comparedRows(a, b, now) {
  const both = (/** @type {string} */ name, /** @type {(body: any) => string[]} */ of) => ({ name, values: [of(a), of(b)] });
  return [
    both("Name", ({ customer }) => [customer.display ?? "no name"]),
    both("Known by", ({ customer }) => customer.identifiers.map((/** @type {any} */ each) => `${each.kind} ${each.value}${each.claimed ? ", claimed" : ""}`)),
    both("Open matters", ({ conversations }) => conversations.filter((/** @type {any} */ each) => each.state === "open").map((/** @type {any} */ each) => each.topic ?? each.summary ?? "no topic yet")),
    both("Orders and cases", ({ conversations }) => [...new Set(conversations.flatMap((/** @type {any} */ each) => each.references.map((/** @type {any} */ one) => `${one.kind} ${one.value}`)))].map(String)),
    both("Last words", ({ glance }) => (glance.last_words.customer ? [glance.last_words.customer.text] : ["nothing said"])),
    both("Promised", ({ glance }) => glance.promises.map((/** @type {any} */ each) => each.text)),
    both("Contacts", ({ counts, conversations }) => [`${plural(counts.interactions, "contact")}, ${conversations.length ? `last ${whenWords(instant(conversations[0].last_at) ?? now, now)}` : "none shown"}`]),
  ];
}

/** Return whether a value stands on both sides, without regard to case. @param {string[][]} values @param {string} value */
export function isSame(values, value) {
  return values.every((side) => side.some((each) => each.toLowerCase() === value.toLowerCase()));
}

/** What would be after a merge, in words. @param {any[] | null} after contexts of a dry run @param {any[]} sides */
export function afterWords(after, sides) {
  if (!after) return "";
  if (after.length !== 1) return `After it: ${plural(after.length, "customer")}.`;
  const { counts, conversations } = after[0].body;
  const open = conversations.filter((/** @type {any} */ each) => each.state === "open").length;
  const before = sides.reduce((sum, each) => sum + each.conversations.length, 0);
  const joined = before - conversations.length;
  return `After it: one customer, ${plural(counts.interactions, "contact")}, ${plural(open, "open matter")}, ${joined > 0 ? `${plural(joined, "thread")} joined` : "no thread changes"}. It can be undone and then leaves no trace.`;
}

/**
 * @param {Compare} compare @param {number} now
 * @param {{merge: (despite: string[]) => void, apart: () => void, close: () => void, type: (event: any) => void}} run
 */
export function compareView(compare, now, run) {
  const { sides, against, isBusy, reason } = compare;
  const isOff = !reason.trim() || !sides || isBusy;
  return h("dialog", { class: "pop wide compare", id: "compare", key: "compare", "aria-labelledby": "compare-title", onclose: run.close },
    h("form", { class: "stack", onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); if (!isOff) run.merge(against.map((each) => each.name)); } },
      h("h2", { id: "compare-title", tabindex: "-1" }, "Are these one person?"),
      sides ? sidesView(sides, now) : h("p", { role: "status" }, compare.refusal ? "" : "Reading both stories…"),
      sides && h("p", { class: "meta" }, afterWords(compare.after, sides)),
      against.length > 0 && againstView(against),
      compare.refusal && h("p", { class: "bad", role: "alert" }, icon("warning", "s"), " Not done. ", refusalWords(compare.refusal)),
      h("div", null, h("label", { class: "label", for: "compare-reason" }, "Why, for whoever looks later"),
        h("input", { class: "input", id: "compare-reason", dir: "auto", maxlength: 2000, autocomplete: "off", autofocus: true, value: reason, oninput: run.type })),
      h("p", { class: "row wrap ends" },
        compare.apart && h("button", { class: "b", type: "button", "aria-disabled": isOff ? "true" : null, onclick: () => !isOff && run.apart() }, "Never the same"),
        h("button", { class: "b", type: "button", onclick: run.close }, "Not now"),
        h("button", { class: "b primary", type: "submit", id: "merge", "aria-disabled": isOff ? "true" : null }, isBusy ? "Merging…" : against.length ? "Merge nevertheless" : "Merge"))));
}

/** @param {any[]} sides @param {number} now */
function sidesView(sides, now) {
  const rows = comparedRows(sides[0], sides[1], now);
  return h("div", { class: "scroll-x", tabindex: "0", role: "group", "aria-label": "Both side by side" }, h("table", { class: "sides" },
    h("thead", null, h("tr", null, h("td", null), sides.map((body, at) => h("th", { scope: "col", key: at }, theirs(body.customer.display ?? "Somebody without a name"), " ", sureChip(body.customer.assurance.level))))),
    h("tbody", null, rows.map(({ name, values }) => h("tr", { key: name }, h("th", { scope: "row" }, name),
      values.map((side, at) => h("td", { key: at }, side.length === 0 ? h("span", { class: "meta" }, "none") : h("ul", null, side.map((value) => valueView(value, name !== "Contacts" && isSame(values, value)))))))))));
}

/** @param {string} value @param {boolean} same */
const valueView = (value, same) => h("li", { key: value, class: same ? "same" : null }, theirs(value), same && h("span", { class: "chip good" }, icon("check", "s"), "same"));

/** @param {any[]} against */
function againstView(against) {
  return h("div", { class: "against", role: "alert" }, h("h3", null, icon("warning", "s"), " Something stands against it"),
    h("ul", null, against.map(({ name, reason, a, b }) => h("li", { key: `${name} ${a.profile} ${b.profile}` },
      h("bdi", { dir: "ltr" }, `${a.kind} ${a.value}`), " and ", h("bdi", { dir: "ltr" }, `${b.kind} ${b.value}`),
      reason === "apart" ? " were kept apart by somebody." : ` are two values of ${name}, of which a person has one.`))));
}
