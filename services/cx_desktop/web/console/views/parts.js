/**
 * Parts that all pages of the console share. A view gets the state, and `act(name, ...)` for what a person does.
 *
 * @typedef {import("../../kit/html.js").VElement} VElement
 * @typedef {import("../state.js").State} State
 * @typedef {(name: string, ...args: any[]) => any} Act
 */

import { h, theirs } from "../../kit/html.js";
import { failureWords } from "../problems.js";
import { whenWords } from "../times.js";

/**
 * Return a link that goes on in this page; with a modifier it opens as links do.
 *
 * @param {Act} act @param {string} href @param {Record<string, unknown>} attributes @param {...unknown} children
 */
export function link(act, href, attributes, ...children) {
  /** @param {MouseEvent} event */
  function go(event) {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    act("go", href);
  }
  return h("a", { ...attributes, href, onclick: go }, ...children);
}

/** Return a link to the desktop. @param {string} id of a customer @param {...unknown} words */
export function customerLink(id, ...words) {
  return h("a", { href: `/desk/customers/${encodeURIComponent(id)}`, class: "mono" }, ...(words.length ? words : [id]));
}

/** Return a moment as it is to be shown now. @param {State} state @param {string | number | null | undefined} moment */
export function when(state, moment) {
  const words = whenWords(moment, state);
  return words ? h("time", { datetime: words.whole, title: words.whole }, words.text) : h("span", { class: "meta" }, "–");
}

/** @param {string} tone @param {...unknown} words */
export function chip(tone, ...words) {
  return h("span", { class: `chip ${tone}` }, ...words);
}

/** @param {string} title @param {...unknown} beside */
export function heading(title, ...beside) {
  return h("div", { class: "head" }, h("h1", { id: "title", tabindex: -1 }, title), ...beside);
}

/** @param {string} words @param {unknown} [more] */
export function nothing(words, more) {
  return h("div", { class: "card nothing" }, h("p", null, words), more);
}

/**
 * Show what was read under a name, in whatever state that is.
 *
 * @param {State} state @param {Act} act @param {string} name
 * @param {(value: any) => unknown} view
 */
export function panel(state, act, name, view) {
  const told = state.told[name];
  if (!told || (told.value === null && !told.problem)) {
    return h("p", { class: "card loading meta", role: "status" }, "Loading");
  }
  if (told.value === null) {
    return h("div", { class: "card failed", role: "alert" }, failure(told.problem), again(act, name));
  }
  const notice = told.problem
    ? h("p", { class: "stale", role: "status" }, failure(told.problem), " What stands here is of ", when(state, told.at), ". ", again(act, name))
    : null;
  return [notice, view(told.value)];
}

/** @param {import("../problems.js").Failure | null} problem */
function failure(problem) {
  return h("span", null, problem ? `Not read. ${failureWords(problem)}` : "");
}

/** @param {Act} act @param {string} name */
function again(act, name) {
  return h("button", { class: "b", type: "button", onclick: () => act("refresh", name) }, "Try again");
}

/**
 * Show a table that scrolls sideways by itself.
 *
 * @param {string} label @param {unknown[]} heads @param {VElement[]} rows
 */
export function table(label, heads, rows) {
  const head = heads.map((each) => (typeof each === "object" ? each : h("th", { scope: "col" }, each)));
  return h(
    "div",
    { class: "table", tabindex: 0, role: "group", "aria-label": label },
    h("table", null, h("thead", null, h("tr", null, head)), h("tbody", null, rows)),
  );
}

/**
 * Say that there is more below, and fetch it.
 *
 * @param {State} state @param {Act} act @param {string} name @param {unknown} [words] beside the button
 */
export function moreBelow(state, act, name, words) {
  const told = state.told[name];
  if (!told?.value?.next) return null;
  const label = told.isBusy ? "Looking…" : "Look further";
  return h(
    "p",
    { class: "row wrap more" },
    h("button", { class: "b", type: "button", onclick: () => act("more", name) }, label),
    h("span", { class: "meta" }, words ?? "There is more below."),
  );
}

/** Show a list of names and what they say. @param {(readonly [string, unknown] | null | false | "")[]} items */
export function facts(items) {
  const shown = items.filter((each) => Array.isArray(each) && each[1] !== null && each[1] !== undefined && each[1] !== "");
  return h(
    "dl",
    { class: "facts" },
    shown.map((each) => {
      const [name, value] = /** @type {[string, unknown]} */ (each);
      return h("div", { key: name }, h("dt", null, name), h("dd", null, typeof value === "string" ? theirs(value) : value));
    }),
  );
}

/** Show JSON as a person reads it; what is none, as it is. @param {string} text @param {string} label */
export function jsonText(text, label) {
  return h("pre", { class: "json", tabindex: 0, role: "group", "aria-label": label, dir: "ltr" }, pretty(text));
}

/** @param {string} text */
function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** Quote a word for a POSIX shell. @param {string} word */
export function quoted(word) {
  return /^[\w./:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
