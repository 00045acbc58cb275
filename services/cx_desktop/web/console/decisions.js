/**
 * Tell decisions about who is who from the log's events. Pure.
 *
 * @typedef {{type: string, source: string, id: string, time?: string, recordedtime?: string, writer?: string,
 *   correlationid?: string,
 *   data?: {reason?: string, agent?: {id?: string, name?: string}, interaction?: string,
 *     identity?: {a?: string, b?: string, decision?: string, candidate?: string, profile?: string}}}} DecisionEvent
 * @typedef {{name: string, words: string, parts: string[], who: string, why: string, at: string, withdrawnBy: string,
 *   isWithdrawal: boolean, events: number}} Decision
 */

export const TYPES = [
  "cx.identity.merged.v1",
  "cx.identity.unmerged.v1",
  "cx.identity.attributed.v1",
  "cx.identity.candidate_dismissed.v1",
  "cx.identity.rules_changed.v1",
];

/** The filter of the log that finds decisions. */
export const WHERE = `type in (${TYPES.join(", ")})`;

/**
 * Join the events of one decision, and say of each whether it still stands.
 *
 * @param {DecisionEvent[]} events newest first
 * @returns {Decision[]}
 */
export function decisionsOf(events) {
  const withdrawn = new Map(
    events.flatMap((each) => (each.data?.identity?.decision ? [[each.data.identity.decision, nameOf(each)]] : [])),
  );
  /** @type {Map<string, Decision>} */
  const found = new Map();
  for (const each of events) {
    const key = `${each.source}#${each.correlationid ?? each.id}`;
    const before = found.get(key);
    if (before) {
      before.events += 1;
      before.withdrawnBy ||= withdrawn.get(nameOf(each)) ?? "";
    } else found.set(key, decision(each, withdrawn.get(nameOf(each)) ?? ""));
  }
  return [...found.values()];
}

/** @param {DecisionEvent} event @param {string} withdrawnBy @returns {Decision} */
function decision(event, withdrawnBy) {
  const { data = {} } = event;
  const identity = data.identity ?? {};
  return {
    name: nameOf(event),
    words: wordsOf(event),
    parts: [identity.a, identity.b, identity.profile, identity.candidate].filter((each) => typeof each === "string"),
    who: data.agent?.name || data.agent?.id || event.writer || "",
    why: data.reason ?? "",
    at: event.recordedtime ?? event.time ?? "",
    withdrawnBy,
    isWithdrawal: Boolean(identity.decision),
    events: 1,
  };
}

/** @param {DecisionEvent} event */
function nameOf(event) {
  return `${event.source}#${event.id}`;
}

/** @param {DecisionEvent} event */
function wordsOf(event) {
  const identity = event.data?.identity ?? {};
  if (event.type === "cx.identity.merged.v1") return "Two customers are one";
  if (event.type === "cx.identity.unmerged.v1") return identity.decision ? "A decision was withdrawn" : "Two are kept apart";
  if (event.type === "cx.identity.attributed.v1") return "A contact was given to a customer";
  if (event.type === "cx.identity.candidate_dismissed.v1") return "A candidate was dismissed";
  return "The rules of identity changed";
}
