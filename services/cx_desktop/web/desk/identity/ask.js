/** Decisions that need no more than a reason, or somebody who is searched for. Pure. */

import { h, theirs } from "../../kit/html.js";
import { icon } from "../../kit/icons.js";
import { refusalWords } from "../acts/outcomes.js";

/** @type {Record<string, {does: string, doing: string}>} */
const BUTTONS = {
  withdraw: { does: "Part them", doing: "Parting…" },
  dismiss: { does: "Not theirs", doing: "Deciding…" },
  attribute: { does: "It is theirs", doing: "Deciding…" },
  find: { does: "Compare…", doing: "Reading…" },
};

/**
 * @param {import("./own_state.js").Ask} ask
 * @param {{decide: () => void, close: () => void, type: (event: any) => void, search: (event: any) => void, choose: (id: string) => void}} run
 */
export function askView(ask, run) {
  const finds = ask.kind === "find" || ask.kind === "attribute";
  const isOff = ask.isBusy || (ask.kind !== "find" && !ask.reason.trim()) || (finds && !ask.chosen);
  const { does, doing } = BUTTONS[ask.kind];
  return h("dialog", { class: "pop ask", id: "ask-identity", key: "ask", "aria-labelledby": "ask-title", onclose: run.close },
    h("form", { class: "stack", onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); if (!isOff) run.decide(); } },
      h("h2", { id: "ask-title" }, ask.title),
      finds && findView(ask, run),
      ask.refusal && h("p", { class: "bad", role: "alert" }, icon("warning", "s"), " Not done. ", refusalWords(ask.refusal)),
      ask.kind !== "find" && h("div", { key: "reason" }, h("label", { class: "label", for: "ask-reason" }, "Why, for whoever looks later"),
        h("input", { class: "input", id: "ask-reason", dir: "auto", maxlength: 2000, autocomplete: "off", autofocus: finds ? null : true, value: ask.reason, oninput: run.type })),
      h("p", { class: "row wrap ends", key: "ends" },
        h("button", { class: "b", type: "button", onclick: run.close }, "Not now"),
        h("button", { class: "b primary", type: "submit", "aria-disabled": isOff ? "true" : null }, ask.isBusy ? doing : does))));
}

/** @param {import("./own_state.js").Ask} ask @param {{search: (event: any) => void, choose: (id: string) => void}} run */
function findView(ask, run) {
  return h("div", { class: "stack", key: "find" },
    h("div", null, h("label", { class: "label", for: "ask-find" }, "Name, number, address, order"),
      h("input", { class: "input", id: "ask-find", dir: "auto", maxlength: 200, autocomplete: "off", autofocus: true, value: ask.text, oninput: run.search })),
    ask.hits && ask.hits.length === 0 && h("p", { class: "hint", role: "status" }, "Nothing for “", theirs(ask.text), "”. Searched names, numbers, addresses, orders."),
    ask.hits && ask.hits.length > 0 && h("fieldset", null, h("legend", { class: "label" }, "Found"), ask.hits.map((each) =>
      h("label", { class: "row", key: each.customer }, h("input", { type: "radio", name: "found", value: each.customer, checked: ask.chosen === each.customer, onchange: () => run.choose(each.customer) }),
        h("span", null, theirs(each.display ?? "no name"), h("span", { class: "meta" }, each.matches.map((/** @type {any} */ one) => ` ${one.kind} ${one.value}`).join(",")))))));
}
