/** Who is who: candidates, merging with both stories side by side, parting, splitting off, whose a contact is. */

import { closeDialog, openDialog } from "../../kit/page.js";
import { link, nameOf, split as splitRequest } from "../acts/requests.js";
import { createSender, refusalOf } from "../acts/sender.js";
import { contactsOf, hasScope, isOpen, subjectOf } from "../acts/subject.js";
import { askView } from "./ask.js";
import { compareView } from "./compare.js";
import { asking, comparing, NOTHING, reduceIdentity } from "./own_state.js";
import * as requests from "./requests.js";
import { identityView } from "./section.js";

/** @typedef {import("../state.js").State} State */

const SOON_MS = 200;

/** @param {any} desk */
function createDecisions(desk) {
  const sender = createSender(desk);
  const own = () => /** @type {import("./own_state.js").Identity} */ (desk.state().plugins.identity);
  const change = (/** @type {any} */ compare) => desk.dispatch({ type: "identity/compare", compare });
  const changeAsk = (/** @type {any} */ ask) => desk.dispatch({ type: "identity/ask", ask });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  /** Read who is who, once for a version of the context. */
  async function read() {
    const { context } = desk.state();
    const [of, version] = [context.body.customer.id, context.meta.version];
    if (own().of === of && own().version >= version) return;
    desk.dispatch({ type: "identity/asked", of, version });
    try {
      desk.dispatch({ type: "identity/told", of, told: (await desk.http.get(`/v1/customers/${of}/identity`)).body });
    } catch (error) {
      desk.dispatch({ type: "identity/told", of, problem: refusalOf(error) });
    }
  }

  /** Open both stories side by side. @param {string} a @param {string} b @param {[string, string] | null} [apart] profiles that could be kept apart */
  async function compare(a, b, apart = null) {
    change(null);
    change({ ...comparing(a, b), apart });
    queueMicrotask(() => openDialog("#compare"));
    try {
      const sides = await Promise.all([a, b].map((id) => desk.http.get(`/v1/customers/${id}/context`).then((/** @type {any} */ answer) => answer.body.body)));
      if (own().compare?.b === b) change({ sides });
      await foresee(a, b, []);
    } catch (error) {
      if (own().compare?.b === b) change({ refusal: refusalOf(error) });
    }
  }

  /** Ask what a merge would make, and what stands against it. @param {string} a @param {string} b @param {string[]} despite */
  async function foresee(a, b, despite) {
    const { path, body } = requests.dryRun(requests.merge(a, b, "to see what would be", despite));
    try {
      const after = (await desk.http.post(path, body)).body.contexts;
      if (own().compare?.b === b) change({ after });
    } catch (error) {
      const refusal = refusalOf(error);
      if (own().compare?.b !== b) return;
      if (refusal.status === 409 && refusal.body.against) change({ against: refusal.body.against });
      else change({ refusal });
    }
  }

  /** Decide by sending, and say how it can be undone. @param {any} request @param {string} act @param {string} words @param {string} undone */
  async function decide(request, act, words, undone) {
    const answer = await sender.send(act, request, (/** @type {any} */ told) => ({
      act, words, undo: { label: "Undo", words: undone, request: () => requests.withdraw(nameOf(told.event), `undone at once: ${words}`) },
    }));
    return { answer, refusal: desk.state().plugins.acts.failed[act] ?? null };
  }

  /** @param {string[]} despite */
  async function merge(despite) {
    const { a, b, reason } = own().compare ?? comparing("", "");
    change({ isBusy: true, refusal: null });
    const { answer, refusal } = await decide(requests.merge(a, b, reason.trim(), despite), "merge", "Merged", "Parted again, without a trace");
    if (answer) return closeCompare();
    change({ isBusy: false, refusal, against: refusal?.body.against ?? own().compare?.against ?? [] });
  }

  async function apart() {
    const { apart: pair, reason } = own().compare ?? comparing("", "");
    if (!pair) return;
    change({ isBusy: true, refusal: null });
    const { answer, refusal } = await decide(requests.keepApart(pair[0], pair[1], reason.trim()), "apart", "Kept apart", "No longer kept apart");
    if (answer) closeCompare();
    else change({ isBusy: false, refusal });
  }

  function closeCompare() {
    closeDialog("#compare");
    change(null);
  }

  function closeAsk() {
    closeDialog("#ask-identity");
    changeAsk(null);
  }

  /** @param {import("./own_state.js").Ask} ask */
  function ask(ask) {
    changeAsk(null);
    changeAsk(ask);
    queueMicrotask(() => openDialog("#ask-identity"));
  }

  async function decideAsked() {
    const asked = own().ask;
    if (!asked) return;
    const { customer } = desk.state().context.body;
    if (asked.kind === "find") {
      closeAsk();
      return compare(customer.id, asked.chosen);
    }
    changeAsk({ isBusy: true, refusal: null });
    const reason = asked.reason.trim();
    const { answer, refusal } =
      asked.kind === "withdraw" ? await decide(requests.withdraw(asked.id, reason), "part", "Parted, without a trace", "As before")
      : asked.kind === "dismiss" ? await decide(requests.dismiss(asked.id, reason), "dismiss", "It stays nobody’s", "In question again")
      : await decide(requests.attribute(asked.id, asked.chosen, reason), "attribute", "The contact is theirs", "Nobody’s again");
    if (answer) closeAsk();
    else changeAsk({ isBusy: false, refusal });
  }

  /** @param {string} text */
  function search(text) {
    changeAsk({ text, chosen: "" });
    clearTimeout(timer);
    timer = setTimeout(async () => {
      if (!text.trim()) return changeAsk({ hits: null });
      try {
        const { body } = await desk.http.post("/v1/search", { q: text.trim(), in: "customers", limit: 8 });
        const here = desk.state().context?.body.customer.id;
        if (own().ask?.text === text) changeAsk({ hits: body.items.filter((/** @type {any} */ each) => each.customer !== here) });
      } catch (error) {
        changeAsk({ refusal: refusalOf(error) });
      }
    }, SOON_MS);
  }

  /** @param {string} interaction */
  function split(interaction) {
    const at = subjectOf(desk.state());
    if (!at) return;
    const back = (/** @type {State} */ state) => {
      const other = state.context?.body.conversations.find((/** @type {any} */ each) => contactsOf(each).includes(interaction));
      return other && other.id !== at.conversation.id ? link(at.conversation.id, other.id) : null;
    };
    sender.send("split", splitRequest(at, interaction), { act: "split", words: "A matter of its own", undo: { label: "Undo", words: "One matter again", request: back } });
  }

  return { read, compare, merge, apart, closeCompare, closeAsk, ask, decideAsked, search, split, change, changeAsk };
}

export function createIdentity() {
  /** @type {ReturnType<typeof createDecisions>} */
  let decisions;
  return {
    name: "identity",
    /** @param {any} desk */
    init(desk) {
      decisions = createDecisions(desk);
    },
    reduce: reduceIdentity,
    /** @param {State} state @param {any} desk */
    act(state, desk) {
      const at = subjectOf(state);
      if (!at || state.past || !state.me.agent || !isOpen(state) || !hasScope(state, "identity:write")) return null;
      queueMicrotask(decisions.read);
      const { customer } = at;
      return identityView(state, state.plugins.identity ?? NOTHING, at, {
        fold: (/** @type {boolean} */ isUnfolded) => desk.dispatch({ type: "acts/fold", name: "identity", isOpen: isUnfolded }),
        compare: (/** @type {any} */ candidate, /** @type {any} */ other) =>
          decisions.compare(customer.id, other?.id ?? candidate.identifier.profile, [customer.identifiers[0]?.profile ?? customer.id, other?.profile ?? candidate.identifier.profile]),
        dismiss: (/** @type {any} */ candidate) => decisions.ask(asking("dismiss", `Does ${candidate.identifier.kind} ${candidate.identifier.value} stay nobody’s?`, candidate.id)),
        withdraw: (/** @type {any} */ decision) => decisions.ask(asking("withdraw", "Take this decision back?", nameOf(decision.event))),
        find: () => decisions.ask(asking("find", "Who is the same person?", "")),
        attribute: () => decisions.ask(asking("attribute", "Whose contact is this?", at.interaction)),
        split: decisions.split,
      });
    },
    /** @param {State} state */
    overlay(state) {
      const { compare, ask } = state.plugins.identity ?? NOTHING;
      return [
        compare && compareView(compare, state.now, { merge: decisions.merge, apart: decisions.apart, close: decisions.closeCompare, type: (event) => decisions.change({ reason: event.currentTarget.value }) }),
        ask && askView(ask, { decide: decisions.decideAsked, close: decisions.closeAsk, choose: (id) => decisions.changeAsk({ chosen: id }), type: (event) => decisions.changeAsk({ reason: event.currentTarget.value }), search: (event) => decisions.search(event.currentTarget.value) }),
      ].filter(Boolean);
    },
  };
}
