/** Everything that the desk reads by requests, and what each answer changes. */

import { Problem, withQuery } from "../kit/http.js";
import { contextRequest } from "./address.js";
import { LISTED, entryKey } from "./state.js";

const LATER = 3_000; // ms until what is not there (yet) is asked for again
const CALM = 250; // ms in which requests of one kind become one

/** @typedef {ReturnType<typeof createReads>} Reads */

/** @param {any} desk */
export function createReads(desk) {
  const { http, dispatch } = desk;
  let opening = 0;
  let listing = 0;
  /** @type {Record<string, ReturnType<typeof setTimeout>>} */
  const timers = {};

  /** Do something soon, once, however often it is asked for. @param {string} name @param {number} wait @param {() => void} run */
  function soon(name, wait, run) {
    clearTimeout(timers[name]);
    timers[name] = setTimeout(run, wait);
  }

  /** Return what tells whether the page still shows what it shows now: an answer for another customer or moment is none for it. */
  function place() {
    const { address, past } = desk.state();
    return () => desk.state().address === address && desk.state().past === past;
  }

  /** Read whom the address opens. @param {any} [first] the answer that came with the page */
  async function open(first) {
    const mine = ++opening;
    const state = desk.state();
    if (state.address.kind === "home") return;
    try {
      const context = first ? firstOf(first) : await read(state.address, state.past);
      if (mine !== opening) return;
      dispatch({ type: "loaded", context });
      journey();
      if (state.timeline.text || state.timeline.channel || state.timeline.kind) filter({});
    } catch (error) {
      if (mine !== opening) return;
      const refusal = refusalOf(error);
      if (desk.state().status !== "ready") dispatch({ type: "refused", refusal });
      const comes = ["unknown-customer", "not-yet", "unknown-conversation", "unknown-interaction"].includes(refusal.reason);
      if (comes || (error instanceof Problem && error.mayPass)) soon("open", LATER, () => mine === opening && open());
    }
  }

  /** @param {any} address @param {any} past */
  async function read(address, past) {
    const times = past ? { asOf: past.asOf, knownAt: past.knownAt } : {};
    if (address.kind !== "conversation") return (await http.get(contextRequest(address, times))).body;
    const found = (await http.get(withQuery(`/v1/conversations/${encodeURIComponent(address.id)}`, { limit: 1 }))).body;
    return (await http.get(contextRequest({ ...address, kind: "customer", id: found.customer }, times))).body;
  }

  /** Read the journey, soon: it needs no more than a request in a while. */
  function journey() {
    soon("journey", CALM, async () => {
      const { context, past } = desk.state();
      if (!context) return;
      const isHere = place();
      const query = { limit: 100, as_of: past?.asOf, known_at: past?.knownAt };
      try {
        const answer = await http.get(withQuery(`/v1/customers/${context.body.customer.id}/journey`, query));
        if (isHere()) dispatch({ type: "journey", items: answer.body.items });
      } catch (error) {
        refusalOf(error); // the picture stays as it was
      }
    });
  }

  /** Read the rail's lists, soon. */
  function lists() {
    soon("lists", CALM, async () => {
      const mine = ++listing;
      const { me } = desk.state();
      const queues = me.agent?.queues ?? [];
      try {
        const [own, held, ...waiting] = await Promise.all([
          me.agent ? listed({ agent: me.agent.id, order: "last" }) : [],
          http.get("/v1/queues").then((/** @type {any} */ answer) => answer.body.items),
          ...(queues.length ? queues : [null]).map((/** @type {string | null} */ queue) => listed({ queue, waiting: true, order: "waiting" })),
        ]);
        if (mine !== listing) return;
        const isMine = new Set(own.map((row) => row.id));
        const all = new Map(waiting.flat().map((row) => [row.id, row]));
        const oldest = [...all.values()].filter((row) => !isMine.has(row.id) && isQueued(row)).sort(byWait);
        dispatch({ type: "rail", rail: { mine: own, waiting: oldest, queues: held, problem: null } });
      } catch (error) {
        if (mine === listing) dispatch({ type: "rail", rail: { problem: refusalOf(error) } });
      }
    });
  }

  /** @param {Record<string, unknown>} query @returns {Promise<any[]>} */
  async function listed(query) {
    return (await http.get(withQuery("/v1/conversations", { state: "open", limit: LISTED, ...query }))).body.items;
  }

  /** @param {string} text */
  function search(text) {
    dispatch({ type: "search", search: { text, isBusy: text.trim() !== "", problem: null, ...(text.trim() ? {} : { hits: null }) } });
    soon("search", 150, async () => {
      if (!text.trim()) return;
      try {
        // By POST: names stay out of access logs.
        const answer = await http.post("/v1/search", { q: text.trim(), in: "customers", limit: 20 });
        if (desk.state().search.text === text) dispatch({ type: "search", search: { hits: answer.body.items, isBusy: false } });
      } catch (error) {
        if (desk.state().search.text === text) dispatch({ type: "search", search: { problem: refusalOf(error), isBusy: false } });
      }
    });
  }

  /** Show what fits these filters. @param {{channel?: string, kind?: string, text?: string}} filters */
  function filter(filters) {
    dispatch({ type: "timeline", timeline: { ...filters, isBusy: true, problem: null } });
    soon("filter", "text" in filters ? 200 : 0, () => page(null));
  }

  function more() {
    const { timeline } = desk.state();
    if (timeline.isBusy || timeline.next === null) return;
    dispatch({ type: "timeline", timeline: { isBusy: true, problem: null } });
    page(timeline.next || null, timeline.next === "");
  }

  /** Read a page of the timeline. @param {string | null} cursor @param {boolean} [adds] beside what is shown */
  async function page(cursor, adds = cursor !== null) {
    const { context, timeline, past } = desk.state();
    if (!context) return;
    const { channel, kind, text } = timeline;
    const isHere = place();
    const query = { channel, kind, text: text.trim(), cursor, limit: adds ? 100 : 50, as_of: past?.asOf, known_at: past?.knownAt };
    try {
      const { body } = await http.get(withQuery(`/v1/customers/${context.body.customer.id}/timeline`, query));
      const now = desk.state().timeline;
      if (!isHere()) return;
      if (now.channel !== channel || now.kind !== kind || now.text !== text) return;
      if (!adds) dispatch({ type: "timeline", timeline: { items: [], held: [] } });
      dispatch({ type: "timeline-page", items: body.items, next: body.next });
    } catch (error) {
      if (isHere()) dispatch({ type: "timeline", timeline: { isBusy: false, problem: refusalOf(error) } });
    }
  }

  /** Read an event whole: a long text, a transcript. @param {any} entry */
  async function whole(entry) {
    const key = entryKey(entry);
    dispatch({ type: "event", key, value: { isBusy: true } });
    try {
      const { body } = await http.get(withQuery("/v1/event", entry.event));
      dispatch({ type: "event", key, value: { event: body.event } });
    } catch (error) {
      dispatch({ type: "event", key, value: { problem: refusalOf(error) } });
    }
  }

  return { open, journey, lists, search, filter, more, whole, soon };
}

/** @param {{status: number, body: any}} first */
function firstOf(first) {
  if (first.status === 200) return first.body;
  throw new Problem(first.status, first.body.reason, first.body.detail, first.body);
}

/** @param {unknown} error */
function refusalOf(error) {
  if (!(error instanceof Problem)) throw error;
  return { status: error.status, reason: error.reason, detail: error.detail, body: error.body };
}

/** Whom a queue holds; others wait for the agent who deals with them. @param {any} row */
function isQueued(row) {
  return row.held_by.length === 0 || row.held_by.some((/** @type {any} */ each) => each.kind === "queue");
}

/** @param {any} a @param {any} b */
function byWait(a, b) {
  return a.waiting_since < b.waiting_since ? -1 : 1;
}
