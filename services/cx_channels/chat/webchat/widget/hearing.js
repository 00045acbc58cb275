/* What the hub says in a chat, and what the chat makes of it. */

import { ownEvent, receivedBy, renewed, withoutSession } from "./talk.js";

const TAKE = {
  welcome: welcomed,
  ack: (chat, { id, at }) => chat.has(chat.talk.lines.find((line) => line.id === id), at),
  identified: (chat, { session: token }) => chat.changeSession(renewed(chat.talk.session, { begun: true, token })),
  message: hearLine,
  joined: hearJoined,
  waiting: hearEvent,
  informed: hearEvent,
  receipt: hearReceipt,
  typing: (chat, { names }) => chat.tell("typing", names),
  code: (chat, message) => chat.tell("code", (chat.code = message)),
  continued: (chat) => chat.tell("continued", (chat.token = "")),
  reopened: hearReopened,
  ended: hearEnded,
  error: refused,
};

export function hear(chat, message) {
  TAKE[message.type]?.(chat, message);
}

function welcomed(chat, { interaction, session: token, files = null, offers = [] }) {
  chat.failures = 0;
  chat.crowded = false;
  chat.bounds = files;
  chat.offers = offers;
  chat.of = interaction;
  const { interaction: known, begun } = chat.talk.session;
  const same = !known || known === interaction;
  chat.changeSession(renewed(chat.talk.session, { interaction, token, begun: same && begun }));
  if (chat.talk.session.interaction !== interaction) return chat.begin(); // another tab was first
  chat.enter("online");
  chat.resend();
  if (chat.code && !chat.code.code) chat.send({ type: "code" });
  if (chat.forgets) chat.send({ type: "end" }); // it was asked for in a connection that broke
}

function hearLine(chat, { id, message, from, text, at, attachments }) {
  if (!chat.addLine({ id, message, from, text, at, attachments })) return;
  chat.tell("typing", []);
  if (!chat.talk.lines.find((line) => line.id === id)?.seen) chat.send({ type: "delivered", message });
}

function hearEvent(chat, { type: kind, ...what }) {
  chat.addLine({ kind, ...what });
  if (kind === "informed") hearReceipt(chat, { ...what, state: "read" }); // all that was said was shown
}

/* Whoever is here already, by what they wrote or another event, does not come again. */
function hearJoined(chat, message) {
  const { state, name } = chat.standing;
  if (state !== "joined" || name !== message.name) hearEvent(chat, message);
}

function hearReceipt(chat, { state, message, at }) {
  const got = state === "read" ? 2 : 1;
  const covered = receivedBy(chat.talk, { message, at }, got);
  if (covered.length) chat.changeLines(covered.map((line) => ({ ...line, got })));
}

function hearReopened(chat) {
  chat.changeSession(renewed(chat.talk.session, { reopen: false }));
  chat.addLine(ownEvent("reopened"));
}

function hearEnded(chat, { id, at }) {
  // An end that was known is one gone on from, or another tab heard it before: then there may be much to forget.
  if (id && !chat.addLine({ id, at, kind: "ended" }) && !chat.forgets) return;
  if (!id) chat.addLine(ownEvent("ended"));
  chat.ended(chat.of);
}

function refused(chat, { reason, detail, id, retry_after: after }) {
  if (reason === "unknown-token") {
    chat.token = "";
  } else if (["bad-session", "session-expired"].includes(reason)) {
    chat.changeSession(withoutSession(chat.talk).session);
    if (!chat.watched && !chat.begun) chat.disconnect(); // nobody waits for an answer
  } else if (reason === "other-visitor") {
    chat.forget(); // what was said here is somebody else's; begin a chat of one's own
  } else if (id && after !== undefined) {
    clearTimeout(chat.timers.resend);
    chat.timers.resend = setTimeout(() => chat.resend(), after * 1000);
    return;
  } else if (id) {
    const line = chat.talk.lines.find((each) => each.id === id);
    if (line) chat.changeLines([{ ...line, refused: true }]); // to send it again would change nothing
    return;
  } else if (["bad-origin", "bad-user-hash", "missing-user-hash"].includes(reason)) {
    chat.disconnect(); // to try again would change nothing
  } else if (reason === "silent") {
    if (!chat.begun) chat.disconnect(); // until something is said
    return;
  } else if (reason === "too-many-sockets") {
    chat.crowded = true;
    chat.failures = 5;
    return;
  }
  chat.tell("refused", { reason, detail });
}
