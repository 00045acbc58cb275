/* The chat itself: its socket, what to send, what was acknowledged, what was said. Knows no page.

   Events: "lines" (something was said, sent or seen), "state" (closed, connecting, online, offline, elsewhere, ended),
   "typing" (who else writes), "code", "continued", "refused", "forgotten". */

import { put, whyNot } from "./files.js";
import { hear } from "./hearing.js";
import { mergedChats } from "./shelf.js";
import {
  EMPTY, forgotten, forgottenIn, inPlaceOf, lastHeard, merged, nextPlace, randomId, renewed, standingOf, unseenOf, unsentOf,
  withoutSession,
} from "./talk.js";

const PING_MS = 25_000;
const ANSWER_MS = 15_000;
const MAX_WAIT_MS = 30_000;
const TYPING_MS = 3000;

export class Chat extends EventTarget {
  /* url: of the socket. storage: getItem, setItem. tabs: a BroadcastChannel to the visitor's other tabs, or null.
     visitor: {name, email, ...}. */
  constructor({ url, storage, key, tabs = null, visitor = {}, page = "", token = "" }) {
    super();
    Object.assign(this, { url, storage, key, tabs, page, token });
    const { cookie = randomId(), talk: known = EMPTY, shelf = [] } = this.kept();
    this.talk = known;
    this.shelf = shelf;
    this.visitor = { ...visitor, cookie };
    this.uploads = new Map(); // id to {line, file, why?, stop}: in memory, until the hub has them
    this.uploading = Promise.resolve(); // once all that was to be sent has been tried
    this.bounds = null; // of files, as the hub says them; null: it takes none
    this.offers = []; // what else may be asked for
    this.typedAt = 0; // when the hub was told last that the visitor types
    this.code = null; // {code, until} to go on with elsewhere; {} while it is awaited
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

  /* {cookie?, talk?, shelf?} as this browser keeps it; nothing where it is unreadable or forbidden. */
  kept() {
    try {
      return JSON.parse(this.storage.getItem(this.key)) ?? {};
    } catch {
      return {};
    }
  }

  /* Take a change in: into memory and the store, on top of what this tab knows and of what it reads there. */
  change(talk, shelf = []) {
    const { cookie = this.visitor.cookie, talk: known = this.talk, shelf: there = [] } = this.kept();
    this.visitor.cookie = cookie; // another tab may have been the first to make one
    const mine = { talk: this.talk, shelf: this.shelf };
    Object.assign(this, [{ talk: known, shelf: there }, { talk, shelf }].reduce(mergedChats, mine));
    try {
      this.storage.setItem(this.key, JSON.stringify({ cookie, talk: this.talk, shelf: this.shelf }));
    } catch {
      /* the store is full or forbidden: the chat goes on, it just does not outlive the page */
    }
    this.tell("lines");
  }

  /* Change lines, and tell the other tabs of these alone. `online`: whether this tab sends what is to be sent. */
  changeLines(lines) {
    const talk = { ...this.talk, lines };
    this.change(talk);
    this.tabs?.postMessage({ talk, online: this.online });
  }

  changeSession(session) {
    this.change({ ...this.talk, session });
    this.tabs?.postMessage({ talk: { ...this.talk, lines: [] }, online: this.online });
  }

  toldByTab({ talk, shelf, online }) {
    const before = forgottenIn(this.talk);
    this.change(talk, shelf);
    if (before < forgottenIn(this.talk)) this.tell("forgotten");
    const { interaction, ended } = this.talk.session;
    if (ended && this.forgets) this.forget();
    else if (ended && this.wanted) this.disconnect("ended");
    else if (this.of && this.of !== interaction) this.begin(); // another one counts now
    else if (this.state === "ended" && !ended) this.connect();
    if (!online && this.online) unsentOf(talk).forEach((line) => this.sendLine(line));
  }

  tell(name, detail) {
    this.dispatchEvent(Object.assign(new Event(name), { detail }));
  }

  enter(state) {
    this.state = state;
    if (!this.online) this.tell("typing", []);
    this.tell("state", state);
  }

  /* ---- the connection ---- */

  get online() {
    return this.state === "online";
  }

  /* Whether the visitor has said something in this chat: then it is listened to, also while the panel is closed. */
  get begun() {
    const { begun, ended } = this.talk.session;
    return (begun && !ended) || unsentOf(this.talk).length > 0;
  }

  connect() {
    if (this.talk.session.ended) return this.state === "ended" || this.enter("ended");
    this.wanted = true;
    if (this.socket) return;
    clearTimeout(this.timers.again);
    const socket = (this.socket = new WebSocket(this.url));
    this.of = "";
    this.enter("connecting");
    this.change(this.talk); // what other tabs keep by now
    const { token: session, reopen = false } = this.talk.session;
    const last = lastHeard(this.talk);
    const { visitor, page, token } = this;
    const hello = { type: "hello", session, visitor, page, last, token, reopen };
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
      this.tell("lines"); // an estimate of the wait may have passed
    }, PING_MS);
  }

  /* ---- what the visitor does ---- */

  say(text) {
    this.sendOwn({ text });
  }

  /* Ask for a person ({way: "person"}) or a call ({way: "callback", phone, when?}). */
  ask(ask) {
    this.sendOwn({ kind: "asked", ask });
  }

  sendOwn(more) {
    const line = this.ownLine(more);
    this.changeLines([line]);
    if (this.online) this.sendLine(line);
    this.connect();
  }

  ownLine(more) {
    const place = nextPlace({ lines: this.lines() });
    const from = { role: "customer", name: "" };
    return { id: randomId(), place, from, text: "", at: new Date().toISOString(), ...more };
  }

  sendLine({ id, text, ask }) {
    this.send(ask ? { type: "ask", id, ...ask } : { type: "message", id, text, page: this.page });
  }

  /* The visitor types; that they stopped is told by what they send, or by time. */
  types() {
    if (!this.begun || Date.now() - this.typedAt < TYPING_MS) return;
    this.typedAt = Date.now();
    this.send({ type: "typing" });
  }

  /* Ask for a code to go on with elsewhere. */
  askCode() {
    this.code = {};
    this.send({ type: "code" });
    this.connect();
  }

  /* Go on with what was said elsewhere. Told by "continued" or "refused". */
  redeem(code) {
    if (this.online) return this.send({ type: "redeem", code });
    this.token = code;
    this.connect();
  }

  /* Go on with a chat that has ended. */
  reopen() {
    this.changeSession(renewed(this.talk.session, { ended: false, reopen: true }));
    this.connect();
  }

  /* Put this chat away and show another one, known by its interaction, or a new one. */
  turnTo(interaction) {
    const other = this.shelf.find((chat) => chat.session.interaction === interaction);
    if (interaction && !other) return; // another tab has turned to it already
    this.change(inPlaceOf(this.talk, other));
    this.tabs?.postMessage({ talk: this.talk, shelf: this.shelf, online: false });
    this.disconnect();
    this.connect();
  }

  get standing() {
    return standingOf(this.talk.lines);
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

  /* `forget`: nothing of it is to stay in this browser, as where somebody logs out. */
  end(forget = false) {
    this.forgets = forget;
    if (this.online) return this.send({ type: "end" });
    this.changeLines(unsentOf(this.talk).map((line) => ({ ...line, sent: true }))); // nobody is to hear it any more
    this.ended(this.talk.session.interaction);
  }

  /* ---- what the hub says: hearing.js ---- */

  heard(socket, message) {
    if (socket !== this.socket) return;
    this.keepAlive();
    hear(this, message);
  }

  /* The hub has a line of the visitor's: now this chat has begun. `taken`: when, by its clock. */
  has(line, taken) {
    if (!line) return;
    this.uploads.delete(line.id);
    if (this.of && !this.talk.session.begun) this.changeSession({ ...this.talk.session, begun: true });
    this.changeLines([{ ...line, sent: true, taken }]);
  }

  /* Add a line that is not the visitor's; false where it is known. */
  addLine(line) {
    if (this.talk.lines.some((each) => each.id === line.id)) return false;
    this.changeLines([{ place: nextPlace({ lines: this.lines() }), seen: false, heard: Date.now(), ...line }]);
    return true;
  }

  /* What is not sent yet crossed the end: it begins a new chat. */
  ended(interaction) {
    if (this.forgets) return this.forget();
    const waiting = unsentOf(this.talk).length > 0;
    if (interaction === this.talk.session.interaction) {
      const { begun } = this.talk.session;
      const over = begun && !waiting ? renewed(this.talk.session, { ended: true }) : withoutSession(this.talk).session;
      this.changeSession(over);
    }
    this.disconnect("ended");
    if (waiting) this.connect();
  }

  forget() {
    for (const id of this.uploads.keys()) this.dropFile(id);
    this.change(forgotten(this.talk));
    this.tabs?.postMessage({ talk: this.talk, online: true });
    this.tell("forgotten");
    if (this.forgets) this.disconnect();
    else this.begin();
    this.forgets = false;
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
