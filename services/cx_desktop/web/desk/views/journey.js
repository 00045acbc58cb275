/** Mood, and the journey as one picture: channels over time, gaps pressed together, handoffs. The same as a list. */

import { h, theirs } from "../../kit/html.js";
import { channelClass, channelIcon, channelName, icon } from "../../kit/icons.js";
import { instant, plural, spanWords, whenWords } from "../../kit/time_words.js";
import { layOut } from "../journey_layout.js";
import { levelWord } from "./certainty.js";
import { TRENDS, moodMark, moodOf } from "./mood.js";

const LANE = 22; // px, as in the style
const MOOD = 44;

/** @param {any} body @param {any[] | null} items @param {number} now by the minute */
export function journey(body, items, now) {
  return h("section", { class: "card journey", "aria-labelledby": "journey", key: "journey" },
    h("div", { class: "journey-head" },
      h("h2", { class: "eyebrow", id: "journey" }, icon("past", "s"), "Journey"),
      mood(body.sentiment),
      h("span", { class: "grow" }),
      items && h("span", { class: "meta" }, totals(items))),
    items === null ? h("p", { class: "skeleton" }, "Loading the journey") : items.length === 0 ? h("p", { class: "meta" }, "No contact yet.") : picture(items, now));
}

/** @param {any} sentiment */
function mood(sentiment) {
  if (!sentiment) return h("span", { class: "meta" }, "Mood: too few words");
  const { word, sign } = moodOf(sentiment.current);
  return h("span", { class: "row" }, moodMark(sentiment.current),
    h("span", null, "Mood ", h("b", null, word), ` ${TRENDS[sentiment.trend] ?? ""} `, h("span", { class: "meta" }, `· ${sign}, the customer’s own words only`)));
}

/** @param {any[]} items */
function totals(items) {
  const channels = new Set(items.map((each) => each.channel)).size;
  const handoffs = items.reduce((sum, each) => sum + each.handoffs, 0);
  const first = Math.min(...items.map((each) => Date.parse(each.start)));
  const last = Math.max(...items.map((each) => Date.parse(each.last_at)));
  return [plural(items.length, "contact"), plural(channels, "channel"), handoffs && plural(handoffs, "handoff"), spanWords(last - first)].filter(Boolean).join(" · ");
}

/** Places across are in percent, so that letters keep their size at any width. @param {number} at */
const x = (at) => `${(1 + at * 97).toFixed(2)}%`;

/** @param {any[]} items @param {number} now */
function picture(items, now) {
  const layout = layOut(items, now);
  const hasMood = layout.moods.length > 0;
  const top = hasMood ? MOOD : 0;
  const bottom = top + layout.lanes.length * LANE;
  const y = (/** @type {number} */ lane) => top + lane * LANE + LANE / 2;
  const sorted = [...items].sort((a, b) => Date.parse(a.start) - Date.parse(b.start));
  return [
    h("div", { class: "lanes" },
      h("ul", { "aria-hidden": "true" },
        hasMood && h("li", { class: "tall" }, "Mood"),
        layout.lanes.map((channel) => h("li", { class: channelClass(channel), key: channel }, h("span", { class: "tint" }, channelIcon(channel, "s")), channelName(channel)))),
      h("svg", { class: "pic", role: "img", height: bottom + 20, "aria-label": sorted.slice(-6).map((each) => contactWords(each, now)).join("; ") },
        layout.gaps.map((gap) => gapMark(gap, bottom)),
        hasMood && moodLine(layout),
        layout.lanes.map((channel, lane) => h("line", { class: "grid", key: `lane ${channel}`, x1: 0, x2: "100%", y1: y(lane), y2: y(lane) })),
        layout.placed.map((one) => contactMark(one, y, now)),
        layout.joins.map(([one, next]) => h("g", { key: `join ${one.contact.interaction} ${one.contact.start}` },
          h("line", { class: "link", x1: x(leaves(one, next)), y1: y(one.lane), x2: x(next.from), y2: y(next.lane) }),
          h("circle", { class: "head", cx: x(leaves(one, next)), cy: y(one.lane), r: 3 }), h("circle", { class: "head", cx: x(next.from), cy: y(next.lane), r: 3 }))),
        times(layout, bottom, now))),
    h("details", { class: "fold as-list" },
      h("summary", null, icon("chevron", "s chev"), "The same as a list"),
      h("ol", null, sorted.map((each) => h("li", { key: `${each.interaction} ${each.start}` }, theirs(contactWords(each, now)))))),
  ];
}

/** A contact may go on beside the one that it was handed to. @param {import("../journey_layout.js").Placed} one @param {import("../journey_layout.js").Placed} next */
const leaves = (one, next) => Math.max(one.from, Math.min(one.to, next.from));

/** @param {import("../journey_layout.js").Gap} gap @param {number} bottom */
function gapMark(gap, bottom) {
  return h("g", { key: `gap ${gap.from}` },
    h("rect", { class: "gap", x: x(gap.from), y: 0, width: `${((gap.to - gap.from) * 97).toFixed(2)}%`, height: bottom, rx: 4 }),
    gap.to - gap.from > 0.03 && h("text", { x: x((gap.from + gap.to) / 2), y: bottom + 15, "text-anchor": "middle" }, spanWords(gap.milliseconds)));
}

/** @param {import("../journey_layout.js").Layout} layout */
function moodLine({ moods }) {
  const y = (/** @type {number} */ score) => 20 - score * 15;
  const least = moods.find((each) => each.isLeast);
  return h("g", { key: "mood" },
    h("line", { class: "grid", x1: 0, x2: "100%", y1: 20, y2: 20 }),
    moods.slice(1).map((each, at) => h("line", { key: `line ${at}`, class: "mood-line", x1: x(moods[at].at), y1: y(moods[at].score), x2: x(each.at), y2: y(each.score) })),
    moods.map((each, at) => h("circle", { key: at, class: `mood-dot ${each.isLeast ? "least" : ""}`, cx: x(each.at), cy: y(each.score), r: each.isLeast ? 4 : 2.5 })),
    least && least.score <= -0.25 && h("text", { class: "least-text", x: x(least.at), dx: least.at > 0.8 ? -8 : 8, y: y(least.score) + 4, "text-anchor": least.at > 0.8 ? "end" : "start" }, `${moodOf(least.score).word} ${moodOf(least.score).sign}`));
}

/** @param {import("../journey_layout.js").Placed} one @param {(lane: number) => number} y @param {number} now */
function contactMark(one, y, now) {
  const count = Object.values(one.contact.counts).reduce((sum, each) => sum + each, 0);
  const isDoubted = one.contact.level === "claimed" || one.contact.level === "none";
  return h("g", { class: channelClass(one.contact.channel), key: `contact ${one.contact.interaction} ${one.contact.start}` },
    h("rect", { class: `contact ${one.isOpen ? "open" : ""} ${isDoubted ? "doubted" : ""}`, x: x(one.from), y: y(one.lane) - 8, width: `${((one.to - one.from) * 97).toFixed(2)}%`, height: 16, rx: 4 },
      h("title", null, contactWords(one.contact, now))),
    count > 0 && one.to - one.from > 0.04 && h("text", { class: "count", x: x(one.from), dx: 6, y: y(one.lane) + 4 }, count));
}

/** @param {import("../journey_layout.js").Layout} layout @param {number} bottom @param {number} now */
function times({ placed, gaps }, bottom, now) {
  const found = [];
  const isOpen = placed.some((each) => each.isOpen);
  let free = -Infinity;
  for (const one of placed) {
    if (one.from < free || (isOpen && one.from > 0.84)) continue;
    if (gaps.some((gap) => Math.abs((gap.from + gap.to) / 2 - one.from - 0.05) < 0.08)) continue;
    found.push(h("text", { key: `time ${one.contact.start}`, x: x(one.from), y: bottom + 15 }, whenWords(Date.parse(one.contact.start), now)));
    free = one.from + 0.2;
  }
  return [found, isOpen && h("line", { class: "now-line", key: "now", x1: x(1), x2: x(1), y1: 0, y2: bottom }), isOpen && h("text", { class: "now-text", key: "now-text", x: x(1), y: bottom + 15, "text-anchor": "end" }, "now")];
}

/** @param {any} each @param {number} now */
export function contactWords(each, now) {
  const start = instant(each.start) ?? now;
  const lines = Object.entries(each.counts).map(([role, count]) => `${count} by ${role}`);
  const agents = each.agents.map((/** @type {any} */ agent) => agent.name || agent.id);
  return [
    `${channelName(each.channel)}, ${whenWords(start, now)}`,
    each.end ? spanWords(Date.parse(each.end) - start) : each.outcome.state === "open" ? "open" : "",
    lines.join(", "),
    agents.length ? `with ${agents.join(" and ")}` : "",
    each.handoffs ? plural(each.handoffs, "handoff") : "",
    each.mood ? `mood ${moodOf(each.mood.last).word}` : "",
    levelWord(each.level),
  ].filter(Boolean).join(", ");
}
