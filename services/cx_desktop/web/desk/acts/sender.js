/**
 * Send acts. What fails stays where it was written, and is sent again under the same key: the hub does it once.
 *
 * @typedef {import("./requests.js").Request} Request
 * @typedef {{act: string, words: string, undo?: import("./own_state.js").Undo | null,
 *   watch?: Omit<import("./own_state.js").Watch, "event"> | null}} Sent `words`: once it is done
 */

import { newKey, Problem } from "../../kit/http.js";
import { firstOfRefusal } from "./outcomes.js";
import { UNDO_MS } from "./own_state.js";
import { nameOf } from "./requests.js";

/** @param {any} desk */
export function createSender(desk) {
  /** What failed, and the key under which it is sent again. @type {Map<string, {text: string, key: string, sent: unknown}>} */
  const tried = new Map();

  /**
   * Send an act, and tell what became of it. Returns the hub's answer; null where it was not done, or is on its way.
   *
   * @param {Request} request @param {Sent | ((answer: any) => Sent)} sent @param {string} act
   */
  async function send(act, request, sent) {
    if (desk.state().plugins.acts.busy[act]) return null;
    desk.dispatch({ type: "acts/busy", act });
    try {
      const answer = await post(act, request);
      const { words, undo = null, watch = null } = typeof sent === "function" ? sent(answer) : sent;
      const done = { act, words, undo, until: desk.clock.now() + UNDO_MS, isHeld: false };
      desk.dispatch({ type: "acts/done", done, watch: watch && { ...watch, event: nameOf(answer.event) } });
      if (desk.state().link.state !== "live") desk.refresh();
      return answer;
    } catch (error) {
      const refusal = refusalOf(error);
      const first = firstOfRefusal(refusal);
      desk.dispatch(first ? { type: "acts/first", act, first } : { type: "acts/failed", act, refusal });
      return null;
    }
  }

  /** @param {string} act @param {Request} request */
  async function post(act, { path, body, isEvent = false }) {
    const text = JSON.stringify([path, isEvent ? body.data : body]);
    const before = tried.get(act);
    const key = before?.text === text ? before.key : newKey();
    const sent = before?.text === text ? before.sent : isEvent ? { ...body, id: key } : body; // one id, one content
    tried.set(act, { text, key, sent });
    const answer = (await desk.http.post(path, sent, { key })).body;
    tried.delete(act);
    return answer;
  }

  /** Take back what was done last. */
  async function undoLast() {
    const { done } = desk.state().plugins.acts;
    const request = done?.undo?.request(desk.state());
    if (request) await send("undo", request, { act: "undo", words: done.undo.words });
  }

  return { send, post, undoLast };
}

/** @param {unknown} error @returns {import("../state.js").Refusal} */
export function refusalOf(error) {
  if (!(error instanceof Problem)) throw error;
  return { status: error.status, reason: error.reason, detail: error.detail, body: error.body };
}
