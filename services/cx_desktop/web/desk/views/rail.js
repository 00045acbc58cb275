/** Who waits, and who is mine. */

import { h, theirs, unseen } from "../../kit/html.js";
import { channelName, icon, logo, mark } from "../../kit/icons.js";
import { instant, waitWords, whenWords, wholeInstant } from "../../kit/time_words.js";
import { interactionPath } from "../address.js";
import { TRENDS, moodOf } from "./mood.js";
import { isOverdue, overdueMark } from "./overdue.js";
import { searchHits } from "./search.js";

/** @typedef {import("../state.js").State} State @typedef {import("../state.js").Row} Row */

/** @param {State} state @param {any} desk */
export function rail(state, desk) {
  const { mine, waiting, problem } = state.rail;
  const isSearching = state.search.text !== "";
  return h("nav", { class: "rail", "aria-label": "Conversations", key: "rail" },
    h("div", { class: "rail-top" },
      h("div", { class: "row" }, logo(), h("h1", { class: "grow clip" }, unseen("Conversations of "), state.me.tenant), agentMenu(state, desk)),
      searchField(state, desk),
    ),
    isSearching
      ? searchHits(state, desk)
      : [
          group("Mine", "mine", mine, state, "Nothing of yours is open. Take one that waits: it comes here."),
          group(waitingTitle(state), "waiting", waiting, state, "Nobody waits. New contacts come here by themselves."),
          problem && h("p", { class: "hint rail-note", role: "status" }, "These lists can't be read now; they are tried again by themselves."),
        ],
    h("div", { class: "rail-foot" }, ...desk.railFoot(state)),
  );
}

/** @param {State} state @param {any} desk */
function agentMenu(state, desk) {
  const name = state.me.agent?.name || state.me.agent?.id || state.me.key;
  return [
    h("button", { class: "b quiet", type: "button", popovertarget: "agent-menu" }, icon("person", "s"), theirs(name), unseen("; menu")),
    h("div", { class: "pop menu", id: "agent-menu", popover: "auto" },
      h("p", null, "Signed in as ", theirs(name), " with the key ", h("b", null, state.me.key), "."),
      h("button", { class: "b", type: "button", onclick: desk.switchTheme }, icon("theme", "s"), "Light or dark"),
      h("button", { class: "b", type: "button", onclick: desk.signOut }, "Sign out"),
    ),
  ];
}

/** @param {State} state @param {any} desk */
function searchField(state, desk) {
  return h("label", { class: "field" },
    icon("search"), unseen("Find a customer"),
    h("input", {
      type: "search", id: "search", placeholder: "Name, number, order…", autocomplete: "off", value: state.search.text,
      oninput: (/** @type {any} */ event) => desk.search(event.target.value),
    }),
    h("kbd", { "aria-hidden": "true" }, "/"),
  );
}

/** @param {State} state */
function waitingTitle(state) {
  const names = state.me.agent?.queues.map((id) => state.rail.queues.find((each) => each.id === id)?.name || id) ?? [];
  return names.length === 1 ? `Waiting for ${names[0]}` : "Waiting";
}

/** @param {string} title @param {string} id @param {Row[] | null} rows @param {State} state @param {string} empty */
function group(title, id, rows, state, empty) {
  return h("section", { key: id, "aria-labelledby": `rail-${id}` },
    h("h2", { class: "group", id: `rail-${id}` }, title, rows && h("span", { class: "n" }, rows.length)),
    rows === null
      ? h("p", { class: "rail-note" }, h("span", { class: "skeleton" }, "Loading the list"))
      : rows.length === 0
        ? h("p", { class: "hint rail-note" }, empty)
        : h("ul", null, rows.map((row) => item(row, state, id))),
  );
}

/** @param {Row} row @param {State} state @param {string} list */
function item(row, state, list) {
  const channel = state.channels[row.interaction] ?? row.channels.at(-1);
  const isCurrent = state.context?.body.customer.id === row.customer || (state.address.kind === "interaction" && state.address.id === row.interaction);
  return h("li", { key: `${list} ${row.id}` },
    h("a", { class: "item", href: interactionPath(row.interaction), "aria-current": isCurrent ? "true" : null },
      mark(channel),
      h("span", { class: "name clip" }, unseen(`${channelName(channel)}: `), theirs(row.display ?? "Nobody known yet")),
      age(row, state),
      theirs(row.line ? row.line.text : row.topic ?? "", "span", { class: "last clip" }),
      rowMood(row),
    ),
  );
}

/** How the customer feels in this conversation: by a sign, in words for who hears or points at it. @param {Row} row */
function rowMood({ sentiment }) {
  if (!sentiment) return null;
  const { word, name, sign } = moodOf(sentiment.current);
  const words = `${word} ${TRENDS[sentiment.trend]}`;
  return h("span", { class: `mood ${name}`, title: `${words} (${sign})` }, unseen("Mood: "), icon(name, "s"), unseen(words));
}

/** A wait counts on while the hub is connected; cut off, the time stands still. @param {Row} row @param {State} state */
function age(row, state) {
  const since = instant(row.waiting_since);
  const at = since ?? instant(row.last_at);
  if (at === null) return null;
  const isLive = state.link.state === "live";
  const isOver = since !== null && isOverdue(row, state);
  const isLate = isOver || (since !== null && !row.due_at && state.now - since > 180_000);
  const words = since !== null && isLive ? waitWords(state.now - since) : whenWords(at, state.now);
  return h("time", { class: `age ${isLate ? "late" : ""}`, datetime: row.waiting_since ?? row.last_at, title: wholeInstant(at) },
    isOver && overdueMark(), since !== null && isLive && unseen(" waiting "), words);
}
