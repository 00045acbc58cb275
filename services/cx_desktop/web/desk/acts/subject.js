/**
 * What acts are about: the conversation that is shown, its contact at hand, and whether anything may be done. Pure.
 *
 * @typedef {import("../state.js").State} State
 * @typedef {{conversation: any, interaction: string, customer: any}} Subject `interaction`: the contact at hand
 */

import { isShut } from "../state.js";

/** Return what an act of now is about; null where nothing is shown that one could be about. @param {State} state @returns {Subject | null} */
export function subjectOf({ context, address }) {
  if (!context) return null;
  const { conversations, customer, now } = context.body;
  const conversation = shown(conversations, address, now);
  if (!conversation) return null;
  const contacts = contactsOf(conversation);
  const interaction = [address.kind === "interaction" && address.id, now?.interaction].find((each) => contacts.includes(each));
  return { conversation, customer, interaction: interaction ?? contacts.at(-1) ?? "" };
}

/** @param {any[]} conversations @param {any} address @param {any} now */
function shown(conversations, address, now) {
  const holding = (/** @type {string} */ interaction) => conversations.find((each) => contactsOf(each).includes(interaction));
  const asked =
    address.kind === "conversation" ? conversations.find((each) => each.id === address.id || each.aliases.includes(address.id))
    : address.kind === "interaction" ? holding(address.id) : undefined;
  return asked ?? (now && holding(now.interaction)) ?? conversations.find((each) => each.state === "open") ?? conversations[0] ?? null;
}

/** Return the interactions of a conversation, in the order in which they joined. @param {any} conversation @returns {string[]} */
export const contactsOf = (conversation) => conversation.joined.map((/** @type {any} */ each) => each.interaction);

/**
 * Return the handoffs that wait for somebody: what the contact at hand asks for first, then the surest contact's.
 *
 * @param {{conversation: any, interaction: string} | null} at @returns {any[]}
 */
export function openHandoffs(at) {
  if (!at) return [];
  const { handoff, other_handoffs: others } = at.conversation;
  const waiting = [handoff, ...others].filter((each) => each?.open && !each.accepted_by);
  const isOwn = (/** @type {any} */ each) => each.interaction === at.interaction;
  return [...waiting.filter(isOwn), ...waiting.filter((each) => !isOwn(each))];
}

/** Return who deals with a conversation; null where nobody does. @param {any} conversation @returns {{id: string, name: string} | null} */
export function holderOf(conversation) {
  return conversation.assigned_to ?? conversation.handoff?.accepted_by ?? conversation.agent;
}

/**
 * Return whether what is written here reaches the customer: by the hub's own web chat, while it goes on.
 *
 * @param {State} state @param {Subject} at
 */
export function isAnswerable({ me, journey }, { interaction }) {
  const [connection, ...rest] = interaction.split("/");
  const contacts = (journey ?? []).filter((each) => each.interaction === interaction);
  return rest.length > 0 && me.chats.includes(connection) && (contacts.length === 0 || contacts.some((each) => !each.end));
}

/** Return the entry of the customer's last words in a contact; null where none are at hand. @param {State} state @param {Subject} at @returns {any} */
export function lastWordsOf({ context }, { interaction }) {
  const isTheirs = (/** @type {any} */ each) => each.interaction === interaction && each.type === "cx.message.received.v1";
  return context?.body.timeline.find(isTheirs) ?? null;
}

/** @param {State} state @param {string} scope */
export function hasScope({ me }, scope) {
  return me.scopes.includes("*") || me.scopes.includes(scope);
}

/** Return why nothing can be done here, in words; "" where it can. @param {State} state @param {string} [scope] */
export function whyNot(state, scope = "conversations:write") {
  if (state.past) return "What stood here then. Nothing can be done in it.";
  if (!hasScope(state, scope)) return `You may read this customer, not change them. Ask for the scope ${scope}.`;
  if (!state.me.agent) return "Nobody signed in as an agent. Sign in with a name to do something here.";
  return "";
}

/** Return whether the story is told: of a stranger's claim only what the contact itself needs can be done. @param {State} state */
export const isOpen = (state) => !isShut(state);
