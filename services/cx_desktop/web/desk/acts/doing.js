/** What each act does: which request, said how, undone by what. @typedef {import("./own_state.js").Undo} Undo */

import { focusOn } from "../../kit/page.js";
import { whenWords } from "../../kit/time_words.js";
import { interactionPath } from "../address.js";
import { CODE_SECONDS } from "./code.js";
import { packetOf, receivers } from "./handing.js";
import { resolvedAlready, resolvesOf } from "./outcomes.js";
import * as requests from "./requests.js";
import { refusalOf } from "./sender.js";
import { contactsOf, hasScope, isAnswerable, isOpen, lastWordsOf, openHandoffs, subjectOf, whyNot } from "./subject.js";
import { entryKey } from "../state.js";

/** Of a stranger's claim nothing of the customer's goes along. */
const NO_GLANCE = { known: [], why_now: null };

/** @param {any} desk @param {ReturnType<import("./sender.js").createSender>} sender @param {import("./fields.js").Fields} fields */
export function createDoing(desk, sender, fields) {
  const state = () => desk.state();
  const read = (/** @type {string} */ name) => fields.read(name, subjectOf(state())?.interaction ?? "");

  /** Send an act about what is shown; nothing where nothing may be done. @param {string} act @param {(at: any) => any} request @param {any} sent @param {string[]} [written] fields that are done with */
  async function send(act, request, sent, written = []) {
    const at = subjectOf(state());
    if (!at || whyNot(state())) return null;
    const answer = await sender.send(act, request(at), typeof sent === "function" ? (/** @type {any} */ told) => sent(at, told) : sent);
    if (answer) for (const name of written) put(name, at.interaction, "");
    return answer;
  }

  /** @param {string} name @param {string} interaction @param {string} text */
  function put(name, interaction, text) {
    fields.write(name, interaction, text);
    desk.dispatch({ type: "acts/typed", interaction: text ? interaction : "", name });
  }

  /** An undo that names the event of the act. @param {string} words @returns {(at: any, told: any, act: string, done: string) => any} */
  const takenBack = (words) => (at, told, act, done) => ({ act, words: done, undo: { label: "Undo", words, request: () => requests.undo(at, told.event) } });

  const acts = {
    /** Say something to the customer. That an answer is written is told no longer, before they read it. */
    answer() {
      const text = read("answer").trim();
      if (!text) return;
      desk.dispatch({ type: "acts/answered" });
      desk.tellPresence?.();
      send("answer", (at) => requests.answer(at, person(state().me.agent), text, lastWordsOf(state(), at)), { act: "answer", words: "Sent to the customer" }, ["answer"]);
    },
    note() {
      const note = read("note");
      if (note.trim()) send("note", (at) => requests.addNote(at, note), (/** @type {any} */ at, /** @type {any} */ told) => takenBack("Note taken back")(at, told, "note", "Note added"), ["note"]);
    },
    /** @param {string} topic */
    topic(topic) {
      if (topic.trim()) send("topic", (at) => requests.setTopic(at, topic.trim()), (/** @type {any} */ at, /** @type {any} */ told) => takenBack("Topic taken back")(at, told, "topic", `Topic: ${topic.trim()}`), ["topic"]);
    },
    /** @param {string} disposition */
    disposition(disposition) {
      const before = subjectOf(state())?.conversation.disposition;
      const undo = (/** @type {any} */ at) => before && { label: "Undo", words: `Ended as before: ${before}`, request: () => requests.setDisposition(at, before) };
      if (disposition.trim()) send("disposition", (at) => requests.setDisposition(at, disposition.trim()), (/** @type {any} */ at) => ({ act: "disposition", words: `Ended: ${disposition.trim()}`, undo: undo(at) }), ["disposition"]);
    },
    resolve() {
      const at = subjectOf(state());
      if (!at || whyNot(state())) return;
      const first = resolvedAlready(state(), at.conversation);
      if (first) return desk.dispatch({ type: "acts/first", first });
      if (at.conversation.state === "resolved") return;
      const watch = { kind: "resolve", known: resolvesOf(state(), at.conversation).map(entryKey), interactions: contactsOf(at.conversation) };
      send("resolve", (one) => requests.resolve(one, read("disposition").trim(), read("words").trim()),
        (/** @type {any} */ one) => ({ act: "resolve", words: "Resolved", watch, undo: { label: "Undo", words: "Open again", request: () => requests.reopen(one) } }), ["disposition"]);
    },
    reopen: () => send("reopen", requests.reopen, (/** @type {any} */ at) => ({ act: "reopen", words: "Open again", undo: { label: "Undo", words: "Resolved", request: () => requests.resolve(at, "", "") } })),
    promise() {
      const text = read("promise").trim();
      if (text) send("promise", (at) => requests.promise(at, text, requests.moment(read("due"))), (/** @type {any} */ at, /** @type {any} */ told) => takenBack("Promise taken back")(at, told, "promise", "Promise noted"), ["promise", "due"]);
    },
    /** @param {any} promise @param {boolean} kept */
    kept(promise, kept) {
      const act = `kept ${requests.nameOf(promise.event)}`;
      send(act, (at) => requests.promiseKept(at, promise.event, kept), (/** @type {any} */ at) => ({ act, words: kept ? "Promise kept" : "Promise not kept", undo: { label: "Undo", words: "Promise open again", request: () => requests.promiseKept(at, promise.event, null) } }));
    },
    /** @param {{id: string, name: string}} to */
    assign(to) {
      const before = subjectOf(state())?.conversation.assigned_to;
      const undo = (/** @type {any} */ at) => ({ label: "Undo", words: before ? `Assigned to ${before.name || before.id}` : "Assigned to nobody", request: () => (before ? requests.assign(at, before) : requests.unassign(at)) });
      const person = { id: to.id, name: to.name };
      send("assign", (at) => requests.assign(at, person), (/** @type {any} */ at) => ({ act: "assign", words: `Assigned to ${to.name || to.id}`, undo: undo(at) }));
    },
    unassign() {
      const before = subjectOf(state())?.conversation.assigned_to;
      send("unassign", requests.unassign, (/** @type {any} */ at) => ({ act: "unassign", words: "Assigned to nobody", undo: before && { label: "Undo", words: `Assigned to ${before.name || before.id}`, request: () => requests.assign(at, before) } }));
    },
    /** @param {number} until */
    snooze(until) {
      if (Number.isNaN(until)) return;
      send("snooze", (at) => requests.snooze(at, new Date(until).toISOString()), (/** @type {any} */ at) => ({ act: "snooze", words: `Rests until ${whenWords(until, state().now)}`, undo: { label: "Undo", words: "Awake again", request: () => requests.snooze(at, null) } }), ["until"]);
    },
    wake: () => send("snooze", (at) => requests.snooze(at, null), { act: "snooze", words: "Awake again" }),
    handOff() {
      const at = subjectOf(state());
      if (!at) return;
      const { directory } = state().plugins.acts;
      const known = receivers(directory, state().me.agent?.id ?? "");
      const to = read("to") || known[0]?.value || "";
      const [kind, id] = to.startsWith("queue:") ? ["queue", to.slice(6)] : ["to", to.replace(/^agent:/, "")];
      const name = known.find((each) => each.value === to)?.name ?? id;
      const packet = packetOf(isOpen(state()) ? state().context.body.glance : NO_GLANCE, read("questions"));
      send("handoff", (one) => requests.handOff(one, { ...(kind === "queue" ? { queue: { id, name } } : { to: id }), reason: read("handoff-reason").trim(), packet }),
        (/** @type {any} */ one, /** @type {any} */ told) => ({ act: "handoff", words: `Handed to ${name}`, undo: { label: "Take it back", words: "Taken back", request: () => requests.accept(one, told.event.id) } }),
        ["handoff-reason", "questions"]).then((answer) => answer && desk.dispatch({ type: "acts/fold", name: "handoff", isOpen: false }));
    },
    /** Take what is shown: its handoff, else the contact itself. */
    async take() {
      const at = subjectOf(state());
      if (!at || whyNot(state())) return;
      const [asked] = openHandoffs(at);
      const watch = { kind: "accept", known: [], interactions: contactsOf(at.conversation) };
      const back = (/** @type {any} */ one) => ({ act: "take", words: "Taken", watch: asked ? watch : null, undo: { label: "Undo", words: "Given back", request: () => requests.unassign(one) } });
      const answer = await send("take", (one) => (asked ? requests.accept(one, asked.id) : requests.assign(one, person(state().me.agent))), back);
      if (answer && asked) tellShown(at);
    },
    /** @param {any} asked */
    decline(asked) {
      send("decline", (at) => requests.decline(at, asked.id, read("decline").trim()), (/** @type {any} */ at) => ({ act: "decline", words: "Declined; it goes on waiting", undo: { label: "Take it after all", words: "Taken", request: () => requests.accept(at, asked.id) } }), ["decline"])
        .then((answer) => answer && desk.dispatch({ type: "acts/fold", name: "decline", isOpen: false }));
    },
    async code() {
      const answer = await send("code", (at) => requests.code(at, CODE_SECONDS), { act: "code", words: "Code made" });
      if (answer) desk.dispatch({ type: "acts/data", data: { code: answer } });
    },
    /** Open the customer who waits longest, and take them. */
    async takeLongest() {
      const [row] = state().rail.waiting ?? [];
      if (!row) return;
      desk.open(interactionPath(row.interaction));
      if (whyNot(state())) return;
      const at = { conversation: { id: row.id }, interaction: row.interaction, customer: null };
      const sent = { act: "take", words: "Taken", undo: { label: "Undo", words: "Given back", request: () => requests.unassign(at) } };
      const watch = { kind: "accept", known: [], interactions: [row.interaction] };
      const answer = await sender.send("take", requests.accept(at, ""), { ...sent, watch });
      const refusal = state().plugins.acts.failed.take;
      if (!answer && refusal?.reason === "no-handoff") await sender.send("take", requests.assign(at, person(state().me.agent)), sent);
    },
    /** Write what was to be said in the resolve as a note. */
    addMine() {
      const at = subjectOf(state());
      const words = read("words") || read("disposition");
      if (at && words) put("note", at.interaction, [read("note"), words].filter(Boolean).join("\n"));
      desk.dispatch({ type: "acts/dismiss" });
      queueMicrotask(() => focusOn("#field-note"));
    },
    undo: () => sender.undoLast(),
    /** Unfold a part and go to its first field. @param {string} name */
    open(name) {
      desk.dispatch({ type: "tab", tab: "acts" });
      desk.dispatch({ type: "acts/fold", name, isOpen: true });
      const field = { promise: "promise", handoff: "to", decline: "decline" }[name];
      queueMicrotask(() => focusOn(field ? `#field-${field}` : `#act-${name} summary`));
    },
    writeAnswer() {
      desk.dispatch({ type: "tab", tab: "acts" });
      queueMicrotask(() => focusOn("#field-answer"));
    },
    /** Whether the customer at hand can be answered here. */
    isAnswerable() {
      const at = subjectOf(state());
      return at !== null && isAnswerable(state(), at) && hasScope(state(), "events:write");
    },
    writeNote() {
      desk.dispatch({ type: "tab", tab: "acts" });
      queueMicrotask(() => focusOn("#field-note"));
    },
    showIdentity: () => acts.open("identity"),
  };

  /** Say that the context was on this screen before the first word. @param {any} at */
  async function tellShown(at) {
    try {
      await sender.post("shown", requests.shown(at, state().context.meta.version));
    } catch (error) {
      refusalOf(error); // it is told for reports alone
    }
  }

  return { acts, put };
}

/** @param {{id: string, name: string}} agent */
const person = ({ id, name }) => ({ id, name });
