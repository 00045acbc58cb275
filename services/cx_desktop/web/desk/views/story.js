/** What is known of a customer, in the order in which it is read. */

import { h, remembered } from "../../kit/html.js";
import { glance, minuteOf } from "./glance.js";
import { journey } from "./journey.js";
import { threads } from "./threads.js";
import { timeline } from "./timeline.js";

// Their words change with what is known and by the minute, not by the second.
const pictured = remembered(journey);
const open = remembered(threads);

/** @param {import("../state.js").State} state @param {any} desk */
export function story(state, desk) {
  const body = state.context?.body;
  const minute = minuteOf(state);
  return h("div", { class: "body story", key: "body" },
    glance(body, minute), pictured(body, state.journey, minute), open(body, minute, desk.goToContact), timeline(state, desk, minute));
}
