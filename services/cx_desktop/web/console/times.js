/**
 * Say when something was: in UTC, in this browser's zone, or how long ago. Pure.
 *
 * @typedef {"utc" | "local" | "ago"} Times
 */

export const TIMES = /** @type {const} */ (["utc", "local", "ago"]);

/**
 * @param {string | number | null | undefined} moment RFC 3339, or ms since 1970
 * @param {{times: Times, now: number, zone?: string}} clock `now`: the server's, ms since 1970
 * @returns {{text: string, whole: string} | null} null for no time
 */
export function whenWords(moment, { times, now, zone }) {
  const at = typeof moment === "number" ? moment : Date.parse(moment ?? "");
  if (!Number.isFinite(at)) return null;
  const whole = new Date(at).toISOString();
  if (times === "ago") return { text: agoWords((now - at) / 1000), whole };
  const timeZone = times === "utc" ? "UTC" : zone;
  const day = /** @type {const} */ ({ timeZone, day: "numeric", month: "short", year: "numeric" });
  const isToday = format(at, day) === format(now, day);
  const time = format(at, { timeZone, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  const words = isToday ? time : `${format(at, day)} ${time}`;
  return { text: times === "utc" ? `${words} UTC` : words, whole };
}

/** @param {number} at @param {Intl.DateTimeFormatOptions} options */
function format(at, options) {
  return new Intl.DateTimeFormat("en-GB", options).format(at);
}

/** @param {number} seconds ago; negative for what is to come */
export function agoWords(seconds) {
  if (seconds < -1) return `in ${durationWords(-seconds)}`;
  return seconds < 1 ? "now" : `${durationWords(seconds)} ago`;
}

/** @param {number} seconds */
export function durationWords(seconds) {
  if (seconds < 1) return "under a second";
  if (seconds < 100) return `${Math.round(seconds)} s`;
  if (seconds < 100 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}
