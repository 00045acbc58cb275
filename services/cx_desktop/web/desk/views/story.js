/** What is known of a customer, in the order in which it is read. */

import { h, remembered } from "../../kit/html.js";
import { dontAsk } from "./dont_ask.js";
import { journey } from "./journey.js";
import { reasons } from "./reasons.js";
import { threads } from "./threads.js";
import { timeline } from "./timeline.js";

const MINUTE = 60_000;

// Their words change with what is known and by the minute, not by the second.
const pair = remembered((/** @type {any} */ body, /** @type {number} */ minute) =>
  h("div", { class: "pair", key: "pair" }, reasons(body, minute, body.customer.display ?? "Customer"), dontAsk(body, minute)));
const pictured = remembered(journey);
const open = remembered(threads);

/** @param {import("../state.js").State} state @param {any} desk */
export function story(state, desk) {
  const body = state.context?.body;
  const minute = state.past ? Date.parse(state.past.asOf) : Math.floor(state.now / MINUTE) * MINUTE + MINUTE - 1;
  return h("div", { class: "body story", key: "body" },
    pair(body, minute), pictured(body, state.journey, minute), open(body, minute, desk.goToContact), timeline(state, desk, minute));
}
