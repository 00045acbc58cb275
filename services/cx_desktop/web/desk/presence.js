/**
 * Say that this agent is here and whether they write; show which colleagues are. Presence lasts some seconds unless it is
 * said again, and is no fact: nothing of it is on the log.
 */

import { h, theirs } from "../kit/html.js";
import { icon } from "../kit/icons.js";
import { hasScope, isAnswerable, subjectOf } from "./acts/subject.js";

const SECONDS = 30;
const AGAIN_MS = 20_000;
const ANSWERS_AGAIN_MS = 4_000; // the hub tells a customer for 8 s that an answer is written
const TYPING_MS = 4_000; // how long somebody who pauses is still writing
const SOON_MS = 300;

/** @typedef {import("./state.js").State} State */
/**
 * @typedef {{state: "available" | "busy" | "away", typedAt: number, answeredAt: number}} Own `typedAt`: anything about a
 *   customer, for colleagues; `answeredAt`: an answer to the customer
 */

/** What this page tells of its agent. Pure. @param {State} state @param {string} tab */
export function presenceOf(state, tab) {
  const { state: standing, typedAt, answeredAt } = state.plugins.presence;
  const at = subjectOf(state);
  const customer = state.past ? null : state.context?.body.customer.id;
  const isTyping = at !== null && state.now - typedAt < TYPING_MS;
  return {
    tab, state: standing, seconds: SECONDS,
    looking: customer ? [{ kind: "customer", id: customer }] : [],
    ...(isTyping ? { typing: at.conversation.id } : {}),
    ...(isTyping && state.now - answeredAt < TYPING_MS && isAnswerable(state, at) ? { answering: at.interaction } : {}),
  };
}

/** Who else is with this customer. Pure. @param {State} state @returns {{agent: {id: string, name: string}, typing: boolean}[]} */
export function othersHere(state) {
  const ids = new Set([state.followed, state.context?.body.customer.id]);
  const all = [...ids].flatMap((id) => state.presence[`customer ${id}`] ?? []);
  const others = new Map();
  for (const each of all) {
    if (each.agent.id === state.me.agent?.id) continue;
    others.set(each.agent.id, { agent: each.agent, typing: each.typing || others.get(each.agent.id)?.typing || false });
  }
  return [...others.values()];
}

/** @param {State} state */
export function othersView(state) {
  const others = othersHere(state);
  if (others.length === 0) return null;
  return h("section", { class: "here", key: "here", role: "status", "aria-label": "Who else is here" }, others.map(({ agent, typing }) =>
    h("p", { key: agent.id }, icon("person", "s"), h("span", null, theirs(agent.name || agent.id), typing ? " is writing…" : " is looking, too"))));
}

export function createPresence() {
  const tab = crypto.randomUUID();
  let told = "";
  let toldAt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  /** @param {any} desk */
  async function tell(desk) {
    const state = desk.state();
    const presence = presenceOf(state, tab);
    const text = JSON.stringify(presence);
    if (text === told && Date.now() - toldAt < (presence.answering ? ANSWERS_AGAIN_MS : AGAIN_MS)) return;
    told = text;
    toldAt = Date.now();
    try {
      await desk.http.put("/v1/presence", presence);
    } catch {
      told = ""; // it is said again soon, and nobody waits for it
      toldAt = Date.now();
    }
  }

  return {
    name: "presence",
    /** @param {any} desk */
    init(desk) {
      const { me } = desk.state();
      desk.beAs = (/** @type {Own["state"]} */ state) => desk.dispatch({ type: "presence/state", state });
      if (!me.agent || !hasScope(desk.state(), "conversations:write") || !hasScope(desk.state(), "context:read")) return;
      const soon = () => {
        timer ??= setTimeout(() => {
          timer = undefined;
          tell(desk);
        }, SOON_MS);
      };
      desk.tellPresence = () => tell(desk);
      setInterval(soon, 1000);
      soon();
    },
    /** @param {Own | undefined} own @param {any} action @param {State} state */
    reduce(own = { state: "available", typedAt: -TYPING_MS, answeredAt: -TYPING_MS }, action, state) {
      if (action.type === "acts/typed" && action.name === "answer") return action.interaction ? { ...own, typedAt: state.now, answeredAt: state.now } : { ...own, answeredAt: -TYPING_MS };
      if (action.type === "acts/answered") return { ...own, answeredAt: -TYPING_MS };
      if (action.type === "acts/typed" && action.interaction) return { ...own, typedAt: state.now };
      if (action.type === "presence/state") return { ...own, state: action.state };
      return own;
    },
    /** @param {State} state */
    act: (state) => (state.past ? null : othersView(state)),
  };
}
