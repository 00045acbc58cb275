/** The keys of the desk: what each does, the sheet that shows them, and the palette that finds them by name. */

import { h } from "../kit/html.js";
import { closeDialog, focusOn, openDialog } from "../kit/page.js";
import { PALETTE, found, keyName, paletteView } from "../kit/palette.js";
import { conversationPath, customerPath } from "./address.js";
import { openHandoffs, subjectOf, whyNot } from "./acts/subject.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {import("../kit/palette.js").Offered} KeyEntry */
/** @typedef {{dialog: "" | "keys" | "palette", text: string, at: number}} Own */

/** The row before or after the one that is shown, of an agent's own. Pure. @param {State} state @param {number} step @returns {any} */
export function neighbour({ rail, context, address }, step) {
  const rows = rail.mine ?? [];
  if (rows.length === 0) return null;
  const opened = address.kind === "home" ? "" : address.id;
  const isHere = (/** @type {any} */ row) => row.id === opened || row.interaction === opened;
  const asked = rows.findIndex(isHere);
  const here = asked >= 0 ? asked : rows.findIndex((each) => each.customer === context?.body.customer.id);
  if (here < 0) return step > 0 ? rows[0] : rows[rows.length - 1];
  return rows[(here + step + rows.length) % rows.length];
}

/** @param {any} desk @returns {KeyEntry[]} */
function deskKeys(desk) {
  const state = () => /** @type {State} */ (desk.state());
  const isFree = () => !state().plugins.keys.dialog && !state().plugins.past.isAsked && !state().plugins.identity?.compare && !state().plugins.identity?.ask;
  const always = () => true;
  const can = () => state().status === "ready" && !whyNot(state()) && subjectOf(state()) !== null;
  const go = (/** @type {number} */ step) => () => {
    const row = neighbour(state(), step);
    if (row) desk.open(conversationPath(row.id));
  };
  const isDeclinable = () => can() && openHandoffs(subjectOf(state())).length > 0;
  const entry = (/** @type {string} */ key, /** @type {string} */ group, /** @type {string} */ label, /** @type {() => void} */ run, applies = always, typing = false) => ({ key, group, label, run, applies, when: () => isFree() && applies(), typing });
  return [
    { key: "/", label: "Search", group: "Find", run: () => focusOn("#search") },
    entry("f", "Find", "Search in the timeline", () => focusOn("#timeline-search"), () => state().status === "ready"),
    entry("j", "Go", "Next of mine", go(1)),
    entry("k", "Go", "The one before", go(-1)),
    entry("w", "Go", "Take who waits longest", () => desk.acts.takeLongest(), () => Boolean(state().rail.waiting?.length)),
    ...Array.from({ length: 9 }, (_, at) => entry(String(at + 1), "Here", `Choose candidate ${at + 1}`, () => choose(desk, at), () => state().refusal?.reason === "ambiguous-identifier")),
    entry("Ctrl+k", "Find", "Do or find anything", () => openIn(desk, "palette"), always, true),
    entry("t", "Do", "Take", () => desk.acts.take(), can),
    entry("d", "Do", "Decline…", () => desk.acts.open("decline"), isDeclinable),
    entry("r", "Do", "Answer the customer", () => desk.acts.writeAnswer(), () => can() && desk.acts.isAnswerable()),
    entry("n", "Do", "Write a note", () => desk.acts.writeNote(), can),
    entry("h", "Do", "Hand off…", () => desk.acts.open("handoff"), can),
    entry("e", "Do", "Resolve", () => desk.acts.resolve(), can),
    entry("p", "Do", "Promise…", () => desk.acts.open("promise"), can),
    entry("u", "Do", "Undo the last act", () => desk.acts.undo(), () => Boolean(state().plugins.acts.done?.undo)),
    entry("a", "Find", "See it as of a moment…", () => desk.askForMoment(), () => state().status === "ready"),
    entry("Escape", "Go", "Close; back to now", () => escape(desk), () => hasSomethingToClose(state()), true),
    entry("?", "Find", "All keys", () => openIn(desk, "keys")),
  ];
}

/** What has no key of its own stands in the palette alone. @param {any} desk @returns {KeyEntry[]} */
function further(desk) {
  const can = () => desk.state().status === "ready" && !whyNot(desk.state()) && subjectOf(desk.state()) !== null;
  const fold = (/** @type {string} */ name, /** @type {string} */ label) => ({ key: "", group: "Do", label, run: () => desk.acts.open(name), applies: can });
  return [
    fold("topic", "Set the topic…"), fold("end", "Say how it ended…"), fold("assign", "Assign…"), fold("snooze", "Let it rest…"),
    fold("code", "Make a code…"), fold("identity", "Who is who…"),
    { key: "", group: "Do", label: "Reopen", run: () => desk.acts.reopen(), applies: () => can() && subjectOf(desk.state())?.conversation.state === "resolved" },
    { key: "", group: "Me", label: "Say that I am available", run: () => desk.beAs("available") },
    { key: "", group: "Me", label: "Say that I am busy", run: () => desk.beAs("busy") },
    { key: "", group: "Me", label: "Say that I am away", run: () => desk.beAs("away") },
    { key: "", group: "Me", label: "Light or dark", run: () => desk.switchTheme() },
    { key: "", group: "Me", label: "Sign out; drafts stay", run: () => desk.signOut() },
  ];
}

/** @param {State} state */
const hasSomethingToClose = ({ past, plugins }) => past !== null || plugins.acts.first !== null || plugins.acts.done !== null || plugins.acts.open.decline === true;

/** @param {any} desk */
function escape(desk) {
  const { acts } = desk.state().plugins;
  if (acts.open.decline) desk.dispatch({ type: "acts/fold", name: "decline", isOpen: false });
  else if (acts.first || acts.done) desk.dispatch({ type: "acts/dismiss" });
  else desk.backToNow();
}

/** @param {any} desk @param {number} at */
function choose(desk, at) {
  const candidate = desk.state().refusal?.body.candidates?.[at];
  if (candidate) desk.open(customerPath(candidate.id));
}

/** @param {any} desk @param {"keys" | "palette"} dialog */
function openIn(desk, dialog) {
  desk.dispatch({ type: "keys/open", dialog });
  queueMicrotask(() => openDialog(`#${dialog}-dialog`));
}

/** @param {State} state @param {any} desk */
function sheet(state, desk) {
  const entries = desk.keys.all().filter((/** @type {KeyEntry} */ each) => each.group && !/^[2-9]$/.test(each.key));
  const groups = [...new Set(entries.map((/** @type {KeyEntry} */ each) => each.group))];
  return h("dialog", { class: "pop wide", id: "keys-dialog", key: "keys", "aria-labelledby": "keys-title", onclose: () => desk.dispatch({ type: "keys/open", dialog: "" }) },
    h("h2", { id: "keys-title" }, "Keys"),
    h("div", { class: "key-groups" }, groups.map((group) => h("section", { key: String(group) }, h("h3", { class: "eyebrow" }, group),
      h("dl", { class: "keys" }, entries.filter((/** @type {KeyEntry} */ each) => each.group === group).map((/** @type {KeyEntry} */ each) => [
        h("dt", { key: `t-${each.key}` }, h("kbd", null, each.key === "1" ? "1–9" : keyName(each.key))), h("dd", { key: `d-${each.key}` }, each.key === "1" ? "Choose a candidate" : each.label)]))))),
    h("p", null, h("kbd", null, "Ctrl ↵"), " sends what is written. ", h("kbd", null, "Tab"), " goes on."),
    h("label", { class: "row" }, h("input", { type: "checkbox", id: "letters", checked: desk.keys.isOn(), onchange: (/** @type {any} */ event) => { desk.keys.switchLetters(event.currentTarget.checked); desk.dispatch({ type: "keys/open", dialog: "keys" }); } }), "Single letters do something"),
    h("p", { class: "row ends" }, h("button", { class: "b primary", type: "button", autofocus: true, onclick: () => closeDialog("#keys-dialog") }, "Good")));
}

/** @param {State} state @param {any} desk */
function palette(state, desk) {
  const own = /** @type {Own} */ (state.plugins.keys);
  const keyed = desk.keys.all().filter((/** @type {KeyEntry} */ each) => each.group && each.group !== "Here" && each.key !== "Ctrl+k" && each.key !== "Escape");
  const text = own.text.trim();
  const search = text ? [{ key: "", group: "Find", label: `Customers with “${text}”…`, run: () => { desk.search(own.text); queueMicrotask(() => focusOn("#search")); } }] : [];
  return paletteView([...found([...keyed, ...further(desk)], own.text), ...search], own, {
    type: (typed) => desk.dispatch({ type: "keys/text", text: typed }),
    at: (at) => desk.dispatch({ type: "keys/at", at }),
    run(each) {
      closeDialog(`#${PALETTE}`);
      desk.dispatch({ type: "keys/open", dialog: "" });
      queueMicrotask(() => each.run());
    },
    close: () => desk.dispatch({ type: "keys/open", dialog: "" }),
  });
}

export function createKeySheet() {
  return {
    name: "keys",
    /** @param {any} desk */
    init: (desk) => desk.keys.add(deskKeys(desk)),
    /** @param {Own | undefined} own @param {any} action */
    reduce(own = { dialog: "", text: "", at: 0 }, action) {
      if (action.type === "keys/open") return { dialog: action.dialog, text: "", at: 0 };
      if (action.type === "keys/text") return { ...own, text: action.text, at: 0 };
      return action.type === "keys/at" ? { ...own, at: action.at } : own;
    },
    /** @param {State} state @param {any} desk */
    overlay(state, desk) {
      const { dialog } = state.plugins.keys;
      return dialog === "keys" ? sheet(state, desk) : dialog === "palette" ? palette(state, desk) : null;
    },
  };
}
