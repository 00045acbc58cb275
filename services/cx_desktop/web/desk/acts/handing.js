/** Hand it to somebody else with what they need to know; take or decline what was handed here. Pure.
 * @typedef {import("./parts.js").Model} Model
 */

import { h, theirs } from "../../kit/html.js";
import { icon } from "../../kit/icons.js";
import { instant, whenWords } from "../../kit/time_words.js";
import { button, folded, form, line, sendRow, standing, text } from "./parts.js";
import { openHandoffs } from "./subject.js";
import { interactionPath } from "../address.js";
import { levelWord, method } from "../views/certainty.js";

/** What goes along: made of the context's glance, and of what the agent adds. @param {any} glance @param {string} questions one a line */
export function packetOf(glance, questions) {
  const slots = Object.fromEntries(glance.known.filter((/** @type {any} */ each) => each.from === "bot").map((/** @type {any} */ each) => [each.name, each.value]));
  const open = questions.split("\n").map((each) => each.trim()).filter(Boolean);
  return {
    ...(glance.why_now ? { summary: glance.why_now.text } : {}),
    ...(Object.keys(slots).length ? { slots } : {}),
    ...(open.length ? { open_questions: open } : {}),
  };
}

/** What the packet tells, in words. @param {any} body of a context @param {number} now @returns {string[]} */
export function packetWords(body, now) {
  const { glance } = body;
  const proof = glance.known.find((/** @type {any} */ each) => each.from === "proof");
  const known = glance.known.filter((/** @type {any} */ each) => each.from === "bot").map((/** @type {any} */ each) => each.name);
  const until = instant(proof?.expires_at);
  return [
    glance.why_now && `Why: ${glance.why_now.text}`,
    proof && `Proved by ${method(proof.method ?? proof.name)}${until === null ? "" : ` until ${whenWords(until, now)}`}`,
    ...glance.promises.map((/** @type {any} */ each) => `Promised: ${each.text}${each.due ? ` by ${whenWords(instant(each.due) ?? now, now)}` : ""}`),
    known.length && `Known: ${known.join(", ")}`,
  ].filter(Boolean);
}

/** Whom it can be handed to: queues, then colleagues. @param {any} directory @param {string} me @returns {{value: string, name: string, group: string}[]} */
export function receivers(directory, me) {
  const queues = (directory?.queues ?? []).map((/** @type {any} */ each) => ({ value: `queue:${each.id}`, name: each.name || each.id, group: "Queues" }));
  const agents = (directory?.agents ?? []).filter((/** @type {any} */ each) => each.id !== me).map((/** @type {any} */ each) => ({ value: `agent:${each.id}`, name: each.name || each.id, group: "Colleagues" }));
  return [...queues, ...agents];
}

/** @param {Model} model */
export function handoffView(model) {
  const { state, own, now } = model;
  const to = receivers(own.directory, state.me.agent?.id ?? "");
  const body = state.context?.body;
  return folded(model, "handoff", "handoff", "Hand off", "what goes along",
    form("handoff-form", model.do.handOff,
      to.length > 0
        ? h("div", { key: "to" }, h("label", { class: "label", for: "field-to" }, "To"),
            h("select", { id: "field-to", value: model.read("to") || to[0].value, onchange: model.type("to") },
              ["Queues", "Colleagues"].map((group) => h("optgroup", { label: group, key: group }, to.filter((each) => each.group === group).map((each) => h("option", { value: each.value, key: each.value }, each.name))))))
        : line(model, "to", "To: a person, a team or a skill"),
      line(model, "handoff-reason", "Why, in a sentence", { maxlength: 2000 }),
      model.isTold && h("ul", { class: "packet", key: "packet", "aria-label": "What goes along" }, packetWords(body, now).map((each) => h("li", { key: each }, icon("check", "s"), theirs(each)))),
      text(model, "questions", "Open questions, one a line", { rows: 2 }),
      sendRow(model, "handoff", "Hand off", "Handing off…")));
}

/** What was handed here and waits for somebody. @param {Model} model */
export function askedView(model) {
  const [asked] = openHandoffs(model.at);
  if (!asked) return null;
  const { own, now } = model;
  const packet = own.packet?.request?.id === asked.id ? own.packet : null;
  const declined = asked.declined.find((/** @type {any} */ each) => each.agent?.id === model.state.me.agent?.id);
  return h("section", { class: "asked", key: "asked", "aria-labelledby": "asked" },
    h("h2", { id: "asked" }, icon("handoff"), " ", asked.requested_by ? theirs(asked.requested_by) : byWords(asked.by), asked.to ? [" hands it to ", theirs(asked.to)] : " hands it over"),
    h("p", { class: "meta" }, `${whenWords(instant(asked.requested_at) ?? now, now)}`, declined && " · you declined"),
    asked.interaction !== model.at.interaction && h("p", { class: "meta", key: "elsewhere" },
      "In ", h("a", { href: interactionPath(asked.interaction) }, "another contact"), `, where who is there is ${levelWord(asked.level)}`),
    model.isTold && asked.reason && theirs(asked.reason, "p"),
    model.isTold && packet && packetView(packet),
    h("div", { class: "row wrap", key: "answers" },
      button(model, "accept", model.do.take, [own.busy.take ? "Taking…" : "Take ", h("kbd", { "aria-hidden": "true" }, "T")], model.state.context?.body.now ? "" : "primary"),
      !declined && button(model, "fold-decline", () => model.do.open("decline"), ["Decline… ", h("kbd", { "aria-hidden": "true" }, "D")])),
    standing(model, "take"),
    own.open.decline && form("decline-form", () => model.do.decline(asked), line(model, "decline", "Why not, for whoever takes it", { maxlength: 2000 }), sendRow(model, "decline", "Decline", "Declining…", { key: "↵" })));
}

/** What the packet of a handoff says. @param {any} packet */
function packetView(packet) {
  const slots = Object.entries(packet.slots);
  return h("div", { class: "packet", key: "packet" },
    packet.summary && theirs(packet.summary, "p"),
    slots.length > 0 && h("dl", { class: "known" }, slots.map(([name, value]) => [h("dt", { key: `t-${name}` }, name), theirs(textOf(value), "dd", { key: `d-${name}` })])),
    listed("Tried", packet.tried), listed("Open questions", packet.open_questions));
}

/** @param {string} title @param {unknown[]} all */
function listed(title, all) {
  return all.length > 0 && h("div", { key: title }, h("h3", { class: "eyebrow" }, title), h("ul", null, all.map((each, at) => theirs(textOf(each), "li", { key: at }))));
}

/** @param {unknown} value */
const textOf = (value) => (typeof value === "string" ? value : JSON.stringify(value));

/** @param {string | null} by */
const byWords = (by) => ({ bot: "The bot", customer: "The customer", agent: "A colleague" })[by ?? ""] ?? "Somebody";
