/**
 * Where each contact stands in the picture of a journey. Pure. Time runs from 0 to 1 with long gaps pressed together, so
 * that five minutes of a chat and three days of silence both can be seen.
 *
 * @typedef {{interaction: string, channel: string | null, level: string, start: string, end: string | null, last_at: string,
 *   counts: Record<string, number>, mood: {first: number, least: number, last: number} | null, handoffs: number,
 *   agents: {id: string, name: string}[], conversation: string, outcome: {state: string, reason: string | null}}} Contact
 * @typedef {{contact: Contact, from: number, to: number, lane: number, isOpen: boolean}} Placed
 * @typedef {{from: number, to: number, milliseconds: number}} Gap
 * @typedef {{lanes: string[], placed: Placed[], gaps: Gap[], moods: {at: number, score: number, isLeast: boolean}[],
 *   joins: [Placed, Placed][]}} Layout
 */

const LEAST_WIDTH = 0.025;
const GAP_WIDTH = 0.05;
const MOST_GAPS = 12;
const SHOWN = 60;

/** @param {Contact[]} contacts in any order @param {number} now @returns {Layout} */
export function layOut(contacts, now) {
  const sorted = [...contacts].sort((a, b) => time(a.start) - time(b.start)).slice(-SHOWN);
  const lanes = [...new Set(sorted.map((each) => each.channel ?? ""))];
  const spans = sorted.map((each) => ({ each, start: time(each.start), end: Math.max(time(each.start), Math.min(time(each.last_at), now)) }));
  const stretches = together(spans);
  const { place, gaps } = scale(stretches);
  const placed = spans.map(({ each, start, end }) => {
    const from = place(start);
    return { contact: each, from, to: Math.min(1, Math.max(place(end), from + LEAST_WIDTH)), lane: lanes.indexOf(each.channel ?? ""), isOpen: each.end === null && each.outcome.state === "open" };
  });
  const scores = placed.flatMap(({ contact, from, to }) => (contact.mood ? [{ at: from, score: contact.mood.first }, { at: (from + to) / 2, score: contact.mood.least }, { at: to, score: contact.mood.last }] : []));
  const least = Math.min(...scores.map((each) => each.score));
  const first = scores.findIndex((each) => each.score === least);
  return { lanes, placed, gaps, moods: scores.map((each, at) => ({ ...each, isLeast: at === first })), joins: handed(placed) };
}

/** @param {string} text */
const time = (text) => Date.parse(text);

/** Return the stretches in which something goes on, one after another. @param {{start: number, end: number}[]} spans */
function together(spans) {
  const whole = spans.length ? Math.max(...spans.map((each) => each.end)) - spans[0].start : 0;
  const apart = Math.max(60_000, whole / MOST_GAPS);
  /** @type {{start: number, end: number}[]} */
  const found = [];
  for (const { start, end } of spans) {
    const last = found.at(-1);
    if (last && start - last.end < apart) last.end = Math.max(last.end, end);
    else found.push({ start, end });
  }
  return found;
}

/**
 * Give each stretch a width: half by how long it lasts, half the same for all. There are 12 gaps at most (`together`).
 *
 * @param {{start: number, end: number}[]} stretches
 */
function scale(stretches) {
  const free = 1 - GAP_WIDTH * Math.max(0, stretches.length - 1);
  const total = stretches.reduce((sum, each) => sum + (each.end - each.start), 0) || 1;
  /** @type {Gap[]} */
  const gaps = [];
  let at = 0;
  const laid = stretches.map((each, index) => {
    if (index > 0) {
      gaps.push({ from: at, to: at + GAP_WIDTH, milliseconds: each.start - stretches[index - 1].end });
      at += GAP_WIDTH;
    }
    const width = free * (0.5 / stretches.length + (0.5 * (each.end - each.start)) / total);
    const from = at;
    at += width;
    return { ...each, from, to: at };
  });
  const end = at || 1;
  const place = (/** @type {number} */ moment) => {
    const one = laid.find((each) => moment <= each.end) ?? laid.at(-1);
    if (!one) return 0;
    const share = one.end > one.start ? (moment - one.start) / (one.end - one.start) : 0;
    return (one.from + Math.min(1, Math.max(0, share)) * (one.to - one.from)) / end;
  };
  return { place, gaps: gaps.map((each) => ({ ...each, from: each.from / end, to: each.to / end })) };
}

/** Return each contact with handoffs and the next of its conversation. @param {Placed[]} placed @returns {[Placed, Placed][]} */
function handed(placed) {
  return placed.flatMap((one, at) => {
    const next = placed.slice(at + 1).find((each) => each.contact.conversation === one.contact.conversation);
    return one.contact.handoffs > 0 && next ? [/** @type {[Placed, Placed]} */ ([one, next])] : [];
  });
}
