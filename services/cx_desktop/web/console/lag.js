/**
 * Make lines of the lag's history: events that waited, minute by minute. A minute that nobody reported is a gap, never
 * zero. Pure.
 *
 * @typedef {{minute: number, topic: string, partition: number, events: number}} LagMinute
 * @typedef {{minute: number, events: number, worst: string}} Point
 */

import { partName } from "./health.js";
import { count, counted } from "./numbers.js";

const MINUTE = 60;

/**
 * Sum up the parts of each minute, oldest first.
 *
 * @param {LagMinute[]} items
 * @returns {Point[]}
 */
export function pointsOf(items) {
  /** @type {Map<number, {events: number, worst: LagMinute}>} */
  const found = new Map();
  for (const each of items) {
    const before = found.get(each.minute);
    if (!before) found.set(each.minute, { events: each.events, worst: each });
    else {
      before.events += each.events;
      if (each.events > before.worst.events) before.worst = each;
    }
  }
  return [...found]
    .sort(([a], [b]) => a - b)
    .map(([minute, { events, worst }]) => ({ minute, events, worst: partName(worst) }));
}

/**
 * Split points where minutes are missing.
 *
 * @param {Point[]} points
 * @returns {Point[][]}
 */
export function stretchesOf(points) {
  /** @type {Point[][]} */
  const found = [];
  let before = -Infinity;
  for (const each of points) {
    if (each.minute - before > MINUTE) found.push([]);
    found[found.length - 1].push(each);
    before = each.minute;
  }
  return found;
}

/** The scale's marks: 0, and powers of ten up to what covers the most. @param {Point[]} points */
export function marksOf(points) {
  const most = Math.max(10, ...points.map((each) => each.events));
  const marks = [0];
  for (let mark = 1; marks[marks.length - 1] < most; mark *= 10) marks.push(mark);
  return marks;
}

/** Return how high a value lies, from 0 to 1; the scale is logarithmic from 1 on. @param {number} events @param {number} top */
export function heightOf(events, top) {
  return Math.log10(1 + events) / Math.log10(1 + top);
}

/**
 * Return the path of a stretch in a box of 100 by 100.
 *
 * @param {Point[]} stretch @param {{from: number, to: number, top: number}} box seconds since 1970
 */
export function pathOf(stretch, { from, to, top }) {
  const at = stretch.map((each) => {
    const x = ((each.minute - from) / (to - from)) * 100;
    return `${x.toFixed(2)} ${((1 - heightOf(each.events, top)) * 100).toFixed(2)}`;
  });
  return at.length === 1 ? `M${at[0]}h-0.4` : `M${at.join("L")}`;
}

/**
 * Say in words what the picture shows.
 *
 * @param {Point[]} points @param {number} minutes that were asked for
 * @param {(seconds: number) => string} clock
 */
export function lagWords(points, minutes, clock) {
  if (!points.length) return "Nobody reported in this time.";
  const worst = points.reduce((a, b) => (b.events > a.events ? b : a));
  const last = points[points.length - 1];
  const missing = minutes - points.length;
  const gap = missing > 1 ? ` ${counted(missing, "minute")} have no report.` : "";
  if (!worst.events) return `Nothing waited at any report.${gap}`;
  const where = `${counted(worst.events, "event")} waited at ${clock(worst.minute)}, most in ${worst.worst}`;
  return `At most ${where}; ${count(last.events)} at the last report.${gap}`;
}
