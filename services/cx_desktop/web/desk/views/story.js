/** What is known of a customer, below who they are. */

import { h } from "../../kit/html.js";

/** @param {import("../state.js").State} _state @param {any} _desk */
export function story(_state, _desk) {
  return h("div", { class: "body", key: "body" });
}
