/** The customer's mood, of their own words alone, from -1 to 1. */

import { h, unseen } from "../../kit/html.js";
import { icon } from "../../kit/icons.js";

/** @param {number} score @returns {{word: string, name: "glad" | "even" | "upset", sign: string}} */
export function moodOf(score) {
  const sign = score.toFixed(1).replace("-", "\u2212");
  if (score <= -0.25) return { word: score <= -0.7 ? "very upset" : "upset", name: "upset", sign };
  if (score >= 0.25) return { word: "content", name: "glad", sign };
  return { word: "neutral", name: "even", sign };
}

/** @param {number | null | undefined} score */
export function moodMark(score) {
  if (score === null || score === undefined) return null;
  const { word, name } = moodOf(score);
  return h("span", { class: `mood ${name}` }, icon(name, "s"), unseen(word));
}

/** @type {Record<string, string>} */
export const TRENDS = { improving: "and rising", steady: "and steady", declining: "and falling" };
