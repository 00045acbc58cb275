/** Write numbers for people. Pure. */

const WHOLE = new Intl.NumberFormat("en-GB");

/** @param {number} value */
export function count(value) {
  return WHOLE.format(Math.round(value));
}

/** @param {number} value @param {string} one @param {string} [several] */
export function counted(value, one, several = `${one}s`) {
  return `${count(value)} ${value === 1 ? one : several}`;
}

/** @param {number} bytes */
export function bytesWords(bytes) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let at = 0;
  let left = bytes;
  while (left >= 1000 && at < units.length - 1) {
    left /= 1000;
    at += 1;
  }
  return `${at && left < 10 ? left.toFixed(1) : Math.round(left)} ${units[at]}`;
}

/** A rate a second, null for not known. @param {number | null | undefined} rate */
export function rateWords(rate) {
  if (rate === null || rate === undefined) return "not known";
  return `${rate < 10 ? Number(rate.toFixed(1)) : count(rate)}/s`;
}
