/**
 * Tell dead letters as issues: those that are alike are one, with what was done about it. Pure.
 *
 * @typedef {{id: string, stage: string, reason: string, origin: string, pattern: string, state: string, letters: number,
 *   sources: number, first: string, last: string, example: string}} Group
 * @typedef {{time?: string, type?: string, writer?: string, recordedtime?: string,
 *   data?: {reason?: string, attributes?: {selection?: Record<string, string>}}}} ActEvent
 * @typedef {"new" | "retrying" | "back" | "waiting" | "discarded"} IssueState
 */

/** Seconds within which an attempt may still be under way, where nothing waits on the log, and where something does. */
const RETRY_SECONDS = 5;
const BEHIND_SECONDS = 60;

const RETRIED = "cx.operations.dead_letters_retried.v1";
const DISCARDED = "cx.operations.dead_letters_discarded.v1";

/**
 * @param {Group} group
 * @param {ActEvent[]} acts what operators did to dead letters, newest first
 * @param {number} now ms since 1970
 * @param {boolean} isLevel whether projectors have applied all that is on the log
 * @returns {{state: IssueState, words: string, tone: string, act: ActEvent | null}}
 */
export function issueState(group, acts, now, isLevel) {
  if (group.state === "discarded") return shown("discarded", "discarded", "past", actOn(group, acts, DISCARDED));
  const retried = actOn(group, acts, RETRIED);
  if (retried) {
    const at = Date.parse(retried.recordedtime ?? retried.time ?? "");
    if (Date.parse(group.last) > at) return shown("back", "back again", "bad", retried);
    if (now - at < (isLevel ? RETRY_SECONDS : BEHIND_SECONDS) * 1000) return shown("retrying", "retrying", "info", retried);
    return shown("back", "tried, still here", "bad", retried);
  }
  if (group.state === "waiting") return shown("waiting", "waits for an adapter", "warn", null);
  return shown("new", "new", "warn", null);
}

/** @param {IssueState} state @param {string} words @param {string} tone @param {ActEvent | null} act */
function shown(state, words, tone, act) {
  return { state, words, tone, act };
}

/** @param {Group} group @param {ActEvent[]} acts @param {string} type */
function actOn(group, acts, type) {
  return acts.find((each) => each.type === type && each.data?.attributes?.selection?.group === group.id) ?? null;
}

const REASONS = /** @type {Record<string, string>} */ ({
  __proto__: null,
  "other-content": "Two events under one id",
  unfoldable: "The code failed at this event",
  "no-adapter": "No adapter for this",
  "unknown-kind": "No adapter for this kind",
  malformed: "It can't be read",
});

/** What is wrong, in words; the reason itself where it has none. @param {string} reason */
export function reasonWords(reason) {
  return REASONS[reason] ?? capital(reason.replaceAll("-", " "));
}

/** @param {string} text */
function capital(text) {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

export const STAGES = /** @type {Record<string, string>} */ ({
  __proto__: null,
  map: "a provider's request could not be mapped",
  decode: "bytes on the log could not be read",
  fold: "an event could not be folded",
  conflict: "a copy of an event says something else",
});

/** @param {string} stage */
export function stageWords(stage) {
  return STAGES[stage] ?? stage;
}

/** Whether trying again can change anything. @param {{stage: string}} group */
export function isRetriable(group) {
  return group.stage !== "conflict";
}
