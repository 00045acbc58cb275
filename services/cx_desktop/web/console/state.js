/**
 * Keep what the console knows. A pure reducer: `reduce(state, event)` returns the next state.
 *
 * @typedef {{path: string, value: any, problem: import("./problems.js").Failure | null, at: number, isBusy: boolean,
 *   isLong: boolean}} Told `at`: ms since 1970 of the latest answer, 0 for none; `isLong`: more pages were added, so it is
 *   not read anew by itself
 * @typedef {{state: "busy" | "done" | "failed", words: string}} Doing
 * @typedef {{me: any, place: import("./address.js").Place, times: import("./times.js").Times, now: number,
 *   told: Record<string, Told>, doing: Record<string, Doing>, isSignedOut: boolean, showsKeys: boolean,
 *   palette: import("../kit/palette.js").Typed | null}} State
 * @typedef {{type: string, [name: string]: any}} ConsoleEvent
 */

/** @param {Partial<State>} given @returns {State} */
export function begin(given) {
  return {
    me: null,
    place: { page: "health", filters: {} },
    times: "local",
    now: 0,
    told: {},
    doing: {},
    isSignedOut: false,
    showsKeys: false,
    palette: null,
    ...given,
  };
}

/** @type {Record<string, (state: State, event: ConsoleEvent) => State>} */
const CHANGES = {
  ticked: (state, { now }) => ({ ...state, now }),
  "signed-in": (state, { me }) => ({ ...state, me, isSignedOut: false, told: {} }),
  "signed-out": (state) => ({ ...state, isSignedOut: true, me: null, told: {}, doing: {} }),
  went: (state, { place }) => ({ ...state, place, doing: {} }),
  palette: (state, { typed }) => ({ ...state, palette: typed }),
  timed: (state, { times }) => ({ ...state, times }),
  asked: (state, { name, path }) => told(state, name, path, { isBusy: true }),
  answered: (state, { name, path, value, at }) =>
    told(state, name, path, { value, at, problem: null, isBusy: false, isLong: false }),
  failed: (state, { name, path, problem }) => told(state, name, path, { problem, isBusy: false }),
  appended: (state, { name, path, value, at }) => appended(state, name, path, value, at),
  forgotten: (state, { name }) => ({ ...state, told: without(state.told, name) }),
  doing: (state, { key, words = "" }) => ({ ...state, doing: { ...state.doing, [key]: { state: "busy", words } } }),
  done: (state, { key, words }) => ({ ...state, doing: { ...state.doing, [key]: { state: "done", words } } }),
  "not-done": (state, { key, words }) => ({ ...state, doing: { ...state.doing, [key]: { state: "failed", words } } }),
};

/** @param {State} state @param {ConsoleEvent} event @returns {State} */
export function reduce(state, event) {
  const change = CHANGES[event.type];
  if (!change) throw new TypeError(`no such event: ${event.type}`);
  return change(state, event);
}

/**
 * Change what is told under a name. An answer to an earlier question is left out; a new question forgets the old answer.
 *
 * @param {State} state @param {string} name @param {string} path @param {Partial<Told>} change
 */
function told(state, name, path, change) {
  const before = state.told[name];
  if (before && before.path !== path && !change.isBusy) return state;
  const kept = before && before.path === path ? before : { path, value: null, problem: null, at: 0, isBusy: false, isLong: false };
  return { ...state, told: { ...state.told, [name]: { ...kept, ...change } } };
}

/** @param {State} state @param {string} name @param {string} path @param {any} value @param {number} at */
function appended(state, name, path, value, at) {
  const before = state.told[name];
  if (!before || before.path !== path) return state;
  const whole = { ...value, items: [...(before.value?.items ?? []), ...value.items] };
  return told(state, name, path, { value: whole, at, problem: null, isBusy: false, isLong: true });
}

/** @param {Record<string, Told>} all @param {string} name */
function without(all, name) {
  const { [name]: _, ...rest } = all;
  return rest;
}

/** The answer under a name, null where there is none. @param {State} state @param {string} name */
export function valueOf(state, name) {
  return state.told[name]?.value ?? null;
}
