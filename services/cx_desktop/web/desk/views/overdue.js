/** A wait that is longer than its queue allows. */

import { h } from "../../kit/html.js";
import { icon } from "../../kit/icons.js";
import { instant } from "../../kit/time_words.js";

/** Return whether a customer waits for longer than the queue allows. @param {import("../state.js").Row | undefined} row @param {import("../state.js").State} state */
export function isOverdue(row, state) {
  const due = instant(row?.due_at);
  return due !== null && due <= state.now;
}

/** Say it by a sign and a word, not by colour alone. */
export const overdueMark = () => h("span", { class: "overdue" }, icon("warning", "s"), "overdue");
