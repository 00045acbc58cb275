/* The page: a button and a panel, in a shadow root. */

import { element, icon } from "./elements.js";
import { Lines } from "./lines.js";
import { STYLE } from "./look.js";
import { Shelter } from "./shelter.js";
import { unseenOf } from "./talk.js";
import { WORDS, kindsOf, sizeOf } from "./words.js";

const MOST_CHARACTERS = 8000;
const MOST_BYTES = 14_000; // the socket's messages are of 16 KiB, all that stands beside the text included

// oxlint-disable-next-line no-control-regex -- as the hub understands it: Python counts these as blanks
const BLANK = /^[\s\x1c-\x1f\x85]*$/;

const NOTES = { offline: WORDS.offline, ended: WORDS.ended };

export class Panel {
  /* draft: {read(), write(text)}, what was typed and not sent. */
  constructor(chat, { title, greeting, theme, draft }) {
    Object.assign(this, { chat, draft });
    this.notes = { field: "", chat: "" }; // what is wrong with what stands in the field; how the chat is
    this.greeting = greeting && { id: "greeting", from: { role: "system", name: title }, text: greeting };
    this.host = element("throughline-chat", { role: "region", "aria-label": WORDS.region });
    if (theme) this.host.dataset.theme = theme;
    const root = this.host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet(); // not a style element, which a page's policy may forbid
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    this.shelter = new Shelter(this.host);
    this.makeLauncher();
    this.makePanel(title);
    root.append(this.launcher, this.news, this.panel);
    document.body.append(this.host);
    this.stay();
    this.listen();
    this.field.value = draft.read();
    this.refresh();
  }

  /* Pages that load others by script put a new body into the old one's place: move over with it. */
  stay() {
    const holds = ({ removedNodes }) => [...removedNodes].some((node) => node.contains(this.host));
    const follow = (changes) => changes.some(holds) && document.body?.append(this.host);
    new MutationObserver(follow).observe(document.documentElement, { childList: true });
  }

  makeLauncher() {
    this.badge = element("span", { className: "badge", hidden: true, "aria-hidden": "true" });
    const name = element("span", { textContent: WORDS.launcher });
    const properties = { type: "button", className: "launcher", "aria-haspopup": "dialog", "aria-expanded": "false" };
    this.launcher = element("button", properties, icon("chat"), name, this.badge);
    this.news = element("div", { className: "sr", role: "status" });
  }

  makePanel(title) {
    const button = (name, label, more = {}) => element("button", { type: "button", "aria-label": label, ...more }, icon(name));
    this.closer = button("close", WORDS.close);
    const heading = element("h2", { id: "title", textContent: title });
    this.note = element("p", { role: "status" });
    this.again = element("button", { type: "button", className: "link", textContent: WORDS.tryNow, hidden: true });
    const log = element("div", { className: "log", role: "log", tabIndex: 0, "aria-label": WORDS.log });
    this.lines = new Lines(log, title, (id) => {
      this.chat.dropFile(id);
      this.field.focus(); // the button that was pressed is gone, and the focus with it
    });
    this.field = element("textarea", {
      id: "say", rows: 1, dir: "auto", placeholder: WORDS.placeholder, enterKeyHint: "send",
      "aria-label": WORDS.field,
    });
    this.adder = button("clip", WORDS.addFile, { hidden: true, "aria-describedby": "bounds" });
    this.picker = element("input", { type: "file", multiple: true, hidden: true });
    this.form = element("form", {}, this.adder, this.field, button("up", WORDS.send, { type: "submit", className: "go" }));
    this.bounds = element("p", { className: "bounds", id: "bounds", hidden: true });
    this.panel = element(
      "section",
      { className: "panel", role: "dialog", hidden: true, tabIndex: -1, "aria-labelledby": "title" },
      element("header", {}, heading, this.closer),
      element("div", { className: "note" }, this.note, this.again),
      log, this.form, this.bounds, this.picker,
    );
  }

  /* ---- what happens ---- */

  listen() {
    const { chat, panel, field, shelter } = this;
    this.launcher.addEventListener("click", () => this.open());
    this.closer.addEventListener("click", () => this.close());
    this.again.addEventListener("click", () => chat.tryNow());
    shelter.on(panel, "keydown", (event) => {
      if (event.key !== "Escape" || composes(event)) return;
      event.preventDefault(); // else the same key also leaves a full screen
      this.close();
    });
    shelter.on(field, "keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || composes(event)) return;
      event.preventDefault();
      this.submit();
    });
    field.addEventListener("input", () => {
      this.draft.write(field.value);
      this.say({ field: "" });
    });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.listenForFiles();
    chat.addEventListener("lines", () => this.refresh());
    chat.addEventListener("state", (event) => this.tell(event.detail));
    chat.addEventListener("refused", (event) => this.say({ chat: event.detail.detail }));
    chat.addEventListener("forgotten", () => this.typed(""));
    document.addEventListener("visibilitychange", () => this.refresh());
    globalThis.visualViewport?.addEventListener("resize", () => this.fit());
  }

  listenForFiles() {
    const send = (files) => [...files].forEach((file) => this.chat.sendFile(file));
    this.adder.addEventListener("click", () => this.picker.click());
    this.picker.addEventListener("change", () => {
      send(this.picker.files);
      this.picker.value = ""; // so that the same file can be chosen again
      this.field.focus();
    });
    this.shelter.on(this.field, "paste", ({ clipboardData }) => {
      // Office programs put a picture of the text beside it: then the text is meant.
      if (clipboardData.files.length && !clipboardData.types.includes("text/plain")) send(clipboardData.files);
    });
    const drags = (event) => event.dataTransfer?.types.includes("Files");
    const mark = (on) => this.panel.classList.toggle("dropping", on);
    this.shelter.on(this.panel, "dragover", (event) => {
      if (!drags(event)) return;
      event.preventDefault();
      mark(true);
    });
    this.shelter.on(this.panel, "dragleave", () => mark(false));
    this.shelter.on(this.panel, "drop", (event) => {
      mark(false);
      if (!drags(event)) return;
      event.preventDefault();
      send(event.dataTransfer.files);
    });
  }

  submit() {
    const text = wellFormed(this.field.value).trim();
    if ([...text].length > MOST_CHARACTERS || new TextEncoder().encode(JSON.stringify(text)).length > MOST_BYTES) {
      return this.say({ field: WORDS.tooLong });
    }
    if (!BLANK.test(text)) this.chat.say(text);
    this.typed("");
  }

  typed(text) {
    this.field.value = text;
    this.draft.write(text);
    this.say({ field: "" });
  }

  /* ---- what is shown ---- */

  get isOpen() {
    return !this.panel.hidden;
  }

  open() {
    this.turn(true);
    this.chat.connect();
    this.refresh();
    this.lines.toEnd();
    this.field.focus();
  }

  close() {
    if (!this.isOpen) return;
    this.turn(false);
    this.launcher.focus();
  }

  turn(open) {
    this.panel.hidden = !open;
    this.launcher.hidden = open;
    this.launcher.setAttribute("aria-expanded", String(open));
    this.chat.watched = open;
    this.fit();
  }

  refresh() {
    const unseen = unseenOf(this.chat.talk).length;
    if (unseen && this.isOpen && document.visibilityState === "visible") return this.chat.look(); // which refreshes
    const lines = this.chat.lines();
    this.lines.show(this.greeting ? [this.greeting, ...lines] : lines, this.chat.online);
    const text = unseen ? WORDS.newMessages(unseen) : "";
    this.badge.hidden = !unseen;
    this.badge.textContent = String(unseen || "");
    this.launcher.setAttribute("aria-label", unseen ? `${WORDS.launcher}, ${text}` : WORDS.launcher);
    if (this.news.textContent !== text) this.news.textContent = this.isOpen ? "" : text;
  }

  /* Change notes, each of which stays until it is changed itself. That of the field is shown first. */
  say(notes) {
    Object.assign(this.notes, notes);
    const text = this.notes.field || this.notes.chat;
    if (this.note.textContent !== text) this.note.textContent = text;
  }

  tell(state) {
    if (state !== "connecting") this.say({ chat: NOTES[state] ?? "" }); // while it tries again, it is still cut off
    const focused = this.host.shadowRoot.activeElement === this.again;
    this.again.hidden = state !== "offline";
    if (focused && this.again.hidden) this.field.focus();
    this.tellBounds(this.chat.bounds);
    this.refresh();
  }

  tellBounds(bounds) {
    this.adder.hidden = this.bounds.hidden = !bounds;
    if (!bounds) return;
    this.bounds.textContent = WORDS.bounds(kindsOf(bounds.types), sizeOf(bounds.max_bytes));
    this.picker.accept = bounds.types.join();
  }

  /* A keyboard on the screen covers what is fixed to the page's end: the height that is left is the panel's. */
  fit() {
    const height = globalThis.visualViewport?.height;
    if (height) this.host.style.setProperty("--seen-height", `${height}px`);
  }
}

/* Text without halves of characters, which JSON can't carry. */
function wellFormed(text) {
  return text.toWellFormed?.() ?? text.replace(/\p{Surrogate}/gu, "\ufffd");
}

/* Whether an input method composes: its Enter picks a word, its Escape drops one. Safari has ended the composition by
   then and tells by the key's code alone. */
function composes(event) {
  return event.isComposing || event.keyCode === 229;
}
