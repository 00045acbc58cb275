/** The lag as a picture, and the same as a table. */

import { h } from "../../kit/html.js";
import { heightOf, lagWords, marksOf, pathOf, pointsOf, stretchesOf } from "../lag.js";
import { count, counted } from "../numbers.js";
import { whenWords } from "../times.js";
import { when } from "./parts.js";

const MOST_ROWS = 30;

/** @param {import("../state.js").State} state @param {any[]} items @param {number} minutes */
export function lagChart(state, items, minutes) {
  const points = pointsOf(items);
  const to = Math.floor(state.now / 60_000) * 60;
  const box = { from: to - minutes * 60, to, top: 0 };
  const marks = marksOf(points);
  box.top = marks[marks.length - 1];
  const words = lagWords(points, minutes, (seconds) => whenWords(seconds * 1000, state)?.text ?? "");
  if (!points.length) return h("p", { class: "nothing" }, "Nobody reported in this time. A line begins when a projector runs for a minute.");
  return [
    h(
      "svg",
      { class: "chart", role: "img", "aria-label": words },
      marks.map((mark) => scaleLine(mark, box.top)),
      h(
        "svg",
        { key: "lines", x: "7%", width: "92%", y: 10, height: 130, viewBox: "0 0 100 100", preserveAspectRatio: "none" },
        stretchesOf(points).map((stretch, at) => [
          stretch.length > 1 && h("path", { key: `area-${at}`, class: "area", d: areaOf(stretch, box) }),
          h("path", { key: `line-${at}`, class: "a", d: pathOf(stretch, box) }),
        ]),
      ),
      [0, 0.5, 1].map((part) => timeMark(state, box, part)),
    ),
    h("p", { class: "meta" }, words),
    listOf(state, points),
  ];
}

/** @param {number} mark @param {number} top */
function scaleLine(mark, top) {
  const y = 10 + 130 * (1 - heightOf(mark, top));
  return [
    h("line", { key: `g${mark}`, class: "grid", x1: "7%", x2: "99%", y1: y, y2: y }),
    h("text", { key: `t${mark}`, x: "6.5%", y: y + 4, "text-anchor": "end" }, count(mark)),
  ];
}

/** @param {import("../state.js").State} state @param {{from: number, to: number}} box @param {number} part */
function timeMark(state, { from, to }, part) {
  const anchor = part === 0 ? "start" : part === 1 ? "end" : "middle";
  const words = part === 1 ? "now" : whenWords((from + (to - from) * part) * 1000, state)?.text;
  return h("text", { key: `x${part}`, x: `${7 + 92 * part}%`, y: 160, "text-anchor": anchor }, words);
}

/** @param {import("../lag.js").Point[]} stretch @param {{from: number, to: number, top: number}} box */
function areaOf(stretch, box) {
  const at = (/** @type {number} */ minute) => (((minute - box.from) / (box.to - box.from)) * 100).toFixed(2);
  return `${pathOf(stretch, box)}L${at(stretch[stretch.length - 1].minute)} 100L${at(stretch[0].minute)} 100Z`;
}

/** @param {import("../state.js").State} state @param {import("../lag.js").Point[]} points */
function listOf(state, points) {
  const latest = points.slice(-MOST_ROWS).reverse();
  return h(
    "details",
    { class: "list" },
    h("summary", null, "As a list"),
    h(
      "ul",
      { class: "lines" },
      latest.map((each) =>
        h("li", { key: each.minute }, when(state, each.minute * 1000), " ", counted(each.events, "event"), each.events ? `, most in ${each.worst}` : ""),
      ),
    ),
    points.length > latest.length && h("p", { class: "meta" }, `The latest ${latest.length} of ${points.length} reports.`),
  );
}
