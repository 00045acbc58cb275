/** The frame of every page: which hub this is, how it is, and where one can go. */

import { h, theirs, unseen } from "../../kit/html.js";
import { PAGES, addressOf, menuPage } from "../address.js";
import { inkOn } from "../colors.js";
import { judge } from "../health.js";
import { count } from "../numbers.js";
import { missingWords } from "../problems.js";
import { standOf, STEPS } from "../rebuild_steps.js";
import { valueOf } from "../state.js";
import { TIMES } from "../times.js";
import { link } from "./parts.js";

const TIME_NAMES = { utc: "UTC", local: "Local", ago: "Ago" };
const TONES = { well: "good", slow: "warn", still: "bad", unknown: "past" };

/**
 * @param {import("../state.js").State} state @param {import("./parts.js").Act} act @param {unknown} page
 */
export function frame(state, act, page) {
  const missing = missingWords(state.me, "ops");
  return h(
    "div",
    { class: "console" },
    h("a", { class: "skip", href: "#main" }, "To the content"),
    environmentBar(state, act),
    menu(state, act),
    h(
      "main",
      { class: "page", id: "main", tabindex: -1 },
      state.place.page === "health" ? null : healthLine(state, act, "p"),
      missing ? closed(missing) : page,
    ),
  );
}

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act */
function environmentBar(state, act) {
  const { name, color } = state.me.environment;
  const isReal = /prod|live/i.test(name);
  const about = isReal ? "what you do here reaches customers" : "";
  return h(
    "header",
    { class: `env ${color ? `colored ${inkOn(color)}` : "plain"}`, "aria-label": "Environment" },
    h("strong", null, theirs(name || "Environment not named")),
    h("span", { class: "grow" }, theirs(state.me.tenant), about && ` · ${about}`),
    h(
      "span",
      { class: "seg", role: "group", "aria-label": "Times" },
      TIMES.map((each) =>
        h("button", { key: each, type: "button", "aria-pressed": String(state.times === each), onclick: () => act("times", each) }, TIME_NAMES[each]),
      ),
    ),
    h("span", null, theirs(state.me.agent?.name || state.me.agent?.id || `key ${state.me.key}`)),
    h("button", { class: "plainly", type: "button", onclick: () => act("signOut") }, "Sign out"),
  );
}

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act */
function menu(state, act) {
  const current = menuPage(state.place.page);
  const marks = marksOf(state);
  return h(
    "nav",
    { class: "side", "aria-label": "Console" },
    h("div", { class: "brand" }, "Console"),
    PAGES.map(([name, words], at) =>
      link(
        act,
        addressOf(name),
        { key: name, "aria-current": name === current ? "page" : null, "aria-keyshortcuts": String((at + 1) % 10) },
        words,
        marks[name] && h("span", { class: `n chip ${marks[name].tone}` }, marks[name].words),
      ),
    ),
    h("span", { class: "end" }),
    h("button", { class: "b quiet", type: "button", onclick: () => act("palette"), "aria-keyshortcuts": "Control+K" }, "Find", h("kbd", null, "Ctrl K")),
    h("button", { class: "b quiet", type: "button", onclick: () => act("keys") }, "Keys", h("kbd", null, "?")),
    h("button", { class: "b quiet", type: "button", onclick: () => act("theme") }, "Light or dark"),
  );
}

/**
 * What waits for somebody, by page.
 *
 * @param {import("../state.js").State} state
 * @returns {Record<string, {tone: string, words: unknown}>}
 */
function marksOf(state) {
  /** @type {Record<string, {tone: string, words: unknown}>} */
  const found = {};
  const parts = valueOf(state, "projectors")?.items ?? [];
  const still = parts.filter((/** @type {any} */ each) => each.state === "stuck" || each.state === "waiting").length;
  if (still) found.projectors = { tone: "bad", words: [count(still), unseen(" stand still")] };
  const groups = valueOf(state, "groups")?.items.filter((/** @type {any} */ each) => each.state === "failed").length;
  if (groups) found["dead-letters"] = { tone: "warn", words: [count(groups), unseen(" issues")] };
  const rebuild = valueOf(state, "rebuilds")?.items[0] ?? null;
  const stand = standOf(rebuild);
  if (stand.state !== "plan") found.rebuild = { tone: "info", words: [unseen(`${STEPS[stand.step]}, `), `step ${stand.step + 1}`] };
  return found;
}

/**
 * The health of the stream in one line.
 *
 * @param {import("../state.js").State} state @param {import("./parts.js").Act} act @param {"h1" | "p"} tag
 */
export function healthLine(state, act, tag) {
  const told = state.told.projectors;
  const age = told?.at ? (state.now - told.at) / 1000 : 0;
  const { level, words } = judge(told?.value ?? null, { age, problem: told?.problem?.detail });
  const inside = tag === "h1" ? words : link(act, addressOf("health"), {}, words);
  const names = { well: "well", slow: "slow", still: "stands still", unknown: "not known" };
  return h(
    "div",
    { class: `health ${TONES[level]} ${level}`, "data-level": level },
    h("span", { class: "orb", "aria-hidden": "true" }),
    unseen(`Health, ${names[level]}: `),
    h(tag, tag === "h1" ? { id: "title", tabindex: -1 } : null, inside),
  );
}

/** @param {string} missing */
function closed(missing) {
  return h(
    "div",
    { class: "card nothing", role: "alert" },
    h("h1", { id: "title", tabindex: -1 }, "This key may not look in here"),
    h("p", null, missing),
    h("p", { class: "meta" }, "Sign in with an operator's key, or ask whoever keeps CX_CONFIG for that scope."),
  );
}
