/**
 * Build the requests of acts. Pure. The agent is left out: the hub takes the session's.
 *
 * @typedef {{path: string, body: Record<string, unknown>, isEvent?: boolean}} Request `isEvent`: the key under which it is
 *   sent is the event's id
 * @typedef {import("./subject.js").Subject} Subject
 */

/** @param {string} id @param {string} act @param {Record<string, unknown>} body @returns {Request} */
const about = (id, act, body) => ({ path: `/v1/conversations/${encodeURIComponent(id)}/${act}`, body: present(body) });

/** Leave out what nobody filled in. @param {Record<string, unknown>} body */
function present(body) {
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined && value !== ""));
}

/** @param {{source: string, id: string}} event */
export const nameOf = (event) => `${event.source}#${event.id}`;

/**
 * Words to the visitor of a web chat, as any software sends them.
 *
 * @param {Subject} at @param {{id: string, name: string}} agent @param {string} text
 * @param {any} answered the entry of the customer's last words; null where they said nothing
 */
export const answer = ({ interaction }, { id, name }, text, answered) => ({
  path: "/v1/session/events", // /v1/events is at a process that reads no cookies
  isEvent: true,
  body: {
    ...present({ specversion: "1.0", source: "/desk", type: "cx.message.sent.v1", causationid: answered?.event.id }),
    data: { channel: "chat", interaction, direction: "outbound", participants: [{ role: "agent", id, name }], message: { text, content_type: "text/plain" } },
  },
});

/** @param {Subject} at @param {string} note */
export const addNote = ({ conversation, interaction }, note) => about(conversation.id, "notes", { note, interaction });

/** @param {Subject} at @param {string} topic */
export const setTopic = ({ conversation, interaction }, topic) => about(conversation.id, "topic", { topic, interaction });

/** @param {Subject} at @param {string} disposition */
export const setDisposition = ({ conversation, interaction }, disposition) =>
  about(conversation.id, "disposition", { disposition, interaction });

/** Settle the whole conversation. @param {Subject} at @param {string} disposition @param {string} reason */
export const resolve = ({ conversation }, disposition, reason) => about(conversation.id, "resolve", { disposition, reason });

/** @param {Subject} at */
export const reopen = ({ conversation }) => about(conversation.id, "reopen", {});

/** @param {Subject} at @param {string} text @param {string} due RFC 3339, or "" */
export const promise = ({ conversation, interaction }, text, due) => about(conversation.id, "promise", { text, due, interaction });

/** Say what became of a promise. @param {Subject} at @param {any} event @param {boolean | null} kept null opens it again */
export const promiseKept = ({ conversation }, event, kept) => about(conversation.id, "promise", { of: nameOf(event), kept });

/** @param {Subject} at @param {{id: string, name: string}} to */
export const assign = ({ conversation, interaction }, to) => about(conversation.id, "assign", { to, interaction });

/** @param {Subject} at */
export const unassign = ({ conversation, interaction }) => about(conversation.id, "unassign", { interaction });

/** @param {Subject} at @param {string | null} until RFC 3339; null wakes it */
export const snooze = ({ conversation, interaction }, until) => about(conversation.id, "snooze", { until, interaction });

/** Take back a note, a topic or a promise. @param {Subject} at @param {any} event */
export const undo = ({ conversation }, event) => about(conversation.id, "undo", { event: nameOf(event) });

/**
 * @param {Subject} at
 * @param {{queue?: {id: string, name: string}, to?: string, reason?: string, packet: Record<string, unknown>}} handed
 */
export const handOff = ({ conversation, interaction }, { queue, to, reason, packet }) =>
  about(conversation.id, "handoffs", { queue, to, reason, packet, interaction, by: "agent" });

/** Take what was handed over. @param {Subject} at @param {string} handoff the request's id, or "" for the contact's */
export const accept = ({ conversation, interaction }, handoff) =>
  about(conversation.id, "handoffs/accept", handoff ? { handoff } : { interaction });

/** @param {Subject} at @param {string} handoff @param {string} reason */
export const decline = ({ conversation }, handoff, reason) =>
  about(conversation.id, `handoffs/${encodeURIComponent(handoff)}/decline`, { reason });

/** Say that the context is on this screen. @param {Subject} at @param {number} version */
export const shown = ({ conversation, interaction }, version) => about(conversation.id, "shown", { version, interaction });

/** A code by which the customer goes on elsewhere. @param {Subject} at @param {number} seconds */
export const code = ({ conversation }, seconds) => about(conversation.id, "continue", { expires_in: seconds, single_use: true });

/** @param {Subject} at @param {string} interaction */
export const split = ({ conversation }, interaction) => about(conversation.id, "split", { interaction });

/** @param {string} conversation @param {string} other */
export const link = (conversation, other) => about(conversation, "link", { other });

/** Return a time as RFC 3339 of what an `<input type="datetime-local">` holds, in the agent's zone; "" for none. @param {string} local */
export function moment(local) {
  const at = Date.parse(local);
  return Number.isNaN(at) ? "" : new Date(at).toISOString();
}

/** Return the first whole second from a time on, as an `<input type="datetime-local">` holds it. @param {number} at milliseconds since 1970 */
export function localMoment(at) {
  const whole = Math.ceil(at / 1000) * 1000;
  const local = new Date(whole - new Date(whole).getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19);
}
