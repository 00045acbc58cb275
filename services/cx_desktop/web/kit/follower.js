/**
 * Hold one stream of the hub over several subjects, and whatever is needed to go on with it after a break: the last
 * `id`, and the contexts that patches are applied to. Runs in the worker that all tabs of a browser share, or in a page.
 *
 * @typedef {{kind: "agent" | "queue" | "customer" | "conversation", id: string}} Subject
 * @typedef {{name: string, subject: Subject | null, data: any}} StreamEvent `name`: as the hub's, but `patch`: that comes
 *   as the `context` which it makes
 * @typedef {{state: "idle" | "connecting" | "live" | "cut" | "signed-out" | "refused", since: number, next?: number,
 *   detail?: string}} Link `since`, `next` (the next try): milliseconds of `Date.now()`
 */

import { applyPatch } from "./json_patch.js";
import { readEvents } from "./sse.js";

const SILENCE = 35_000; // twice the hub's sign of life, and a little more
const LONGEST_PAUSE = 8_000;
const FINAL = new Set([400, 403, 404, 422]);

/** @param {Subject} subject */
export const keyOf = (subject) => `${subject.kind} ${subject.id}`;

/**
 * @param {{onEvent: (event: StreamEvent) => void, onLink: (link: Link) => void, fetch?: typeof fetch}} ports
 */
export function createFollower({ onEvent, onLink, fetch: ask = (...all) => fetch(...all) }) {
  /** @type {Map<string, Subject>} */
  let subjects = new Map();
  /** @type {Map<string, {context?: any, presence?: any, live?: any}>} */
  const held = new Map();
  let last = "";
  let run = 0;
  let failures = 0;
  let pause = 500;
  /** @type {AbortController | null} */
  let connection = null;
  let wake = () => {};
  /** @type {Link} */
  let link = { state: "idle", since: Date.now() };

  /** @param {Link["state"]} state @param {Partial<Link>} [more] */
  function tell(state, more = {}) {
    const since = link.state === state || (state === "connecting" && link.state === "cut") ? link.since : Date.now();
    link = { state: state === "connecting" && link.state === "cut" ? "cut" : state, since, ...more };
    onLink(link);
  }

  function restart() {
    run += 1;
    connection?.abort();
    wake();
    if (subjects.size > 0) follow(run);
    else tell("idle");
  }

  /** @param {number} mine */
  async function follow(mine) {
    while (run === mine) {
      tell("connecting");
      const goesOn = await connect(mine);
      if (!goesOn || run !== mine) return;
      failures += 1;
      const wait = Math.min(pause * 2 ** (failures - 1), LONGEST_PAUSE) * (0.75 + Math.random() / 2);
      tell("cut", { next: Date.now() + wait });
      await new Promise((resolve) => {
        wake = () => resolve(undefined);
        setTimeout(wake, wait);
      });
    }
  }

  /** Connect once, and hear until the end. Returns whether to try again. @param {number} mine */
  async function connect(mine) {
    connection = new AbortController();
    const { signal } = connection;
    let watch = setTimeout(() => {}, 0);
    const alive = () => {
      clearTimeout(watch);
      watch = setTimeout(() => connection?.abort(), SILENCE);
    };
    try {
      alive();
      const answer = await ask(address(), { headers: headers(), signal, cache: "no-store", credentials: "same-origin" });
      if (answer.status === 401) return end("signed-out");
      if (FINAL.has(answer.status)) return end("refused", (await answer.json().catch(() => null))?.detail);
      if (!answer.ok || !answer.body) return true;
      for await (const event of readEvents(answer.body, alive)) {
        if (run !== mine) return false;
        if (link.state !== "live") {
          failures = 0;
          tell("live");
        }
        if (!take(event)) return true;
      }
    } catch {
      // cut off, or silent for too long
    } finally {
      clearTimeout(watch);
    }
    return true;
  }

  /** @param {Link["state"]} state @param {string} [detail] */
  function end(state, detail) {
    tell(state, { detail });
    return false;
  }

  function address() {
    const query = new URLSearchParams({ body: "patch", presence: "true" });
    for (const { kind, id } of subjects.values()) query.append(kind, id);
    return `/v1/stream?${query}`;
  }

  function headers() {
    return { accept: "text/event-stream", ...(last ? { "last-event-id": last } : {}) };
  }

  /** Take an event; returns false where all must be told anew. @param {import("./sse.js").RawEvent} event */
  function take(event) {
    if (event.retry) pause = event.retry;
    if (!event.data) return true;
    const { subject = null, ...data } = event.data;
    const key = subject ? keyOf(subject) : "";
    if (event.name === "patch") {
      const before = held.get(key)?.context;
      if (!before || before.meta.version !== data.from) return forgetAll();
      try {
        hold(key, "context", { meta: data.meta, body: applyPatch(before.body, data.patch) });
      } catch {
        return forgetAll();
      }
      onEvent({ name: "context", subject, data: held.get(key)?.context });
    } else {
      if (event.name === "context" || event.name === "presence" || event.name === "live") hold(key, event.name, data);
      if (event.name === "assignment" || event.name === "released") holdAssignment(key, event.name, data);
      onEvent({ name: event.name, subject, data });
    }
    if (event.id) {
      last = event.id;
      for (const each of held.keys()) if (!subjects.has(each)) held.delete(each);
    }
    return true;
  }

  /** Keep what is live of an agent or a queue, for tabs that come later. @param {string} key @param {string} name @param {any} data */
  function holdAssignment(key, name, data) {
    const live = held.get(key)?.live;
    if (!live) return;
    const others = live.assignments.filter((/** @type {any} */ each) => each.interaction !== data.interaction || each.customer !== data.customer);
    hold(key, "live", { ...live, assignments: name === "assignment" ? [...others, data] : others });
  }

  /** @param {string} key @param {"context" | "presence" | "live"} what @param {any} data */
  function hold(key, what, data) {
    held.set(key, { ...held.get(key), [what]: data });
  }

  function forgetAll() {
    last = "";
    held.clear();
    return false;
  }

  return {
    /** Follow these subjects and no others. What is followed already goes on. @param {Subject[]} wanted */
    set(wanted) {
      const next = new Map(wanted.map((each) => [keyOf(each), each]));
      if (next.size === subjects.size && [...next.keys()].every((key) => subjects.has(key))) return;
      subjects = next;
      restart();
    },

    /** Return what is held of a subject, as the events that told it. @param {Subject} subject @returns {StreamEvent[]} */
    replay(subject) {
      const found = held.get(keyOf(subject)) ?? {};
      return Object.entries(found).map(([name, data]) => ({ name, subject, data }));
    },

    /** Try at once, where the next try is waited for. */
    tryNow() {
      if (link.state === "cut") wake();
      else if (link.state === "refused" || link.state === "signed-out") restart();
    },

    /** Give up the connection, which may be dead without saying so, and connect anew. */
    reconnect() {
      connection?.abort();
    },

    link: () => link,
  };
}
