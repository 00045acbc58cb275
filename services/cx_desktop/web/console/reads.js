/**
 * Say what each page reads of the API, and how often. Pure.
 *
 * @typedef {{path: string, query?: Record<string, unknown>, every: number, scope?: string}} Read `every`: seconds; 0 for
 *   once
 */

import { LOG_FILTERS } from "./address.js";
import { WHERE } from "./decisions.js";

const OPS = "/v1/ops";
const LETTER_ACTS = "cx.operations.dead_letters_*";

/** What every page shows of the hub: its health, and what waits for somebody. @type {Record<string, Read>} */
const ALWAYS = {
  projectors: { path: `${OPS}/projectors`, every: 5 },
  groups: { path: `${OPS}/dead-letters/groups`, every: 15 },
  rebuilds: { path: `${OPS}/rebuilds`, every: 5 },
};

/**
 * @param {import("./address.js").Place} place
 * @returns {Record<string, Read>} by the name under which the answer is kept
 */
export function readsOf({ page, filters }) {
  const own = PAGES[page];
  return { ...ALWAYS, ...(own ? own(filters) : {}) };
}

/** @type {Record<string, (filters: Record<string, string>) => Record<string, Read>>} */
const PAGES = {
  health: (filters) => ({
    history: { path: `${OPS}/projectors/history`, query: { minutes: minutesOf(filters) }, every: 30 },
    connections: { path: `${OPS}/connections`, every: 60 },
  }),
  log: (filters) => ({
    log: {
      path: `${OPS}/log`,
      query: { ...pick(filters, LOG_FILTERS), limit: 50, form: "decoded" },
      every: filters.follow ? 3 : 0,
    },
  }),
  event: ({ source, id }) => ({ event: { path: `${OPS}/events`, query: { source, id }, every: 0 } }),
  record: ({ topic, partition, offset }) => ({
    record: { path: `${OPS}/log`, query: { topic, partition, offset, order: "oldest", limit: 1 }, every: 0 },
  }),
  projectors: () => ({}),
  "dead-letters": (filters) => ({
    issues: { path: `${OPS}/dead-letters/groups`, query: pick(filters, ["state", "stage", "reason"]), every: 10 },
    letterActs: { path: `${OPS}/log`, query: { type: LETTER_ACTS, limit: 100 }, every: 10 },
    ...(filters.group
      ? { letters: { path: `${OPS}/dead-letters`, query: { ...pick(filters, ["group", "state"]), limit: 100 }, every: 10 } }
      : {}),
  }),
  "dead-letter": ({ id }) => ({ letter: { path: `${OPS}/dead-letter`, query: { id }, every: 0 } }),
  rebuild: () => ({
    rebuilds: { path: `${OPS}/rebuilds`, every: 1 },
    plan: { path: `${OPS}/rebuilds/context/plan`, every: 0 },
  }),
  replay: () => ({ replays: { path: `${OPS}/replays`, every: 2 } }),
  identity: () => ({
    decisions: { path: `${OPS}/log`, query: { where: WHERE, limit: 100 }, every: 10 },
    candidates: { path: "/v1/identity/candidates", query: { limit: 20 }, every: 30, scope: "context:read" },
  }),
  connections: () => ({ connections: { path: `${OPS}/connections`, every: 30 } }),
  subscriptions: () => ({ subscriptions: { path: `${OPS}/subscriptions`, every: 10 } }),
  subscription: ({ id }) => ({ subscription: { path: `${OPS}/subscription`, query: { id }, every: 5 } }),
  acts: () => ({ acts: { path: `${OPS}/log`, query: { type: "cx.operations.*", limit: 50 }, every: 15 } }),
};

/** @param {Record<string, string>} filters */
export function minutesOf(filters) {
  const asked = Number(filters.minutes);
  return [60, 360, 1440].includes(asked) ? asked : 60;
}

/** @param {Record<string, string>} filters @param {string[]} names */
function pick(filters, names) {
  return Object.fromEntries(names.filter((name) => filters[name]).map((name) => [name, filters[name]]));
}
