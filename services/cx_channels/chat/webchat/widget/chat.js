/* The chat itself: its socket, what to send, what was acknowledged, what was said. Knows no page.

   Events: "lines" (something was said, sent or seen), "state" (closed, connecting, online, offline, elsewhere, ended),
   "refused", "forgotten". */

import { put, whyNot } from "./files.js";
import { EMPTY, forgotten, lastHeard, merged, nextPlace, renewed, unseenOf, unsentOf, upgraded, withoutSession } from "./talk.js";

const PING_MS = 25_000;
const ANSWER_MS = 15_000;
const MAX_WAIT_MS = 30_000;

export class Chat extends EventTarget {
  /* url: of the socket. storage: getItem, setItem. tabs: a BroadcastChannel to the visitor's other tabs, or null.
     visitor: {name, email, ...}. */
  constructor({ url, storage, key, tabs = null, visitor = {}, page = "", token = "" }) {
    super();
    Object.assign(this, { url, storage, key, tabs, page, token });
    const { cookie = randomId(), talk: known = EMPTY } = this.kept();
    this.talk = known;
    this.visitor = { ...visitor, cookie };
    this.uploads = new Map(); // id to {line, file, why?, stop}: in memory, until the hub has them
    this.uploading = Promise.resolve(); // once all that was to be sent has been tried
    this.bounds = null; // of files, as the hub says them; null: it takes none
    this.socket = null;
    this.of = ""; // the interaction that the socket is about
    this.state = "closed";
    this.wanted = false;
    this.watched = false; // whether the panel is open
    this.crowded = false; // whether the hub has enough sockets of this chat: other tabs tell this one what is said
    this.failures = 0;
    this.timers = {};
    if (tabs) tabs.onmessage = (event) => this.toldByTab(event.data);
  }

  /* ---- what is kept ---- */

  /* {cookie?, talk?} as this browser keeps it; nothing where it is unreadable or forbidden. */
  kept() {
    try {
      const { cookie, talk, ...earlier } = JSON.parse(this.storage.getItem(this.key) ?? "{}");
      return { cookie, talk: talk ?? (earlier.messages ? upgraded(earlier) : undefined) };
    } catch {
      return {};
    }
  }

  /* Take a change in: into memory, the store and the other tabs. */
  change(talk) {
    const { cookie = this.visitor.cookie, talk: known = EMPTY } = this.kept();
    this.visitor.cookie = cookie; // another tab may have been the first to make one
    this.talk = merged(talk, known);
    try {
      this.storage.setItem(this.key, JSON.stringify({ cookie, talk: this.talk }));
    } catch {
      /* the store is full or forbidden: the chat goes on, it just does not outlive the page */
    }
    this.tell("lines");
  }

  /* Change lines, and tell the other tabs of these alone. `online`: whether this tab sends what is to be sent. */
  changeLines(lines) {
    const talk = { era: this.talk.era, session: this.talk.session, lines };
    this.change(merged(this.talk, talk));
    this.tabs?.postMessage({ talk, online: this.online });
  }

  changeSession(session) {
    this.change({ ...this.talk, session });
    this.tabs?.postMessage({ talk: { ...this.talk, lines: [] }, online: this.online });
  }

  toldByTab({ talk, online }) {
    this.change(merged(this.talk, talk));
    const { interaction } = this.talk.session;
    if (this.of && !interaction) this.ended(this.of);
    else if (this.of && this.of !== interaction) this.begin(); // another one counts now
    if (!online && this.online) unsentOf(talk).forEach((line) => this.sendLine(line));
  }

  tell(name, detail) {
    this.dispatchEvent(Object.assign(new Event(name), { detail }));
  }

  enter(state) {
    this.state = state;
    this.tell("state", state);
  }

  /* ---- the connection ---- */

  get online() {
    return this.state === "online";
  }

  /* Whether the visitor has said something in this chat: then it is listened to, also while the panel is closed. */
  get begun() {
    return this.talk.session.begun || unsentOf(this.talk).length > 0;
  }

  connect() {
    this.wanted = true;
    if (this.socket) return;
    clearTimeout(this.timers.again);
    const socket = (this.socket = new WebSocket(this.url));
    this.of = "";
    this.enter("connecting");
    this.change(this.talk); // what other tabs keep by now
    const { token: session } = this.talk.session;
    const last = lastHeard(this.talk);
    const hello = { type: "hello", session, visitor: this.visitor, page: this.page, last, token: this.token };
    socket.onopen = () => this.send(hello);
    socket.onmessage = (event) => this.heard(socket, JSON.parse(event.data));
    socket.onclose = () => this.lost(socket);
    this.expect();
  }

  /* Leave the socket, and come back at once. */
  begin() {
    this.leave();
    if (this.wanted) this.connect();
  }

  /* Don't wait any longer: the network is back, or somebody asks. */
  tryNow() {
    if (this.wanted && !this.socket) this.connect();
  }

  /* The hub must say something soon, or the connection counts as dead. */
  expect() {
    clearTimeout(this.timers.answer);
    const socket = this.socket;
    this.timers.answer = setTimeout(() => this.lost(socket), ANSWER_MS);
  }

  lost(socket) {
    if (socket !== this.socket) return;
    this.leave();
    this.enter(this.crowded ? "elsewhere" : "offline");
    if (!this.wanted) return;
    const most = Math.min(MAX_WAIT_MS, 1000 * 2 ** this.failures++);
    this.timers.again = setTimeout(() => this.connect(), most * (0.5 + Math.random() / 2));
  }

  leave() {
    const socket = this.socket;
    this.socket = null;
    this.of = "";
    clearTimeout(this.timers.answer);
    clearTimeout(this.timers.ping);
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  disconnect(state = "closed") {
    this.wanted = false;
    clearTimeout(this.timers.again);
    clearTimeout(this.timers.resend);
    this.leave();
    this.enter(state);
  }

  send(message) {
    if (this.socket?.readyState === 1) this.socket.send(JSON.stringify(message));
  }

  keepAlive() {
    clearTimeout(this.timers.answer);
    clearTimeout(this.timers.ping);
    this.timers.ping = setTimeout(() => {
      this.send({ type: "ping" });
      this.expect();
    }, PING_MS);
  }

  /* ---- what the visitor does ---- */

  say(text) {
    const line = this.ownLine({ text });
    this.changeLines([line]);
    if (this.online) this.sendLine(line);
    this.connect();
  }

  ownLine(more) {
    const place = nextPlace({ lines: this.lines() });
    const from = { role: "customer", name: "" };
    return { id: randomId(), place, from, text: "", at: new Date().toISOString(), ...more };
  }

  sendLine({ id, text }) {
    this.send({ type: "message", id, text, page: this.page });
  }

  resend() {
    if (!this.online) return;
    unsentOf(this.talk).forEach((line) => this.sendLine(line));
    for (const upload of this.uploads.values()) this.enqueue(upload);
  }

  sendFile(file) {
    const line = this.ownLine({ file: { name: file.name, bytes: file.size } });
    this.uploads.set(line.id, { line, file, under: null, why: this.online ? whyNot(file, this.bounds) : "" });
    this.tell("lines");
    this.connect();
    if (this.online) this.enqueue(this.uploads.get(line.id));
  }

  /* One after another: the hub lets a visitor send one file at a time. */
  enqueue(upload) {
    this.uploading = this.uploading.then(() => this.upload(upload));
  }

  async upload(upload) {
    const { line, file } = upload;
    if (upload.under || upload.why || !this.online || !this.uploads.has(line.id)) return;
    upload.why = whyNot(file, this.bounds);
    if (!upload.why) {
      upload.under = new AbortController();
      const url = `${this.url.replace(/^ws/, "http")}/files/${line.id}`;
      const told = await put(url, this.talk.session.token, file, upload.under.signal);
      upload.under = null;
      if (told.sent) this.has(line);
      else if (told.after) setTimeout(() => this.online && this.enqueue(upload), told.after * 1000);
      else upload.why = told.why;
    }
    this.tell("lines");
  }

  dropFile(id) {
    this.uploads.get(id)?.under?.abort();
    this.uploads.delete(id);
    this.tell("lines");
  }

  /* The visitor has seen all there is. */
  look() {
    const unseen = unseenOf(this.talk);
    if (!unseen.length) return;
    this.changeLines(unseen.map((line) => ({ ...line, seen: true })));
    if (this.online) this.send({ type: "read", message: unseen.at(-1).message });
  }

  identify(visitor) {
    this.visitor = { ...this.visitor, ...visitor };
    if (this.online) this.send({ type: "identify", visitor: this.visitor });
  }

  end() {
    if (this.online) return this.send({ type: "end" });
    this.changeLines(unsentOf(this.talk).map((line) => ({ ...line, sent: true }))); // nobody is to hear it any more
    this.ended(this.talk.session.interaction);
  }

  /* ---- what the hub says ---- */

  heard(socket, message) {
    if (socket !== this.socket) return;
    this.keepAlive();
    const hear = {
      welcome: () => this.welcomed(message),
      ack: () => this.has(this.talk.lines.find((line) => line.id === message.id)),
      identified: () => this.changeSession(renewed(this.talk.session, { begun: true, token: message.session })),
      message: () => this.hearLine(message),
      continued: () => (this.token = ""),
      ended: () => this.ended(this.of),
      error: () => this.refused(message),
    }[message.type];
    if (hear) hear();
  }

  welcomed({ interaction, session: token, files = null }) {
    this.failures = 0;
    this.crowded = false;
    this.bounds = files;
    this.of = interaction;
    const { interaction: known, begun } = this.talk.session;
    const same = !known || known === interaction;
    this.changeSession(renewed(this.talk.session, { interaction, token, begun: same && begun }));
    if (this.talk.session.interaction !== interaction) return this.begin(); // another tab was first
    this.enter("online");
    this.resend();
  }

  /* The hub has a line of the visitor's: now this chat has begun. */
  has(line) {
    if (!line) return;
    this.uploads.delete(line.id);
    if (this.of && !this.talk.session.begun) this.changeSession({ ...this.talk.session, begun: true });
    this.changeLines([{ ...line, sent: true }]);
  }

  hearLine({ id, message, from, text, at }) {
    if (this.talk.lines.some((line) => line.id === id)) return;
    const place = nextPlace({ lines: this.lines() });
    this.changeLines([{ id, place, message, from, text, at, seen: false }]);
  }

  ended(interaction) {
    if (interaction === this.talk.session.interaction) this.changeSession(withoutSession(this.talk).session);
    const waiting = unsentOf(this.talk).length > 0;
    this.disconnect("ended");
    if (waiting) this.connect(); // the end crossed what the visitor wrote: it begins a new chat
  }

  refused({ reason, detail, id, retry_after: after }) {
    if (reason === "unknown-token") {
      this.token = "";
    } else if (["bad-session", "session-expired"].includes(reason)) {
      this.changeSession(withoutSession(this.talk).session);
      if (!this.watched && !this.begun) this.disconnect(); // nobody waits for an answer
    } else if (reason === "other-visitor") {
      this.forget(); // what was said here is somebody else's; begin a chat of one's own
    } else if (id && after !== undefined) {
      clearTimeout(this.timers.resend);
      this.timers.resend = setTimeout(() => this.resend(), after * 1000);
      return;
    } else if (id) {
      const line = this.talk.lines.find((each) => each.id === id);
      if (line) this.changeLines([{ ...line, refused: true }]); // to send it again would change nothing
      return;
    } else if (["bad-origin", "bad-user-hash", "missing-user-hash"].includes(reason)) {
      this.disconnect(); // to try again would change nothing
    } else if (reason === "silent") {
      if (!this.begun) this.disconnect(); // until something is said
      return;
    } else if (reason === "too-many-sockets") {
      this.crowded = true;
      this.failures = 5;
      return;
    }
    this.tell("refused", { reason, detail });
  }

  forget() {
    for (const id of this.uploads.keys()) this.dropFile(id);
    this.change(forgotten(this.talk));
    this.tabs?.postMessage({ talk: this.talk, online: true });
    this.tell("forgotten");
    this.begin();
  }

  /* Whether files of the visitor are on their way still: they would be lost with the page. */
  get hasUploads() {
    return [...this.uploads.values()].some((upload) => !upload.why);
  }

  /* All lines in order, those of files on their way among them. */
  lines() {
    const waiting = [...this.uploads.values()].map((upload) => ({ ...upload.line, why: upload.why, waiting: true }));
    return merged({ ...this.talk, lines: waiting }, this.talk).lines;
  }
}

export function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
