/**
 * Run a desk: keep its state, hear its stream, show it after each change. What it offers to views and to plug-ins
 * (`plugins.js`) is the `Desk`.
 *
 * @typedef {import("./state.js").State} State
 * @typedef {ReturnType<typeof startDesk>} Desk
 */

import { createDrafts } from "../kit/drafts.js";
import { createKeys } from "../kit/keys.js";
import { focusOn, scrollTo, setScroll, switchTheme } from "../kit/page.js";
import { openStream } from "../kit/stream.js";
import { parseAddress } from "./address.js";
import { titleOf } from "./frame.js";
import { page } from "./layout.js";
import { hearEvent, hearLink, subjectsOf } from "./live.js";
import { nowActs, plugins, reducePlugins } from "./plugins.js";
import { createReads } from "./reads.js";
import { initialState, reduce } from "./state.js";
import { freshness } from "./views/freshness.js";

/**
 * @param {import("../kit/session.js").Session} session @param {ReturnType<typeof import("../kit/clock.js").createClock>} clock the
 *   server's @param {any} first what came with the page: the answer of the API
 * @param {(view: any, title: string) => void} show
 */
export function startDesk(session, clock, first, show) {
  let state = initialState(session.me, parseAddress(location), clock.now());
  let isPlanned = false;
  /** @type {((event: import("../kit/stream.js").StreamEvent) => void)[]} */
  const listeners = [];

  const desk = {
    me: session.me,
    http: session.http,
    clock,
    keys: createKeys(),
    drafts: createDrafts(`${session.me.tenant}/${session.me.agent?.id ?? session.me.key}`),
    state: () => state,
    /** Change the state; the page follows before the next paint. @param {{type: string, [more: string]: unknown}} action */
    dispatch(action) {
      const before = state;
      state = reducePlugins(reduce(state, action), action);
      if (state === before) return;
      plan();
      if (before.followed !== state.followed) follow();
    },
    /** Open an address of the desk. @param {string} path @param {{isBack?: boolean}} [how] */
    open(path, { isBack = false } = {}) {
      const url = new URL(path, location.href);
      if (!isBack) history.pushState(null, "", url);
      desk.dispatch({ type: "open", address: parseAddress(url) });
      setScroll("#customer", 0);
      reads.open();
      if (!isBack && state.address.kind !== "home") requestAnimationFrame(() => focusOn("#customer"));
    },
    /** Read what is shown again, such as after an act. */
    refresh: () => reads.open(),
    /** Show the past, or the present with null. @param {{asOf: string, knownAt: string | null} | null} past */
    showPast(past) {
      desk.dispatch({ type: "past", past });
      reads.open();
    },
    /** Hear the stream's events. @param {(event: import("../kit/stream.js").StreamEvent) => void} listener */
    onEvent: (listener) => listeners.push(listener),
    /** @param {string} text */
    search: (text) => reads.search(text),
    /** @param {{channel?: string, kind?: string, text?: string}} filters */
    filter: (filters) => reads.filter(filters),
    more: () => reads.more(),
    /** Show what came while somebody read, and go there. */
    showNew() {
      desk.dispatch({ type: "show-new" });
      requestAnimationFrame(() => scrollTo("#timeline", "start"));
    },
    /** Go to a contact in the timeline. @param {string} interaction */
    goToContact: (interaction) => scrollTo(`[data-interaction="${CSS.escape(interaction)}"]`, "start"),
    /** @param {any} entry */
    whole: (entry) => reads.whole(entry),
    tryNow: () => stream.tryNow(),
    signOut: () => session.signOut(),
    switchTheme,
    nowActs: (/** @type {State} */ shown) => nowActs(shown, desk),
    railFoot: (/** @type {State} */ shown) => freshness(shown),
  };
  const reads = createReads(desk);
  const stream = openStream({
    session: `${session.me.tenant} ${session.me.key} ${session.me.agent?.id ?? ""}`,
    onEvent(event) {
      hearEvent(desk, reads, event);
      for (const each of listeners) each(event);
    },
    onLink: (link) => hearLink(desk, reads, link, session.isOver),
  });

  function plan() {
    if (isPlanned) return;
    isPlanned = true;
    queueMicrotask(() => {
      isPlanned = false;
      show(page(state, desk), titleOf(state));
    });
  }

  function follow() {
    stream.follow(subjectsOf(state));
  }

  addEventListener("popstate", () => desk.open(location.href, { isBack: true }));
  addEventListener("click", (event) => followLink(event, desk.open));
  addEventListener("scroll", (event) => hearScroll(event, desk), { capture: true, passive: true });
  setInterval(() => desk.dispatch({ type: "tick", now: clock.now() }), 1000);
  for (const each of plugins) each.init?.(desk);
  plan();
  follow();
  reads.open(first);
  reads.lists();
  return desk;
}

/** Open links to the desk's own addresses without loading a page. @param {MouseEvent} event @param {(path: string) => void} open */
function followLink(event, open) {
  if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const link = event.target instanceof Element ? event.target.closest("a[href^='/desk']") : null;
  if (!link) return;
  event.preventDefault();
  open(link.getAttribute("href") ?? "/desk");
}

/** What is new waits while somebody reads further down. @param {Event} event @param {{dispatch: (action: any) => void}} desk */
function hearScroll(event, desk) {
  const element = event.target instanceof Document ? event.target.scrollingElement : event.target;
  if (!(element instanceof Element) || !element.querySelector("#timeline")) return;
  desk.dispatch({ type: "reading", isReading: element.scrollTop > 40 });
}
