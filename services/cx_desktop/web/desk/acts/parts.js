/**
 * What the acts' views share. Pure.
 *
 * @typedef {import("../state.js").State} State
 * @typedef {{state: State, isTold: boolean, own: import("./own_state.js").Acts, at: import("./subject.js").Subject, now: number,
 *   read: (name: string) => string, type: (name: string) => (event: any) => void, put: (name: string, text: string) => void,
 *   fold: (name: string, isOpen: boolean) => void, do: Record<string, (...all: any[]) => void>}} Model
 *   `read`, `type`, `put`: fields, kept as they are typed; `do`: acts by name; `isTold`: whether the story is open, or a
 *   stranger's claim keeps it shut
 */

import { h } from "../../kit/html.js";
import { icon } from "../../kit/icons.js";
import { refusalWords } from "./outcomes.js";

/**
 * A part of the column that can be folded.
 *
 * @param {Model} model @param {string} name @param {import("../../kit/icons.js").IconName} sign @param {string} title
 * @param {unknown} meta @param {...unknown} children
 */
export function folded({ own, fold }, name, sign, title, meta, ...children) {
  return h("details", { key: name, id: `act-${name}`, open: own.open[name] ?? false, ontoggle: (/** @type {any} */ event) => fold(name, event.currentTarget.open) },
    h("summary", null, icon(sign), h("span", { class: "grow" }, title), h("span", { class: "meta" }, meta), icon("chevron", "s chev")),
    h("div", { class: "in" }, ...children));
}

/**
 * A form that Enter sends, and Ctrl Enter in a text of several lines.
 *
 * @param {string} key @param {() => void} send @param {...unknown} children
 */
export function form(key, send, ...children) {
  return h("form", { key, class: "in", onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); send(); }, onkeydown: sendByKey(send) }, ...children);
}

/** @param {() => void} send */
function sendByKey(send) {
  return (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
    event.preventDefault();
    event.stopPropagation();
    send();
  };
}

/** A labelled field of one line. @param {Model} model @param {string} name @param {string} label @param {Record<string, unknown>} [more] */
export function line(model, name, label, more = {}) {
  return h("div", { key: `field-${name}` },
    h("label", { class: "label", for: `field-${name}` }, label),
    h("input", { class: "input", id: `field-${name}`, dir: "auto", maxlength: 200, autocomplete: "off", value: model.read(name), oninput: model.type(name), ...more }));
}

/** A labelled text of several lines. @param {Model} model @param {string} name @param {string} label @param {Record<string, unknown>} [more] */
export function text(model, name, label, more = {}) {
  return h("div", { key: `field-${name}` },
    h("label", { class: "label", for: `field-${name}` }, label),
    h("textarea", { id: `field-${name}`, rows: 3, dir: "auto", maxlength: 2000, value: model.read(name), oninput: model.type(name), ...more }));
}

/** The button of an act, and what became of it. @param {Model} model @param {string} act @param {string} label @param {string} doing @param {{key?: string, isPrimary?: boolean, isOff?: boolean, id?: string}} [more] */
export function sendRow(model, act, label, doing, { key = "", isPrimary = false, isOff = false, id } = {}) {
  const isBusy = Boolean(model.own.busy[act]);
  return h("div", { class: "row wrap", key: `send-${act}` },
    standing(model, act),
    h("button", { class: `b ${isPrimary ? "primary" : ""}`, id, type: "submit", "aria-busy": isBusy ? "true" : null, "aria-disabled": isOff || isBusy ? "true" : null },
      isBusy ? doing : label, key && !isBusy && h("kbd", { "aria-hidden": "true" }, key)));
}

/** What became of an act that was not done: it is still here. @param {Model} model @param {string} act */
export function standing({ own, state }, act) {
  const refusal = own.failed[act];
  if (refusal) {
    return h("p", { class: "bad grow", role: "alert" }, icon("warning", "s"), h("span", null, "Not done. It is still here. ", refusalWords(refusal)));
  }
  return h("span", { class: "hint grow" }, state.link.state === "cut" ? "No connection. What you write is kept." : "");
}

/** A button that does an act at once. @param {Model} model @param {string} act @param {() => void} run @param {unknown[]} children @param {string} [more] */
export function button({ own }, act, run, children, more = "") {
  const isBusy = Boolean(own.busy[act]);
  return h("button", { class: `b ${more}`.trim(), type: "button", key: `do-${act}`, "aria-busy": isBusy ? "true" : null, onclick: run }, ...children);
}
