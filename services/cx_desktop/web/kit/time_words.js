/**
 * Say times in words: today `09:41`, this week `Wed 10:31`, else `25 Nov 2026`; a wait under an hour counts `4:12`.
 * All pure: `now` is given, in milliseconds since 1970; the locale and the zone are the agent's.
 */

const DAY = 86_400_000;

/** @param {Intl.DateTimeFormatOptions} options */
const format = (options) => {
  /** @type {Intl.DateTimeFormat | undefined} */
  let made;
  return (/** @type {number} */ at) => (made ??= new Intl.DateTimeFormat(undefined, options)).format(at);
};
const clockTime = format({ hour: "2-digit", minute: "2-digit" });
const clockSeconds = format({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const weekday = format({ weekday: "short" });
const day = format({ day: "numeric", month: "short", year: "numeric" });
const whole = format({ dateStyle: "full", timeStyle: "long" });

/** @param {string | null | undefined} text RFC 3339 @returns {number | null} */
export function instant(text) {
  const at = text ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? null : at;
}

/** @param {number} at @param {number} now */
export function whenWords(at, now) {
  if (isSameDay(at, now)) return clockTime(at);
  if (Math.abs(now - at) < 6 * DAY) return `${weekday(at)} ${clockTime(at)}`;
  return day(at);
}

/** @param {number} at with seconds */
export const exactTime = (at) => clockSeconds(at);

/** @param {number} at the whole instant, with its zone */
export const wholeInstant = (at) => whole(at);

/** @param {number} milliseconds of a wait */
export function waitWords(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 3600) return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return days(Math.floor(seconds / 86_400));
}

/** @param {number} milliseconds for reading, not for counting: "38 s", "26 min", "2 h", "3 days" */
export function spanWords(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return days(Math.floor(seconds / 86_400));
}

/** @param {number} count */
function days(count) {
  return count === 1 ? "1 day" : `${count} days`;
}

/** @param {number} a @param {number} b */
function isSameDay(a, b) {
  return new Date(a).toDateString() === new Date(b).toDateString();
}

/** @param {number} count @param {string} one @param {string} [many] */
export function plural(count, one, many = `${one}s`) {
  return `${count} ${count === 1 ? one : many}`;
}
