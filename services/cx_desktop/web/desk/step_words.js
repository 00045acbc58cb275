/** What a step of the timeline says: everything that is no message. Pure. */

/** @param {any} entry */
const agentOf = (entry) => entry.agent?.name || entry.agent?.id || entry.name || "somebody of us";
/** @param {any} entry */
const askerOf = (entry) => (entry.agent ? agentOf(entry) : ({ bot: "the bot", customer: "the customer" })[entry.role ?? ""] ?? agentOf(entry));
/** @param {any} entry */
const queueOf = (entry) => entry.queue?.name || entry.queue?.id || "";
/** @param {any} entry the orders and cases that it is about, in words */
const aboutOf = (entry) => (entry.references ?? []).map((/** @type {any} */ one) => `${one.kind} ${one.value}`).join(", ");
/** @param {string | null | undefined} text */
const quoted = (text) => (text ? `: “${text}”` : "");

/** @type {Record<string, string>} what a survey asks */
export const METRICS = { nps: "how likely to recommend us", csat: "how satisfied", ces: "how much effort it took" };

/** @type {Record<string, (entry: any) => string>} */
export const WORDS = {
  "interaction.started": () => "Began",
  "interaction.queued": (entry) => `Waits${queueOf(entry) ? ` for ${queueOf(entry)}` : ""}`,
  "interaction.routed": (entry) => `Offered to ${agentOf(entry)}`,
  "interaction.answered": (entry) => (entry.agent ? `Answered by ${agentOf(entry)}` : "Answered"),
  "interaction.held": () => "Put on hold",
  "interaction.resumed": () => "Taken off hold",
  "interaction.transferred": (entry) => `Passed on${queueOf(entry) ? ` to ${queueOf(entry)}` : ""}`,
  "interaction.abandoned": () => "Gave up waiting",
  "interaction.ended": (entry) => `Ended${entry.text ? `, ${entry.text}` : ""}`,
  "call.recording": (entry) => `Recorded${entry.recording?.duration_ms ? `, ${Math.round(entry.recording.duration_ms / 1000)} s` : ""}`,
  "media.stored": (entry) => `Fetched ${entry.attachments?.map((file) => file.name ?? "a file").join(", ") || "a file"}`,
  "call.dtmf": (entry) => `Pressed ${entry.text ?? "keys"}`,
  "call.ivr_step": (entry) => `In the phone menu${quoted(entry.text)}`,
  "bot.intent": (entry) => `The bot understood${quoted(entry.text)}`,
  "bot.slot": (entry) => `The bot noted${quoted(entry.text)}`,
  "bot.handoff_asked": (entry) => `The bot asked for a person${quoted(entry.text)}`,
  "handoff.requested": (entry) => `Handed${queueOf(entry) ? ` to ${queueOf(entry)}` : " over"} by ${askerOf(entry)}${quoted(entry.text)}`,
  "handoff.accepted": (entry) => `Taken over by ${agentOf(entry)}`,
  "handoff.declined": (entry) => `Declined by ${agentOf(entry)}${quoted(entry.text)}`,
  "handoff.context_shown": (entry) => `Seen by ${agentOf(entry)}`,
  "identity.asserted": () => "Named an identifier",
  "identity.verified": () => "Proved who they are",
  "identity.merged": (entry) => `Joined with another customer by ${agentOf(entry)}`,
  "identity.unmerged": (entry) => `Parted again by ${agentOf(entry)}`,
  "identity.candidate_dismissed": (entry) => `Said not to be theirs by ${agentOf(entry)}`,
  "identity.rules_changed": () => "The rules changed by which customers are told apart",
  "identity.attributed": (entry) => `Given to this customer by ${agentOf(entry)}`,
  "conversation.topic": (entry) => `Topic${quoted(entry.text)}, by ${agentOf(entry)}`,
  "conversation.disposition": (entry) => `How it ended${quoted(entry.text)}`,
  "conversation.resolved": (entry) => `Resolved by ${agentOf(entry)}`,
  "conversation.reopened": (entry) => `Opened again by ${agentOf(entry)}`,
  "conversation.linked": (entry) => `Joined to another conversation by ${agentOf(entry)}`,
  "conversation.split": (entry) => `Parted from another conversation by ${agentOf(entry)}`,
  "conversation.promised": (entry) => promiseWords(entry),
  "conversation.assigned": (entry) => `Assigned to ${entry.assignee?.name || entry.assignee?.id || agentOf(entry)}`,
  "conversation.unassigned": () => "Assigned to nobody",
  "conversation.snoozed": () => "Put aside",
  "conversation.undone": (entry) => `Taken back by ${agentOf(entry)}`,
  "conversation.token_issued": () => "A code to go on elsewhere was given",
  "conversation.token_redeemed": () => "Went on by the code",
  "conversation.imported": () => "Imported",
  "message.delivered": () => "Delivered",
  "message.read": () => "Read by the customer",
  "message.failed": (entry) => `Not delivered${quoted(entry.delivery?.reason)}`,
  "message.edited": (entry) => `Edited${quoted(entry.text)}`,
  "message.deleted": () => "A message was deleted by its writer",
  "message.reacted": (entry) => `Reacted with ${entry.reaction ?? entry.text ?? "a sign"}`,
  "survey.answered": (entry) => (entry.survey ? `Answered a survey, ${METRICS[entry.survey.metric] ?? entry.survey.metric ?? ""}: ${entry.survey.score ?? ""}${quoted(entry.survey.comment)}` : "Answered a survey"),
  "consent.changed": (entry) => `Consent ${entry.consent?.granted ? "given" : "withdrawn"}${entry.consent?.purpose ? ` for ${entry.consent.purpose}` : ""}`,
  "insight.found": (entry) => `Found by a model${quoted(entry.insight?.summary ?? entry.insight?.topic ?? entry.text)}`,
  "customer.order_placed": (entry) => `Placed ${aboutOf(entry) || "an order"}${quoted(entry.text)}`,
  "customer.attributes_changed": () => "Customer data changed",
  "customer.erased": () => "What was known of the customer was erased",
  "customer.fact": (entry) => `Fact${entry.subject ? `, ${entry.subject}` : ""}${quoted(entry.text)}`,
  "preference.changed": (entry) => `Preference changed${quoted(entry.text)}`,
};

export const SPOKEN = new Set(["message.received", "message.sent", "bot.turn", "call.transcript", "social.comment", "social.mention", "social.post", "social.review"]);

/** Return a type without its frame: `message.received` of `cx.message.received.v1`. @param {string} type */
export const bareType = (type) => type.replace(/^cx\./, "").replace(/\.v\d+$/, "");

/** Return whether an entry is words of somebody, not a step. @param {any} entry */
export function isSpoken(entry) {
  return SPOKEN.has(bareType(entry.type));
}

/** @param {any} entry */
export const isNote = (entry) => bareType(entry.type) === "conversation.note";

/** A type that is not known here says itself, with its text. @param {any} entry */
export function stepWords(entry) {
  const type = bareType(entry.type);
  return WORDS[type]?.(entry) ?? `${type.replaceAll(/[._]/g, " ")}${quoted(entry.text)}`;
}

/** @param {any} entry */
function promiseWords(entry) {
  if (entry.promise?.kept === true) return `Promise kept${quoted(entry.text)}`;
  if (entry.promise?.kept === false) return `Promise not kept${quoted(entry.text)}`;
  return `Promised by ${agentOf(entry)}${quoted(entry.text)}`;
}
