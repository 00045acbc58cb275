/**
 * Say where a rebuild is: which of its six steps, what goes on, and what may be done next. Pure.
 *
 * @typedef {{tenant: string, customer: string, paths: string[], events: string[]}} Difference
 * @typedef {{key: string, columns: string[], customer: string, events: string[]}} RowDifference
 * @typedef {{table: string, live: number, rebuilt: number, differing: number | null, first: RowDifference[]}} TableCount
 * @typedef {{at: string, customers: number, differing: number, first: Difference[], tables: TableCount[]}} Report
 * @typedef {{at: string, what: string, who: string, why: string}} Act
 * @typedef {{phase: string, owner: string, wanted: string, started: string, review: boolean, events: number,
 *   applied: number, rate: number, paused_seconds: number, report: Report | null, acts: Act[],
 *   fold: {stored: number[], outdated: boolean, told: string}}} Rebuild
 * @typedef {{name: string, words: string, tone: "primary" | "plain" | "danger", about: string}} Choice
 */

import { counted } from "./numbers.js";
import { durationWords } from "./times.js";

export const STEPS = ["Plan", "Confirm", "Fold", "Look at differences", "Switch", "Undo"];

const CHOICES = /** @type {Record<string, Choice>} */ ({
  start: { name: "start", words: "Start", tone: "primary", about: "A second set of tables is filled. Readers notice nothing until you switch." },
  pause: { name: "pause", words: "Pause", tone: "plain", about: "It stops where it is, and goes on from there." },
  resume: { name: "resume", words: "Go on", tone: "primary", about: "It goes on where it stopped." },
  cancel: { name: "cancel", words: "Throw away", tone: "danger", about: "The second set of tables is deleted. Readers keep what they have." },
  exchange: { name: "exchange", words: "Switch", tone: "primary", about: "It catches up, compares once more, and readers see the new tables. The old ones are kept for the undo." },
  undo: { name: "undo", words: "Undo", tone: "plain", about: "Readers get the old tables back, with all that came since." },
  stop: { name: "cancel", words: "Stop the undo", tone: "plain", about: "All stays as it was before the undo." },
  keep: { name: "drop", words: "Keep for good", tone: "danger", about: "The old tables are deleted. There is no undo afterwards." },
  drop: { name: "drop", words: "Delete the rebuilt tables", tone: "danger", about: "Readers keep the old tables; then another rebuild may begin." },
});

/**
 * @param {Rebuild | null} rebuild null before the first one
 * @returns {{step: number, state: string, title: string, choices: Choice[]}} `step`: index of `STEPS`; `state`: plan,
 *   running, pausing, paused, equal, different, switching, switched, undoing, undone
 */
export function standOf(rebuild) {
  const found = rebuild?.phase ?? "dropped";
  if (rebuild && found === "filling") return ofFilling(rebuild);
  if (rebuild && found === "compared" && rebuild.report) return ofCompared(rebuild, rebuild.report);
  if (rebuild && found === "undoing") return ofUndoing(rebuild);
  if (found === "switched") {
    return stand(5, "switched", "Readers see the rebuilt contexts", [CHOICES.undo, CHOICES.keep]);
  }
  if (found === "undone") return stand(5, "undone", "Undone. Readers have the old tables again", [CHOICES.drop]);
  return stand(1, "plan", "Look at the plan, then confirm with a reason", [CHOICES.start]);
}

/** @param {number} step @param {string} state @param {string} title @param {Choice[]} choices */
function stand(step, state, title, choices) {
  return { step, state, title, choices };
}

/** @param {Rebuild} rebuild */
function ofFilling(rebuild) {
  const switches = !rebuild.review && rebuild.report !== null;
  const step = switches ? 4 : 2;
  if (!rebuild.owner) return stand(step, "paused", "Paused: nobody works on it", [CHOICES.resume, CHOICES.cancel]);
  if (rebuild.wanted) return stand(step, "pausing", rebuild.wanted === "pause" ? "It stops in a moment" : "It ends in a moment", []);
  const title = switches ? "It catches up, compares, and switches" : "The second set of tables is filled";
  return stand(step, switches ? "switching" : "running", title, [CHOICES.pause, CHOICES.cancel]);
}

/** @param {Rebuild} rebuild @param {Report} report */
function ofCompared(rebuild, report) {
  if (rebuild.owner) return stand(3, "running", "It is being compared", []);
  const choices = [CHOICES.exchange, CHOICES.cancel];
  if (!report.differing) return stand(3, "equal", `All ${counted(report.customers, "customer")} are equal, byte for byte`, choices);
  const title = `${report.differing} of ${counted(report.customers, "customer")} would change`;
  return stand(3, "different", title, choices);
}

/** @param {Rebuild} rebuild */
function ofUndoing(rebuild) {
  if (!rebuild.owner) return stand(5, "paused", "The undo stopped: nobody works on it", [CHOICES.resume, CHOICES.stop]);
  return stand(5, "undoing", "The old tables are brought up to date", [CHOICES.stop]);
}

/** Whether a rebuild goes on by itself, so that it is asked about often. @param {Rebuild | null} rebuild */
export function isMoving(rebuild) {
  return Boolean(rebuild?.owner);
}

/** The part that is done, from 0 to 1. @param {Rebuild} rebuild */
export function doneOf(rebuild) {
  return rebuild.events ? Math.min(1, rebuild.applied / rebuild.events) : 0;
}

/** @param {Rebuild} rebuild */
export function leftWords(rebuild) {
  const left = rebuild.events - rebuild.applied;
  if (left <= 0) return "all read";
  return rebuild.rate ? `about ${durationWords(left / rebuild.rate)} left` : "time left not known";
}

const ACTS = /** @type {Record<string, string>} */ ({
  __proto__: null,
  begin: "began",
  resume: "went on",
  undo: "undid the switch",
  pause: "paused it",
  cancel: "threw it away",
  drop: "deleted the kept tables",
});

/** What an act did, in words. @param {string} what */
export function actWords(what) {
  return ACTS[what] ?? what;
}
