/** How fresh the page is, said at all times; and what is said of a broken link. */

import { h } from "../../kit/html.js";
import { icon } from "../../kit/icons.js";
import { exactTime, plural, spanWords } from "../../kit/time_words.js";

const SHORT = 2_000; // ms: a break that is over by then is not worth a banner

/** @param {import("../state.js").State} state */
export function freshness(state) {
  const { link, fresh, now } = state;
  const [kind, words] = link.state === "live" ? live(fresh, now) : link.state === "connecting" ? ["warn", "Connecting"] : ["bad", "Not connected"];
  const title = fresh ? `Everything is in up to ${exactTime(fresh.currentTo)}` : null;
  return [h("span", { class: `dot ${kind}` }), h("span", { class: "meta grow", title }, words)];
}

/** @param {import("../state.js").State["fresh"]} fresh @param {number} now @returns {[string, string]} */
function live(fresh, now) {
  if (!fresh) return ["good", "Connected"];
  const behind = fresh.lag > 5 ? fresh.lag * 1000 : 0;
  if (behind) return ["warn", `${spanWords(behind)} behind`];
  return ["good", `Current to ${spanWords(Math.max(1000, now - fresh.at))} ago`];
}

/** @param {import("../state.js").State} state @param {any} desk */
export function linkBanner(state, desk) {
  const { link, now, back } = state;
  const local = Date.now();
  if (link.state === "refused") return banner("bad", "The hub refuses to say what changes.", link.detail ?? "", null);
  if (link.state === "cut" && local - link.since > SHORT) {
    const next = link.next && link.next > local ? ` Next try in ${Math.ceil((link.next - local) / 1000)} s.` : " Trying now.";
    const as = state.fresh ? `You see everything as it was at ${exactTime(state.fresh.at)}. ` : "";
    return banner("warn", `No connection for ${spanWords(local - link.since)}.`, `${as}What you write is kept.${next}`,
      h("button", { class: "b", type: "button", onclick: desk.tryNow }, "Try now"));
  }
  if (back && link.state === "live" && now < back.until) {
    const missed = back.missed > 0 ? `${plural(back.missed, "event")} came meanwhile, nothing is missing.` : "Nothing came meanwhile.";
    return banner("good", "Back.", missed, null);
  }
  return null;
}

/** @param {string} kind @param {string} first @param {string} rest @param {any} act */
function banner(kind, first, rest, act) {
  return h("div", { class: `banner ${kind}`, role: "status", key: "banner" },
    icon(kind === "good" ? "check" : "off"), h("p", null, h("strong", null, first), " ", rest), act);
}
