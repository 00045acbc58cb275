/**
 * The first frame of a page: who it is, how sure, why now and what was said, from the answer that came with the page. It
 * needs few modules, so it is painted while the rest of the desk (`desk.js`) has still to be read. Pure.
 */

import { h } from "../kit/html.js";
import { icon } from "../kit/icons.js";
import { customerColumn, frame } from "./frame.js";
import { initialState, isShut, reduce } from "./state.js";
import { glance, minuteOf } from "./views/glance.js";
import { header } from "./views/header.js";

/** @typedef {import("./state.js").State} State */

/**
 * Return the state that the first frame shows; null where no customer's story came with the page, or one that stays shut.
 *
 * @param {import("../kit/session.js").Me} me @param {import("./address.js").Address} address
 * @param {{status: number, body: any} | null} first the answer of the API @param {number} now
 * @returns {State | null}
 */
export function firstState(me, address, first, now) {
  if (first?.status !== 200) return null;
  const state = reduce(initialState(me, address, now), { type: "loaded", context: first.body });
  return isShut(state) ? null : state;
}

/** @param {State} state @param {unknown} [notice] a line above everything */
export function firstPage(state, notice = null) {
  const noActs = { nowActs: () => null };
  return frame(state, {
    notices: [notice],
    columns: [
      h("nav", { class: "rail", "aria-label": "Conversations", key: "rail" }),
      customerColumn(notice === null, header(state, noActs), h("div", { class: "body story", key: "body" }, glance(state.context?.body, minuteOf(state)))),
      h("section", { class: "acts", "aria-label": "What you can do", key: "acts" }),
    ],
  });
}

/** Say that the rest of the desk could not be read, such as from a hub of another version. @param {() => void} reload */
export function unfinished(reload) {
  return h("div", { class: "banner bad", role: "alert", key: "unfinished" },
    icon("off"),
    h("p", null, h("strong", null, "The rest of the desk could not be loaded."), " What stands here, if anything, is of the moment when the page was opened."),
    h("button", { class: "b", type: "button", onclick: reload }, "Load it again"));
}
