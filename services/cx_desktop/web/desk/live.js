/** What the stream's events change. */

import { instant } from "../kit/time_words.js";
import { interactionPath } from "./address.js";

const TOLD = 8_000; // ms that "Back." stays

/** Return what a desk follows: its agent, its queues, its customer. @param {import("./state.js").State} state */
export function subjectsOf({ me, followed }) {
  const queues = me.agent?.queues ?? [];
  return /** @type {import("../kit/stream.js").Subject[]} */ ([
    ...(me.agent ? [{ kind: "agent", id: me.agent.id }] : []),
    ...(queues.length ? queues : ["unassigned"]).map((id) => ({ kind: "queue", id })),
    ...(followed ? [{ kind: "customer", id: followed }] : []),
  ]);
}

/** @param {any} desk @param {import("./reads.js").Reads} reads @param {import("../kit/stream.js").StreamEvent} event */
export function hearEvent(desk, reads, { name, subject, data }) {
  const state = desk.state();
  if (name === "heartbeat") return hearHeartbeat(desk, reads, data);
  if (name === "presence" && subject) {
    const { present, customer_typing: typing = [] } = data;
    return desk.dispatch({ type: "presence", key: `${subject.kind} ${subject.id}`, present, typing });
  }
  const isOurs = subject?.kind === "customer" && subject.id === state.followed;
  if (name === "context" && isOurs) return hearContext(desk, reads, data);
  if (name === "moved" && isOurs) return desk.dispatch({ type: "moved", moved: data });
  if (name === "live" || name === "assignment") hearChannels(desk, name === "live" ? data.assignments : [data]);
  if (name === "assignment") hearAssignment(desk, state, subject, data);
  if (["assignment", "released", "live", "overdue"].includes(name)) reads.lists();
  return undefined;
}

/** @param {any} desk @param {import("./reads.js").Reads} reads @param {any} context */
function hearContext(desk, reads, context) {
  const before = desk.state();
  desk.dispatch({ type: "context", context });
  const after = desk.state();
  if (after.context === before.context) return;
  tellBack(desk, before, after);
  reads.journey();
  reads.lists();
  if (after.timeline.channel || after.timeline.kind || after.timeline.text) {
    if (!after.isReading) reads.soon("filter", 250, () => reads.filter({}));
  }
}

/** After a break, say how many events came while it lasted. @param {any} desk @param {any} before @param {any} after */
function tellBack(desk, before, after) {
  if (!after.back || after.back.missed > 0) return;
  const missed = after.context.body.counts.events - (before.context?.body.counts.events ?? after.context.body.counts.events);
  if (missed > 0) desk.dispatch({ type: "back", back: { ...after.back, missed } });
}

/** @param {any} desk @param {import("./reads.js").Reads} reads @param {any} data */
function hearHeartbeat(desk, reads, data) {
  desk.clock.hear(data.now);
  const currentTo = instant(data.current_to) ?? desk.clock.now();
  desk.dispatch({ type: "fresh", fresh: { currentTo, lag: data.lag ?? 0, at: desk.clock.now() } });
  reads.lists(); // the last lines of those who wait are told nowhere else
}

/** Lists tell the channels of a whole conversation; a contact's own is told with its assignment. @param {any} desk @param {any[]} assignments */
function hearChannels(desk, assignments) {
  desk.dispatch({ type: "channels", channels: Object.fromEntries(assignments.map((each) => [each.interaction, each.channel])) });
}

/** An arriving contact opens its customer, unless somebody is at work: then a line offers it. */
function hearAssignment(/** @type {any} */ desk, /** @type {any} */ state, /** @type {any} */ subject, /** @type {any} */ data) {
  if (subject?.kind !== "agent" || data.late || state.link.state !== "live") return;
  if (state.address.kind === "interaction" && state.address.id === data.interaction) return;
  if (state.context?.body.customer.id === data.customer) return;
  if (state.address.kind === "home" && state.search.text === "") desk.open(interactionPath(data.interaction));
  else desk.dispatch({ type: "arrived", arrived: data });
}

/** @param {any} desk @param {import("./reads.js").Reads} reads @param {import("../kit/stream.js").Link} link @param {() => void} isOver */
export function hearLink(desk, reads, link, isOver) {
  const before = desk.state().link;
  desk.dispatch({ type: "link", link });
  if (link.state === "signed-out") isOver();
  if (link.state !== "live" || before.state === "live") return;
  if (before.state === "cut" && Date.now() - before.since > 2_000) {
    desk.dispatch({ type: "back", back: { missed: 0, until: desk.clock.now() + TOLD } });
  }
  desk.dispatch({ type: "fresh", fresh: { currentTo: desk.clock.now(), lag: 0, at: desk.clock.now() } });
  reads.lists();
  if (desk.state().status === "refused") reads.open();
}
