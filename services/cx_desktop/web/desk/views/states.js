/** What stands where a customer would: nobody yet, a claim, several people, nothing found, not yet, a failure. */

import { h, theirs } from "../../kit/html.js";
import { icon } from "../../kit/icons.js";
import { plural, whenWords, instant } from "../../kit/time_words.js";
import { customerPath } from "../address.js";
import { sureChip } from "./certainty.js";
import { header } from "./header.js";

/** @typedef {import("../state.js").State} State */

/** @param {State} state @param {any} desk */
export function instead(state, desk) {
  if (state.status === "home") return home(state);
  if (state.status === "loading") return loading();
  const reason = state.refusal?.reason ?? "";
  if (state.status === "ready" || reason === "not-assured") return [header(state, desk), claimed(state, desk)];
  if (reason === "ambiguous-identifier") return ambiguous(state);
  if (reason === "not-yet") return [loading("The last words are on their way.")];
  if (state.refusal?.status === 404) return unknown(state);
  return failed(state, desk);
}

/** @param {State} state */
function home(state) {
  const waiting = state.rail.waiting?.length ?? 0;
  return h("div", { class: "hero", key: "home" },
    h("h1", null, waiting ? `${plural(waiting, "customer")} ${waiting === 1 ? "waits" : "wait"}` : "Nobody waits"),
    h("p", null, "Open one from the list, or find a customer by name, number, address or order: press ", h("kbd", null, "/"), "."),
    h("p", { class: "hint" }, "Who calls, writes or is handed to you comes here by themselves."));
}

/** @param {string} [words] */
function loading(words = "") {
  return h("div", { class: "hero", key: "loading" },
    words ? h("div", { role: "status" }, h("h1", null, words)) : null,
    h("p", { class: "skeleton" }, "Loading the customer"), h("p", { class: "skeleton" }, "Why they call, what was said last"), h("p", { class: "skeleton" }, "What was promised"));
}

/** A claim: the story stays shut, the contact's own words are shown. @param {State} state @param {any} desk */
function claimed(state, desk) {
  const interaction = state.contact?.interaction;
  const words = (state.context?.body.timeline ?? []).filter((/** @type {any} */ each) => each.interaction === interaction && each.text && ["customer", "bot", "agent"].includes(each.role));
  return h("div", { class: "body", key: "claimed" },
    h("section", { class: "card shut" },
      icon("question"), h("h2", null, "The story stays shut until it is known who this is"),
      h("p", null, "Ask for a proof: a login, a one-time code, a PIN. As soon as one comes, everything opens by itself."),
      state.context && h("button", { class: "b", type: "button", onclick: () => desk.dispatch({ type: "open-anyway" }) }, "Open it anyway")),
    words.length > 0 && h("section", { class: "card", "aria-label": "What was said in this contact" },
      h("h2", { class: "eyebrow" }, icon("chat", "s"), "Said in this contact"),
      h("ol", { class: "plain" }, [...words].reverse().map((/** @type {any} */ each) => h("li", { key: each.event.id },
        h("span", { class: "meta" }, `${each.role === "customer" ? "Customer" : each.name ?? each.role}, ${whenWords(instant(each.time) ?? 0, state.now)}`), theirs(each.text, "p"))))));
}

/** One identifier, several people. @param {State} state */
function ambiguous(state) {
  const people = state.refusal?.body.candidates ?? [];
  const address = state.address;
  return h("div", { class: "body", key: "ambiguous" },
    h("h1", { class: "title-line" }, `${plural(people.length, "customer")} can be meant`),
    h("p", null, address.kind === "identifier" ? [`The ${address.of} `, h("bdi", { dir: "ltr" }, address.id), " alone doesn’t say who it is. "] : "Several people take part in this. ", "Ask, then choose."),
    h("ol", { class: "cands" }, people.map((/** @type {any} */ each, /** @type {number} */ at) => candidate(each, at, state))));
}

/** @param {any} each @param {number} at @param {State} state */
function candidate(each, at, state) {
  const used = instant(each.used?.time);
  return h("li", { class: "card cand", key: each.id },
    h("h2", null, theirs(each.display ?? `Customer ${at + 1}`)),
    "verified" in each && sureChip(each.verified ? "proved" : "claimed"),
    each.last_user && h("p", { class: "chip info" }, "Used it last"),
    used !== null && h("p", { class: "meta" }, `Used it ${whenWords(used, state.now)}`),
    each.why && theirs(each.why, "p"),
    h("a", { class: "b", href: customerPath(each.id) }, "Open ", at < 9 && h("kbd", null, at + 1)));
}

/** @param {State} state */
function unknown(state) {
  const { address } = state;
  const sought = address.kind === "identifier" ? [`the ${address.of} `, h("bdi", { dir: "ltr" }, address.id)] : address.kind === "home" ? [] : [`the ${address.kind} `, h("bdi", { dir: "ltr" }, address.id)];
  return h("div", { class: "hero", key: "unknown" },
    h("h1", null, "Nothing here yet"), h("p", null, "Looked for ", ...sought, "."),
    h("p", { class: "hint", role: "status" }, "It opens by itself as soon as something comes. Or search by another name or number."));
}

/** @param {State} state @param {any} desk */
function failed(state, desk) {
  const isForbidden = state.refusal?.status === 403;
  return h("div", { class: "hero", key: "failed" },
    h("h1", null, isForbidden ? "This key may not read this" : "This customer can’t be read now"),
    h("p", null, isForbidden ? state.refusal?.detail ?? "" : "The lists still work. It is tried again by itself."),
    !isForbidden && h("button", { class: "b", type: "button", onclick: desk.refresh }, "Try now"));
}

