/** The console's palette: its pages and keys, an event by its name, a customer. Pure, but for what its entries do. */

import { found } from "../kit/palette.js";
import { addressOf, deskAddress, eventNamed, isNodeId } from "./address.js";

/**
 * What is offered for what is typed.
 *
 * @param {import("../kit/palette.js").Offered[]} keyed the keys of the console
 * @param {string} typed @param {import("./views/parts.js").Act} act @returns {import("../kit/palette.js").Offered[]}
 */
export function offeredFor(keyed, typed, act) {
  const text = typed.trim();
  return [...found(keyed, text), ...(text ? named(text, act) : [])];
}

/** @param {string} text @param {import("./views/parts.js").Act} act */
function named(text, act) {
  const event = eventNamed(text);
  const desk = deskAddress(text);
  const go = (/** @type {string} */ label, /** @type {string} */ href) => ({ key: "", label, run: () => act("go", href) });
  return [
    event && go(`Event “${text}”`, addressOf("event", event)),
    desk && { key: "", label: `Customer “${text}” at the desk`, run: () => act("toDesk", desk) },
    isNodeId(text) && go(`Log of the customer “${text}”`, addressOf("log", { customer: text.toLowerCase() })),
    !event && go(`Log of the event’s id “${text}”`, addressOf("log", { id: text })),
    go(`Log that contains “${text}”`, addressOf("log", { text })),
  ].filter((each) => each !== null && each !== false && each !== "");
}
