/** Read what the page at hand needs, as often as it says, and more of it where a person asks. */

import { Problem, withQuery } from "../kit/http.js";
import { readsOf } from "./reads.js";

/**
 * @param {{http: {get: (path: string) => Promise<{body: any}>}, tell: (event: any) => void, now: () => number,
 *   state: () => import("./state.js").State, may: (scope: string) => boolean}} parts
 */
export function createReader({ http, tell, now, state, may }) {
  /** When each name is due, ms; by name and path. @type {Map<string, number>} */
  const due = new Map();

  /** @param {string} name @param {import("./reads.js").Read} read */
  async function ask(name, read) {
    const path = withQuery(read.path, read.query ?? {});
    due.set(`${name} ${path}`, read.every ? now() + read.every * 1000 : Infinity);
    tell({ type: "asked", name, path });
    try {
      const { body } = await http.get(path);
      tell({ type: "answered", name, path, value: body, at: now() });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      // What failed for good is not asked again by itself; the rest goes on as it was to be.
      if (error.mayPass && !read.every) due.set(`${name} ${path}`, now() + 5000);
      tell({ type: "failed", name, path, problem: told(error), at: now() });
    }
  }

  function readDue() {
    const at = now();
    for (const [name, read] of Object.entries(readsOf(state().place))) {
      const path = withQuery(read.path, read.query ?? {});
      const before = state().told[name];
      const isOurs = before?.path === path;
      if (!may(read.scope ?? "ops") || (isOurs && (before.isBusy || before.isLong))) continue;
      if (!isOurs || at >= (due.get(`${name} ${path}`) ?? 0)) ask(name, read);
    }
  }

  return {
    readDue,

    /** Read these anew, now. @param {string[]} names */
    async readAnew(names) {
      const reads = readsOf(state().place);
      await Promise.all(names.filter((name) => reads[name]).map((name) => ask(name, reads[name])));
    },

    /** Read all of the page anew. */
    readAll() {
      for (const [name, read] of Object.entries(readsOf(state().place))) if (may(read.scope ?? "ops")) ask(name, read);
    },

    /** Read the next page of what is told under a name. @param {string} name */
    async readMore(name) {
      const before = state().told[name];
      const read = readsOf(state().place)[name];
      if (!read || !before?.value?.next || before.isBusy) return;
      const { path } = before;
      tell({ type: "asked", name, path });
      try {
        const { body } = await http.get(withQuery(read.path, { ...read.query, cursor: before.value.next }));
        tell({ type: "appended", name, path, value: body, at: now() });
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        tell({ type: "failed", name, path, problem: told(error), at: now() });
      }
    },

    /** Forget what other pages read, so that nobody sees it for new when they come back. */
    forgetWhatIsNotRead() {
      const reads = readsOf(state().place);
      for (const name of Object.keys(state().told)) if (!reads[name]) tell({ type: "forgotten", name });
    },
  };
}

/** @param {Problem} problem @returns {import("./problems.js").Failure} */
export function told({ status, reason, detail }) {
  return { status, reason, detail };
}
