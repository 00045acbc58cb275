/** What is read at a glance: why now, what was said and promised last, what not to ask again. */

import { h, remembered } from "../../kit/html.js";
import { dontAsk } from "./dont_ask.js";
import { reasons } from "./reasons.js";

const MINUTE = 60_000;

/** The moment that a story's words are told from: they change by the minute, not by the second. @param {import("../state.js").State} state */
export function minuteOf({ past, now }) {
  return past ? Date.parse(past.asOf) : Math.floor(now / MINUTE) * MINUTE + MINUTE - 1;
}

export const glance = remembered((/** @type {any} */ body, /** @type {number} */ minute) =>
  h("div", { class: "pair", key: "pair" }, reasons(body, minute, body.customer.display ?? "Customer"), dontAsk(body, minute)));
