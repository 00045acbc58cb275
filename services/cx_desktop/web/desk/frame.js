/** What stands around the parts of the page: the same from the first frame on, so that the columns stay where they are when the rest comes. */

import { h } from "../kit/html.js";
import { isShut } from "./state.js";

/** @typedef {import("./state.js").State} State */

/**
 * @param {State} state
 * @param {{classes?: string[], notices?: unknown[], columns: unknown[], below?: unknown[]}} parts `notices`: lines above all columns
 */
export function frame(state, { classes = [], notices = [], columns, below = [] }) {
  const { name } = state.me.environment;
  return h("div", { class: ["desk", `tab-${state.tab}`, ...classes].filter(Boolean).join(" "), key: "desk" },
    h("a", { class: "skip", href: "#customer" }, "To the customer"),
    h("section", { class: "above", "aria-label": "Notices", key: "above" }, name && h("p", { class: "environment" }, name), ...notices),
    h("main", { class: "cols", key: "cols" }, ...columns),
    ...below);
}

/** The column of the customer. @param {boolean} isBusy more of it comes by itself @param {...unknown} shown */
export function customerColumn(isBusy, ...shown) {
  return h("section", { id: "customer", "aria-label": "Customer", tabindex: "-1", key: "customer", "aria-busy": isBusy ? "true" : null }, ...shown);
}

/** @param {State} state */
export function titleOf(state) {
  const name = isShut(state) ? "Claimed" : state.context?.body.customer.display;
  const waiting = state.rail.waiting?.length ? `(${state.rail.waiting.length}) ` : "";
  return `${waiting}${name ? `${name} · ` : ""}Desk`;
}
