/**
 * What else a desk does: acts, identity, the past, presence, keys. Each is a module of its own, listed here.
 *
 * @typedef {import("./state.js").State} State
 * @typedef {import("./desk.js").Desk} Desk
 * @typedef {import("../kit/html.js").VNode} VNode
 * @typedef {object} Plugin
 * @property {string} name its own part of the state: `state.plugins[name]`
 * @property {(desk: Desk) => void} [init] called once, before the first paint
 * @property {(own: any, action: any, state: State) => any} [reduce] returns its own part after an action
 * @property {(state: State, desk: Desk) => VNode | VNode[] | null} [nowAct] buttons beside "Now on chat, waiting 0:38"
 * @property {(state: State, desk: Desk) => VNode | VNode[] | null} [act] a section of the column of acts
 * @property {(state: State, desk: Desk) => VNode | VNode[] | null} [banner] a line above everything, such as the past's
 * @property {(state: State, desk: Desk) => VNode | VNode[] | null} [overlay] dialogs and popovers
 * @property {(state: State) => string} [pageClass] a class of the whole page, such as the past's frame
 */

import { createActs } from "./acts/plugin.js";
import { createIdentity } from "./identity/plugin.js";
import { createKeySheet } from "./key_sheet.js";
import { createPast } from "./past.js";
import { createPresence } from "./presence.js";

/** Presence stands above the acts; the past before all, so that its frame is told first. @type {Plugin[]} */
export const plugins = [createPast(), createKeySheet(), createPresence(), createActs(), createIdentity()];

/** @param {State} state @param {any} action @returns {State} */
export function reducePlugins(state, action) {
  let own = state.plugins;
  for (const { name, reduce } of plugins) {
    const next = reduce?.(own[name], action, state);
    if (next !== own[name]) own = { ...own, [name]: next };
  }
  return own === state.plugins ? state : { ...state, plugins: own };
}

/** @param {"nowAct" | "act" | "banner" | "overlay"} what @param {State} state @param {any} desk */
export function fromPlugins(what, state, desk) {
  return plugins.map((each) => each[what]?.(state, desk) ?? null);
}

/** @param {State} state @param {any} desk */
export const nowActs = (state, desk) => fromPlugins("nowAct", state, desk);
