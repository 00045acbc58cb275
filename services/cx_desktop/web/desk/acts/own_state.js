/**
 * The acts' own part of the state. Pure.
 *
 * @typedef {import("../state.js").State} State
 * @typedef {{label: string, request: (state: State) => import("./requests.js").Request | null, words: string}} Undo
 * @typedef {{act: string, words: string, undo: Undo | null, until: number, isHeld: boolean}} Done
 * @typedef {{kind: "resolve" | "accept", event: string, known: string[], interactions: string[]}} Watch
 * @typedef {{open: Record<string, boolean>, busy: Record<string, boolean>, failed: Record<string, import("../state.js").Refusal>,
 *   done: Done | null, first: import("./outcomes.js").First | null, watch: Watch | null, typed: number, wrote: string,
 *   directory: any, code: any, packet: any}} Acts `wrote`: the contact whose fields were typed in last
 */

import { firstToAccept, firstToResolve } from "./outcomes.js";
import { contactsOf } from "./subject.js";

export const UNDO_MS = 30_000;

/** @type {Acts} */
export const NOTHING = {
  open: {}, busy: {}, failed: {}, done: null, first: null, watch: null, typed: 0, wrote: "", directory: null, code: null, packet: null,
};

/** @type {Record<string, (own: Acts, action: any) => Acts>} */
const CHANGES = {
  "acts/fold": (own, { name, isOpen }) => ((own.open[name] ?? false) === isOpen ? own : { ...own, open: { ...own.open, [name]: isOpen } }),
  "acts/typed": (own, { interaction }) => ({ ...own, typed: own.typed + 1, wrote: interaction }),
  "acts/busy": (own, { act }) => ({ ...own, busy: { ...own.busy, [act]: true }, failed: without(own.failed, act) }),
  "acts/failed": (own, { act, refusal }) => ({ ...own, busy: without(own.busy, act), failed: { ...own.failed, [act]: refusal } }),
  "acts/done": (own, { done, watch = null }) => ({ ...own, busy: without(own.busy, done.act), done, watch, first: null }),
  "acts/first": (own, { act, first }) => ({ ...own, busy: without(own.busy, act ?? ""), first, done: null }),
  "acts/hold": (own, { isHeld, now }) => (own.done ? { ...own, done: { ...own.done, isHeld, until: now + UNDO_MS } } : own),
  "acts/dismiss": (own) => ({ ...own, done: null, first: null }),
  "acts/data": (own, { data }) => ({ ...own, ...data }),
  tick: (own, { now }) => (own.done && !own.done.isHeld && now > own.done.until ? { ...own, done: null } : own),
  open: (own) => ({ ...own, failed: {}, code: null, packet: null, first: null, watch: null }),
};

/** @param {Acts | undefined} before @param {any} action @param {State} state @returns {Acts} */
export function reduceActs(before = NOTHING, action, state) {
  const own = CHANGES[action.type]?.(before, action) ?? before;
  return ["context", "loaded", "acts/done"].includes(action.type) ? watched(own, state) : own;
}

/** See whether somebody was first, as soon as the own act is told. @param {Acts} own @param {State} state @returns {Acts} */
function watched(own, state) {
  if (!own.watch || !state.context) return own;
  const first = own.watch.kind === "resolve" ? firstToResolve(state, own.watch) : acceptedBefore(own.watch, state);
  return first ? { ...own, first, done: null, watch: null } : own;
}

/** @param {Watch} watch @param {State} state */
function acceptedBefore(watch, state) {
  const about = state.context?.body.conversations.find((/** @type {any} */ each) => contactsOf(each).some((one) => watch.interactions.includes(one)));
  return about ? firstToAccept(state, about) : null;
}

/** @template T @param {Record<string, T>} all @param {string} name @returns {Record<string, T>} */
function without(all, name) {
  const { [name]: _, ...rest } = all;
  return rest;
}
