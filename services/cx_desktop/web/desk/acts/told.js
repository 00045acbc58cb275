/** What became of the last act: done, with a way back for a while; or somebody was first. Pure. */

import { h, theirs } from "../../kit/html.js";
import { icon } from "../../kit/icons.js";
import { firstWords, refusalWords } from "./outcomes.js";

/**
 * @param {import("./own_state.js").Acts} own
 * @param {{undo: () => void, hold: (isHeld: boolean) => void, dismiss: () => void, addMine: (() => void) | null}} run
 */
export function toldView({ done, first, busy, failed }, run) {
  return h("div", { class: "told", key: "told", role: "status", "aria-live": "polite" },
    first && firstView(first, run),
    done && h("div", { class: "toast", key: "done" },
      icon("check", "s"), h("span", null, done.words),
      failed.undo && h("span", { class: "error" }, ` Not undone. ${refusalWords(failed.undo)}`),
      done.undo && h("button", { class: "b", type: "button", id: "undo", "aria-busy": busy.undo ? "true" : null, onclick: run.undo, onfocus: () => run.hold(true), onblur: () => run.hold(false) },
        busy.undo ? "Undoing…" : done.undo.label, h("kbd", { "aria-hidden": "true" }, "U"))));
}

/** @param {import("./outcomes.js").First} first @param {{dismiss: () => void, addMine: (() => void) | null}} run */
function firstView(first, run) {
  return h("div", { class: "pop box first", key: "first", role: "group", "aria-label": "Somebody was first" },
    h("h2", null, firstWords(first)),
    h("p", null, "Yours changed nothing.", first.words && [" Their words: ", h("q", null, theirs(first.words))]),
    h("p", { class: "row wrap ends" },
      run.addMine && h("button", { class: "b", type: "button", onclick: run.addMine }, "Add mine as a note"),
      h("button", { class: "b primary", type: "button", id: "first-good", onclick: run.dismiss }, "Good")));
}
