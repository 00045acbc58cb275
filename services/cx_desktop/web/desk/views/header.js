/** Who, how sure, and what goes on now. */

import { h, theirs, unseen } from "../../kit/html.js";
import { channelClass, channelIcon, channelName, icon } from "../../kit/icons.js";
import { instant, waitWords, whenWords } from "../../kit/time_words.js";
import { LISTED, isShut, sureness } from "../state.js";
import { sureChip, sureWords } from "./certainty.js";
import { isOverdue, overdueMark } from "./overdue.js";

const SHOWN = ["email", "phone", "crm", "account"];

/** @param {import("../state.js").State} state @param {any} desk */
export function header(state, desk) {
  const customer = state.context?.body.customer;
  const sure = sureness(state);
  const shut = isShut(state);
  const name = shut ? "Somebody" : customer?.display ?? "Nobody known yet";
  const isDoubted = shut || (sure.isNow && ["claimed", "none"].includes(sure.level));
  return h("header", { class: `who ${isDoubted ? "doubt" : ""}`, key: "who" },
    h("span", { class: "face l customer", "aria-hidden": "true" }, shut ? "?" : initials(name)),
    h("div", { class: "title" },
      h("h1", null, theirs(name)),
      sureChip(sure.level),
      h("span", { class: "meta" }, sureWords(sure, state.now)),
    ),
    h("p", { class: "facts" }, isDoubted && h("b", null, "Don’t read anything out yet."), shut ? null : facts(customer)),
    now(state, desk),
  );
}

/** @param {any} customer */
function facts(customer) {
  const all = customer?.identifiers ?? [];
  const known = all.filter((/** @type {any} */ each) => SHOWN.includes(each.kind));
  return known.slice(0, 4).map((/** @type {any} */ each) =>
    h("span", null, unseen(`${each.kind} `), h("bdi", { dir: "ltr" }, each.value), each.claimed && h("span", { class: "meta" }, " claimed")),
  );
}

/** @param {import("../state.js").State} state @param {any} desk */
function now(state, desk) {
  const current = state.context?.body.now;
  if (!current) return h("p", { class: "now none meta", key: "now" }, state.context ? "No contact now" : "");
  const since = instant(current.waiting_since);
  const isLive = state.link.state === "live" && !state.past;
  const queue = current.queue?.name || current.queue?.id;
  return h("div", { class: `now ${channelClass(current.channel)}`, key: "now" },
    h("span", { class: "tint" }, channelIcon(current.channel)),
    h("p", { class: "grow" },
      h("small", null, "Now on ", h("b", null, channelName(current.channel).toLowerCase()), since !== null ? ", waiting" : ", answered"),
      since !== null && h("span", { class: "wait" }, isLive ? waitWords(state.now - since) : whenWords(since, state.now)),
      since !== null && !state.past && isOverdue(rowOf(state, current.interaction), state) && overdueMark(),
      queue && h("small", null, since !== null ? "for " : "from ", theirs(queue)),
      since !== null && isLive && place(state, current),
      h("span", { class: "types", role: "status" }, typesIn(state, current.interaction) && [icon("note", "s"), "is writing…"]),
    ),
    desk.nowActs(state),
  );
}

/**
 * Which place a contact has among those that wait for its queue, by how long each has waited. It is told where the rail lists that queue.
 *
 * @param {import("../state.js").State} state @param {any} current
 */
function place({ rail }, { interaction, queue }) {
  const waiting = (rail.waiting ?? []).filter((row) => row.queue?.id === queue?.id);
  const at = waiting.findIndex((row) => row.interaction === interaction);
  if (at < 0 || waiting.length === 1) return null;
  const most = waiting.length < LISTED ? waiting.length : `${LISTED} or more`;
  return h("small", { class: "place", title: "By how long each has waited here. Whoever routes may choose another order." }, `${at === 0 ? "first" : `number ${at + 1}`} of ${most}`);
}

/** Return whether the customer writes in a contact just now, and nothing of what. @param {import("../state.js").State} state @param {string} interaction */
export function typesIn(state, interaction) {
  const ids = [state.followed, state.context?.body.customer.id];
  return state.link.state === "live" && !state.past && ids.some((id) => state.typing[`customer ${id}`]?.includes(interaction));
}

/** Return a contact's row in the rail's lists. @param {import("../state.js").State} state @param {string} interaction */
function rowOf({ rail }, interaction) {
  return [...(rail.mine ?? []), ...(rail.waiting ?? [])].find((row) => row.interaction === interaction);
}

/** Return up to two letters of a name, whole ones in any script. @param {string} name */
export function initials(name) {
  const words = name.trim().split(/\s+/u).filter((word) => /\p{L}/u.test(word));
  const letters = (words.length > 1 ? [words[0], words.at(-1) ?? ""] : words).map((word) => [...word].find((each) => /\p{L}/u.test(each)) ?? "");
  return letters.join("").toUpperCase() || "?";
}
