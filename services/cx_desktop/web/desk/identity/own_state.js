/**
 * Identity's own part of the state. Pure.
 *
 * @typedef {import("../state.js").Refusal} Refusal
 * @typedef {{a: string, b: string, sides: any[] | null, after: any[] | null, against: any[], refusal: Refusal | null, reason: string,
 *   apart: [string, string] | null, isBusy: boolean}} Compare two who may be one; `sides`: their contexts
 * @typedef {{kind: "withdraw" | "dismiss" | "attribute" | "find", title: string, id: string, reason: string, isBusy: boolean,
 *   refusal: Refusal | null, text: string, hits: any[] | null, chosen: string}} Ask what is decided after a reason is given
 * @typedef {{of: string, version: number, told: any, problem: Refusal | null, compare: Compare | null, ask: Ask | null}} Identity
 */

/** @type {Identity} */
export const NOTHING = { of: "", version: -1, told: null, problem: null, compare: null, ask: null };

/** @type {Record<string, (own: Identity, action: any) => Identity>} */
const CHANGES = {
  "identity/asked": (own, { of, version }) => ({ ...own, of, version, told: own.of === of ? own.told : null }),
  "identity/told": (own, { of, told, problem = null }) => (own.of === of ? { ...own, told: told ?? own.told, problem } : own),
  "identity/compare": (own, { compare }) => ({ ...own, compare: compare && own.compare ? { ...own.compare, ...compare } : compare }),
  "identity/ask": (own, { ask }) => ({ ...own, ask: ask && own.ask ? { ...own.ask, ...ask } : ask }),
  open: (own) => ({ ...own, compare: null, ask: null }),
};

/** @param {Identity | undefined} own @param {any} action @returns {Identity} */
export const reduceIdentity = (own = NOTHING, action) => CHANGES[action.type]?.(own, action) ?? own;

/** @param {string} a @param {string} b @returns {Compare} */
export const comparing = (a, b) => ({ a, b, sides: null, after: null, against: [], refusal: null, reason: "", apart: null, isBusy: false });

/** @param {Ask["kind"]} kind @param {string} title @param {string} id @returns {Ask} */
export const asking = (kind, title, id) => ({ kind, title, id, reason: "", isBusy: false, refusal: null, text: "", hits: null, chosen: "" });
