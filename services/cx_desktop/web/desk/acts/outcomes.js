/**
 * Say what became of an act: in words, and whether somebody was first. Pure.
 *
 * @typedef {import("../state.js").State} State
 * @typedef {import("../state.js").Refusal} Refusal
 * @typedef {{who: string, did: string, ago: number | null, words: string}} First `ago`: ms by which they were first
 */

import { instant, spanWords } from "../../kit/time_words.js";
import { entryKey } from "../state.js";
import { contactsOf } from "./subject.js";

const RESOLVED = "cx.conversation.resolved.v1";

/** Why an act was not done, as a person can act on it. @param {Refusal} refusal */
export function refusalWords({ status, reason, detail }) {
  if (status === 0) return "No connection.";
  if (reason === "missing-scope") return `You may read this customer, not change them. ${detail}`;
  if (status === 429 || status >= 500) return "The hub is busy.";
  return detail;
}

/** @param {First} first */
export function firstWords({ who, did, ago }) {
  return `${who} ${did} this ${ago === null ? "" : `${spanWords(Math.max(ago, 1000))} `}before you`;
}

/** Who took a handoff first, as a 409 tells. @param {Refusal} refusal @returns {First | null} */
export function firstOfRefusal({ reason, body }) {
  if (reason !== "already-accepted") return null;
  const { id, name } = body.accepted_by;
  return { who: name || id, did: "took", ago: null, words: "" };
}

/** All resolves of a conversation that the context shows. @param {State} state @param {any} conversation @returns {any[]} newest first */
export function resolvesOf({ context }, conversation) {
  const contacts = new Set(contactsOf(conversation));
  return (context?.body.timeline ?? []).filter((/** @type {any} */ each) => each.type === RESOLVED && contacts.has(each.interaction));
}

/**
 * Who resolved what this agent just resolved, where both did so at once.
 *
 * @param {State} state @param {{event: string, known: string[], interactions: string[]}} mine `event`: of the own resolve,
 *   SOURCE#ID; `known`: resolves that were on the screen before
 * @returns {First | null}
 */
export function firstToResolve(state, { event, known, interactions }) {
  const all = (state.context?.body.timeline ?? []).filter((/** @type {any} */ each) => each.type === RESOLVED && interactions.includes(each.interaction));
  const own = instant(all.find((/** @type {any} */ each) => entryKey(each) === event)?.time);
  if (own === null) return null;
  const theirs = all.find((/** @type {any} */ each) => isOthers(each, state) && !known.includes(entryKey(each)) && (instant(each.time) ?? 0) < own);
  return theirs ? firstOf(theirs, own) : null;
}

/** Who had resolved it already when this agent pressed the key. @param {State} state @param {any} conversation @returns {First | null} */
export function resolvedAlready(state, conversation) {
  if (conversation.state !== "resolved") return null;
  const last = resolvesOf(state, conversation)[0];
  return last && isOthers(last, state) ? firstOf(last, state.now) : null;
}

/** Who else's acceptance counted, where two took a handoff at once. @param {State} state @param {any} conversation @returns {First | null} */
export function firstToAccept({ me }, conversation) {
  for (const each of [conversation.handoff, ...conversation.other_handoffs]) {
    const late = each?.also_accepted.find((/** @type {any} */ one) => one.agent?.id === me.agent?.id);
    if (!late || each.accepted_by?.id === me.agent?.id) continue;
    const ago = (instant(late.at) ?? 0) - (instant(each.accepted_at) ?? 0);
    return { who: each.accepted_by.name || each.accepted_by.id, did: "took", ago, words: "" };
  }
  return null;
}

/** @param {any} entry @param {State} state */
const isOthers = (entry, { me }) => Boolean(entry.agent) && entry.agent.id !== me.agent?.id;

/** @param {any} entry @param {number} at @returns {First} */
function firstOf(entry, at) {
  return { who: entry.agent.name || entry.agent.id, did: "resolved", ago: at - (instant(entry.time) ?? at), words: entry.text ?? "" };
}
