/**
 * Judge how the stream is, in one line. What nobody reports is not known: a dead reporter is not zero. Pure.
 *
 * @typedef {{topic: string, partition: number, state: string, owner: string | null, events: number, seconds: number,
 *   rate: number | null, arrivals: number | null, seconds_to_level: number | null, error: string | null,
 *   error_at: number | null, version: string | null, position: number, end: number}} Projector
 * @typedef {{worker: string, version: string, state: string, since: number, error: string, error_at: number,
 *   is_live: boolean}} Worker
 * @typedef {"well" | "slow" | "still" | "unknown"} Level
 */

import { counted } from "./numbers.js";
import { durationWords } from "./times.js";

/** Seconds after which an answer tells nothing of now. */
export const STALE_SECONDS = 60;
/** Seconds that an event may wait before the stream is called slow. */
export const SLOW_SECONDS = 10;

/**
 * @param {{items: Projector[], workers: Worker[]} | null} told null where nobody answered yet
 * @param {{age: number, problem?: string}} read `age`: seconds since the answer; `problem`: why the latest was not read
 * @returns {{level: Level, words: string}}
 */
export function judge(told, { age, problem = "" }) {
  if (!told) return { level: "unknown", words: problem ? `Not known: ${problem}` : "Not known yet." };
  if (age > STALE_SECONDS) return { level: "unknown", words: `Not known: nothing was heard for ${durationWords(age)}.` };
  const { items, workers } = told;
  if (!items.length) return { level: "unknown", words: "Not known: no part of the log is named." };
  const waiting = items.reduce((sum, each) => sum + each.events, 0);
  if (!workers.some((each) => each.is_live)) return ofNobody(waiting);
  const still = items.filter(standsStill).sort((a, b) => b.seconds - a.seconds);
  if (still.length) return ofStill(still, items.length);
  const left = items.filter((each) => each.state === "no owner");
  if (left.length) {
    const verb = left.length === 1 ? "has" : "have";
    return { level: "unknown", words: `Live, but ${left.length} of ${items.length} parts ${verb} no owner yet.` };
  }
  const slowest = items.reduce((a, b) => (b.seconds > a.seconds ? b : a));
  if (slowest.seconds > SLOW_SECONDS) return ofSlow(slowest, waiting);
  return { level: "well", words: `Well. All ${items.length} parts are current.` };
}

/** @param {number} waiting @returns {{level: Level, words: string}} */
function ofNobody(waiting) {
  if (waiting) return { level: "still", words: `Stands still: no projector reports, and ${counted(waiting, "event")} wait.` };
  return { level: "unknown", words: "Not known: no projector reports. Nothing waits on the log now." };
}

/** @param {Projector} part */
export function standsStill(part) {
  return part.state === "stuck" || part.state === "waiting" || (part.state === "no owner" && part.events > 0);
}

/** @param {Projector[]} still @param {number} all @returns {{level: Level, words: string}} */
function ofStill(still, all) {
  const [first] = still;
  const name = partName(first);
  const since = first.seconds ? ` for ${durationWords(first.seconds)}` : "";
  const others = still.length > 1 ? ` and ${still.length - 1} more` : "";
  if (still.length === all) return { level: "still", words: `Stands still${since}: all ${all} parts.` };
  if (first.state === "waiting") return { level: "still", words: `Live, but ${name}${others} waits for log or store${since}.` };
  return { level: "still", words: `Live, but ${name}${others} has stood still${since}.` };
}

/** @param {Projector} slowest @param {number} waiting @returns {{level: Level, words: string}} */
function ofSlow(slowest, waiting) {
  const level = slowest.seconds_to_level;
  const end = level === null ? "more comes than is applied" : `level in ${durationWords(level)}`;
  const words = `Slow: ${partName(slowest)} is ${durationWords(slowest.seconds)} behind, ${counted(waiting, "event")} wait, ${end}.`;
  return { level: "slow", words };
}

/** @param {{topic: string, partition: number}} part */
export function partName(part) {
  return `${part.topic.replace(/^cx\./, "")}/${part.partition}`;
}

/** The state of one part in words, with its tone. @param {Projector} part */
export function partState(part) {
  if (part.state === "stuck") return { tone: "bad", words: "stands still" };
  if (part.state === "waiting") return { tone: "bad", words: "waits for log or store" };
  if (part.state === "no owner") return { tone: part.events ? "bad" : "warn", words: "no owner" };
  if (part.seconds > SLOW_SECONDS) return { tone: "warn", words: "behind" };
  return { tone: "good", words: "current" };
}
