/** The keys of reading: search, next and previous of mine, the longest waiting, candidates. */

import { focusOn, press } from "../kit/page.js";
import { interactionPath } from "./address.js";

/** @param {any} desk @returns {import("../kit/keys.js").KeyEntry[]} */
export function keysOf(desk) {
  const step = (/** @type {number} */ by) => {
    const { rail, context } = desk.state();
    const mine = rail.mine ?? [];
    const at = mine.findIndex((/** @type {any} */ each) => each.customer === context?.body.customer.id);
    const next = mine.at(at < 0 && by < 0 ? -1 : (at + by) % (mine.length || 1));
    if (next) desk.open(interactionPath(next.interaction));
  };
  const longest = () => {
    const first = desk.state().rail.waiting?.[0];
    if (first) desk.open(interactionPath(first.interaction));
  };
  const candidates = Array.from({ length: 9 }, (_, at) => ({
    key: String(at + 1), label: `Choose candidate ${at + 1}`, group: "Choose", run: () => press(`[data-candidate="${at + 1}"]`),
    when: () => desk.state().refusal?.reason === "ambiguous-identifier",
  }));
  return [
    { key: "/", label: "Search", group: "Find", run: () => focusOn("#search") },
    { key: "f", label: "Search in the timeline", group: "Find", run: () => focusOn("#timeline-search") },
    { key: "j", label: "Next of mine", group: "Go", run: () => step(1) },
    { key: "k", label: "Previous of mine", group: "Go", run: () => step(-1) },
    { key: "w", label: "The longest waiting", group: "Go", run: longest },
    ...candidates,
  ];
}
