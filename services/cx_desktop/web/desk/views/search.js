/** What a search found: customers by name, part of a number, address, order. */

import { h, theirs } from "../../kit/html.js";
import { icon } from "../../kit/icons.js";
import { plural } from "../../kit/time_words.js";
import { customerPath } from "../address.js";

/** @param {import("../state.js").State} state @param {any} _desk */
export function searchHits(state, _desk) {
  const { text, hits, isBusy, problem } = state.search;
  return h("section", { key: "hits", "aria-label": "Found" },
    h("p", { class: "sr", role: "status" }, hits && !isBusy ? `${plural(hits.length, "customer")} found` : ""),
    problem
      ? h("p", { class: "rail-note hint" }, problem.reason === "not-assured" ? "With this key nobody can be searched for." : "The search failed. It is tried again as you type.")
      : hits === null
        ? h("p", { class: "rail-note" }, h("span", { class: "skeleton" }, "Searching"))
        : hits.length === 0
          ? h("p", { class: "rail-note hint" }, "Nothing for “", theirs(text), "”. Searched names, numbers, addresses, orders.")
          : h("ul", null, hits.map(hit)),
  );
}

/** @param {any} found */
function hit(found) {
  const match = found.matches.find((/** @type {any} */ each) => each.value !== found.display) ?? found.matches[0];
  return h("li", { key: found.customer },
    h("a", { class: "item", href: customerPath(found.customer) },
      h("span", { class: "mark customer" }, icon("person")),
      theirs(found.display ?? match?.value ?? "Nobody known yet", "span", { class: "name clip" }),
      h("span", { class: "age" }, found.waiting_since ? "waits" : found.open ? `${found.open} open` : ""),
      match && h("span", { class: "last clip" }, `${match.kind} `, ...marked(match.value, match.ranges)),
    ),
  );
}

/** Return a text with what was looked for marked. @param {string} text @param {[number, number][]} ranges in code points */
export function marked(text, ranges) {
  const letters = [...text];
  const parts = [];
  let at = 0;
  for (const [start, end] of ranges) {
    parts.push(letters.slice(at, start).join(""), h("mark", null, letters.slice(start, end).join("")));
    at = end;
  }
  return [h("bdi", { dir: "auto" }, ...parts, letters.slice(at).join(""))];
}
