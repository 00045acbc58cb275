/** What a person does in the console: each act asks the API, says how it went, and has read anew what it changed. */

import { Problem, withQuery } from "../kit/http.js";
import { closeDialog, focusOn, leaveFor, openDialog, switchTheme } from "../kit/page.js";
import { PALETTE } from "../kit/palette.js";
import { addressOf } from "./address.js";
import { failureWords } from "./problems.js";
import { told } from "./reader.js";
import { SHEET } from "./views/keys.js";
import { doneWords } from "./views/letters.js";

const OPS = "/v1/ops";
/** Requests of one act on dead letters; each does a thousand. */
const MOST_ROUNDS = 1000;

/**
 * @param {{http: {post: (path: string, body?: unknown, options?: {key?: string}) => Promise<{body: any}>},
 *   tell: (event: any) => void, reader: ReturnType<typeof import("./reader.js").createReader>,
 *   state: () => import("./state.js").State, go: (href: string) => void, signOut: () => Promise<void>}} parts
 * @returns {Record<string, (...args: any[]) => any>}
 */
export function createActs({ http, tell, reader, state, go, signOut }) {
  /**
   * Do something under a key, and tell how it went. Returns whether it was done.
   *
   * @param {string} key @param {() => Promise<string>} work returns what is said afterwards
   * @param {{after?: string[], focus?: string}} [then] what is read anew, and where the focus goes
   */
  async function doing(key, work, { after = [], focus = "" } = {}) {
    tell({ type: "doing", key });
    try {
      const words = await work();
      await reader.readAnew(after);
      tell({ type: "done", key, words });
      if (focus) requestAnimationFrame(() => focusOn(focus));
      return true;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      tell({ type: "not-done", key, words: `Not done. ${failureWords(told(error))}` });
      return false;
    }
  }

  /** @param {string} path @param {Record<string, unknown>} query */
  const post = (path, query) => http.post(withQuery(path, query), undefined);

  return {
    go,
    signOut,
    more: reader.readMore,
    refresh: (/** @type {string} */ name) => reader.readAnew([name]),
    refreshAll: reader.readAll,
    theme: switchTheme,
    keys: () => openDialog(`#${SHEET}`),
    closeKeys: () => closeDialog(`#${SHEET}`),

    typePalette: (/** @type {import("../kit/palette.js").Typed} */ typed) => tell({ type: "palette", typed }),
    closePalette: () => tell({ type: "palette", typed: null }),
    runOffered(/** @type {import("../kit/palette.js").Offered} */ entry) {
      closeDialog(`#${PALETTE}`);
      tell({ type: "palette", typed: null });
      queueMicrotask(() => entry.run());
    },
    toDesk: leaveFor,

    /** Retry or discard, a thousand at a time until all were tried. */
    letters: (/** @type {"retry" | "discard"} */ choice, /** @type {any} */ { key, query, after }) =>
      doing(
        key,
        async () => {
          let done = 0;
          /** @type {Record<string, number>} */
          const refused = {};
          for (let round = 0; round < MOST_ROUNDS; round += 1) {
            const { body } = await post(`${OPS}/dead-letters/${choice}`, query);
            const names = body.retried ?? body.discarded;
            done += body.count ?? names.length;
            for (const [reason, number] of Object.entries(body.refused ?? {})) refused[reason] = (refused[reason] ?? 0) + Number(number);
            if (!body.more || !(body.count ?? 0)) break;
            tell({ type: "doing", key, words: `${done} so far` });
          }
          return doneWords(choice, done, refused);
        },
        { after },
      ),

    rebuild: (/** @type {string} */ choice, /** @type {any} */ { key, why, ...pace }) =>
      doing(
        key,
        async () => {
          await post(`${OPS}/rebuilds/context/${choice}`, { why, ...pace, review: choice === "start" ? "true" : null });
          return "Asked for. It is told here how it goes.";
        },
        { after: ["rebuilds", "plan"], focus: "#stage" },
      ),

    subscription: (/** @type {string} */ choice, /** @type {any} */ { key, id, why }) =>
      doing(
        key,
        async () => {
          const { body } = await post(`${OPS}/subscription/${choice}`, { id, why });
          return choice === "retry" ? `Tried now: ${body.waiting_keys} streams, ${body.dead_letters} dead letters.` : `It is ${body.state}.`;
        },
        { after: ["subscription"] },
      ),

    undoDecision: (/** @type {string} */ decision, /** @type {any} */ { key, why }) =>
      doing(
        key,
        async () => {
          await http.post("/v1/identity/unmerge", { decision, reason: why, ...byWhom(state()) });
          return "Undone. It is told here in a moment.";
        },
        { after: ["decisions", "candidates"], focus: "#title" },
      ),

    async previewUndo(/** @type {string} */ decision) {
      const name = `preview-${decision}`;
      tell({ type: "asked", name, path: decision });
      try {
        const { body } = await http.post("/v1/identity/unmerge?dry_run=true", { decision, reason: "what would change" });
        tell({ type: "answered", name, path: decision, value: body, at: state().now });
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        tell({ type: "failed", name, path: decision, problem: { ...told(error), detail: failureWords(told(error)) } });
      }
    },

    async planReplay(/** @type {any} */ asked) {
      const name = "replayPlan";
      const path = JSON.stringify(asked);
      tell({ type: "asked", name, path });
      try {
        const { body } = await http.post(`${OPS}/replays/plan`, asked);
        tell({ type: "answered", name, path, value: { asked, plan: body }, at: state().now });
        requestAnimationFrame(() => focusOn("#plan"));
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        tell({ type: "failed", name, path, problem: told(error) });
      }
    },

    startReplay: (/** @type {any} */ asked) =>
      doing(
        "replay",
        async () => {
          const { body } = await http.post(`${OPS}/replays`, asked);
          return `Begun as ${body.id}. It is told below how far it is.`;
        },
        { after: ["replays"] },
      ),

    onReplay: (/** @type {string} */ id, /** @type {string} */ choice, /** @type {any} */ body) =>
      doing(
        `replay-${id}`,
        async () => {
          await http.post(`${OPS}/replays/${encodeURIComponent(id)}/${choice}`, body);
          return choice === "resume" ? "It goes on." : "It is stopped.";
        },
        { after: ["replays"] },
      ),

    toLogFilter() {
      if (state().place.page !== "log") go(addressOf("log"));
      requestAnimationFrame(() => focusOn("#log-text"));
    },
  };
}

/** Who acts, where a person said who they are. @param {import("./state.js").State} state */
function byWhom({ me }) {
  return me.agent ? { agent: { id: me.agent.id, name: me.agent.name || me.agent.id } } : {};
}
