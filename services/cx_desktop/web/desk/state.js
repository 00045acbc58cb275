/**
 * The desk's state, and how each action changes it. Pure.
 *
 * @typedef {import("../kit/session.js").Me} Me
 * @typedef {import("./address.js").Address} Address
 * @typedef {{status: number, reason: string, detail: string, body: any}} Refusal
 * @typedef {{id: string, customer: string, display: string | null, topic: string | null, interaction: string,
 *   channels: string[], last_at: string, waiting_since: string | null, due_at: string | null, queue: {id: string, name: string} | null,
 *   agent: {id: string, name: string} | null, line: {time: string, role: string, name: string | null, text: string} | null,
 *   sentiment?: {current: number, trend: string} | null}} Row
 * @typedef {{meta: any, body: any}} Context
 * @typedef {{items: any[], next: string | null, isBusy: boolean, channel: string, kind: string, text: string, held: any[],
 *   problem: Refusal | null}} Timeline `items`: shown, newest first; `held`: new ones that wait to be shown
 * @typedef {{me: Me, now: number, address: Address, status: "home" | "loading" | "ready" | "refused", refusal: Refusal | null,
 *   context: Context | null, heard: Context | null, contact: any, isOpenedAnyway: boolean, followed: string | null, journey: any[] | null,
 *   timeline: Timeline, isReading: boolean, events: Record<string, any>, rail: {mine: Row[] | null, waiting: Row[] | null,
 *   queues: any[], problem: Refusal | null}, search: {text: string, hits: any[] | null, isBusy: boolean, problem: Refusal | null},
 *   link: import("../kit/stream.js").Link, fresh: {currentTo: number, lag: number, at: number} | null, back: {missed: number} | null,
 *   arrived: any | null, moved: any | null, presence: Record<string, any[]>, typing: Record<string, string[]>, channels: Record<string, string>, past: {asOf: string, knownAt: string | null} | null,
 *   tab: "rail" | "customer" | "acts", plugins: Record<string, any>}} State `heard`: the latest that the stream told while
 *   another answer was awaited
 */

import { instant } from "../kit/time_words.js";

export const LISTED = 100; // rows of a list that are read

/** @param {any} entry */
export const entryKey = (entry) => `${entry.event.source}#${entry.event.id}`;

/** @returns {Timeline} */
const emptyTimeline = () => ({ items: [], next: null, isBusy: false, channel: "", kind: "", text: "", held: [], problem: null });

/** @param {Me} me @param {Address} address @param {number} now @returns {State} */
export function initialState(me, address, now) {
  return {
    me, now, address, status: address.kind === "home" ? "home" : "loading", refusal: null, context: null, heard: null, contact: null,
    isOpenedAnyway: false, followed: null, journey: null, timeline: emptyTimeline(), isReading: false, events: {},
    rail: { mine: null, waiting: null, queues: [], problem: null },
    search: { text: "", hits: null, isBusy: false, problem: null },
    link: { state: "idle", since: now }, fresh: null, back: null, arrived: null, moved: null, presence: {}, typing: {}, channels: {}, past: null,
    tab: address.kind === "home" ? "rail" : "customer", plugins: {},
  };
}

/** @type {Record<string, (state: State, action: any) => State>} */
const CHANGES = {
  tick: (state, { now }) => ({ ...state, now }),
  tab: (state, { tab }) => ({ ...state, tab }),
  open: (state, { address }) => ({
    ...initialState(state.me, address, state.now), rail: state.rail, search: { ...state.search, hits: null, text: "" },
    link: state.link, fresh: state.fresh, presence: state.presence, typing: state.typing, channels: state.channels, plugins: state.plugins,
    tab: address.kind === "home" ? "rail" : "customer",
  }),
  loaded: (state, { context }) => {
    const { heard, past } = state;
    const loaded = withContext({ ...state, status: "ready", refusal: null, heard: null, contact: context.meta.contact ?? null }, context);
    const changed = heard && !past ? withContext(loaded, heard) : loaded; // the stream tells nothing twice
    return { ...changed, followed: state.followed ?? context.body.customer.id };
  },
  refused: (state, { refusal }) => ({ ...state, status: "refused", refusal, contact: refusal.body?.contact ?? null }),
  context: (state, { context }) => {
    if (state.past) return state;
    return state.status === "ready" ? withContext(state, context) : { ...state, heard: context };
  },
  moved: (state, { moved }) => ({ ...state, moved }),
  "open-anyway": (state) => ({ ...state, isOpenedAnyway: true }),
  // What is shown of one moment never stands in the frame of another, not even while that is read.
  past: (state, { past }) => ({ ...state, past, status: "loading", refusal: null, heard: null, timeline: emptyTimeline(), journey: null }),
  journey: (state, { items }) => ({ ...state, journey: items }),
  rail: (state, { rail }) => ({ ...state, rail: { ...state.rail, ...rail } }),
  search: (state, { search }) => ({ ...state, search: { ...state.search, ...search } }),
  reading: (state, { isReading }) => (isReading === state.isReading ? state : { ...state, isReading }),
  timeline: (state, { timeline }) => ({ ...state, timeline: { ...state.timeline, ...timeline } }),
  "timeline-page": (state, { items, next }) => ({
    ...state, timeline: { ...state.timeline, items: merged(state.timeline.items, items), next, isBusy: false, problem: null },
  }),
  "show-new": (state) => ({
    ...state, timeline: { ...state.timeline, items: merged(state.timeline.items, state.timeline.held), held: [] },
  }),
  event: (state, { key, value }) => ({ ...state, events: { ...state.events, [key]: value } }),
  link: (state, { link }) => ({ ...state, link }),
  fresh: (state, { fresh }) => ({ ...state, fresh }),
  back: (state, { back }) => ({ ...state, back }),
  arrived: (state, { arrived }) => ({ ...state, arrived }),
  channels: (state, { channels }) => ({ ...state, channels: { ...state.channels, ...channels } }),
  presence: (state, { key, present, typing }) => ({
    ...state, presence: { ...state.presence, [key]: present }, typing: { ...state.typing, [key]: typing },
  }),
};

/** @param {State} state @param {{type: string}} action @returns {State} */
export function reduce(state, action) {
  const change = CHANGES[action.type];
  return change ? change(state, action) : state;
}

/** Show a context; its new entries wait while somebody reads below. @param {State} state @param {Context} context */
function withContext(state, context) {
  const before = state.context;
  if (before && before.meta.version > context.meta.version && !state.past) return state;
  const { timeline } = state;
  const isFiltered = timeline.channel || timeline.kind || timeline.text;
  const latest = isFiltered ? [] : context.body.timeline;
  const isFirst = timeline.items.length === 0;
  const shown = new Map(timeline.items.map((each) => [entryKey(each), each]));
  const added = isFirst ? [] : latest.filter((each) => !shown.has(entryKey(each)));
  const holds = state.isReading && added.length > 0;
  // An entry may have changed: delivered, edited, deleted.
  const items = merged(timeline.items, holds ? latest.filter((each) => shown.has(entryKey(each))) : latest);
  return {
    ...state,
    context,
    timeline: {
      ...timeline,
      items,
      held: holds ? merged(timeline.held, added) : [],
      next: isFirst && !isFiltered ? (context.body.timeline.length < 50 ? null : "") : timeline.next,
    },
  };
}

/** Return two lists of entries as one, newest first; of two of one event the one of `later`. @param {any[]} entries @param {any[]} later */
function merged(entries, later) {
  const all = new Map(entries.map((each) => [entryKey(each), each]));
  for (const each of later) all.set(entryKey(each), each);
  return [...all.values()].sort((a, b) => (instant(b.time) ?? 0) - (instant(a.time) ?? 0) || (entryKey(a) < entryKey(b) ? 1 : -1));
}

/** Return how sure it is who is there: of the contact that goes on, else of the one that was opened, else the customer's. @param {State} state */
export function sureness(state) {
  const now = state.context?.body.now;
  const contact = state.contact;
  if (now && (!contact || contact.interaction === now.interaction) && now.assurance) return { ...now.assurance, isNow: true };
  if (contact) return { ...contact.assurance, isNow: false };
  const level = state.context?.body.customer.assurance.level ?? "none";
  return { level, by: state.context?.body.customer.assurance.verified?.method ?? null, expires_at: null, identifier: null, isNow: false };
}

/** Return whether the story stays shut: somebody only says who they are. @param {State} state */
export function isShut(state) {
  if (state.refusal?.reason === "not-assured") return true;
  return !state.isOpenedAnyway && state.contact !== null && ["claimed", "none"].includes(state.contact.assurance.level);
}
