/* The page: a button and a panel, in a shadow root. */

import { button, element, fill, icon } from "./elements.js";
import { Lines } from "./lines.js";
import { STYLE } from "./look.js";
import { Shelter } from "./shelter.js";
import { stillWaiting, unseenOf } from "./talk.js";
import { Views } from "./views.js";
import { WORDS, kindsOf, sizeOf } from "./words.js";

const MOST_CHARACTERS = 8000;
const MOST_BYTES = 14_000; // the socket's messages are of 16 KiB, all that stands beside the text included

// oxlint-disable-next-line no-control-regex -- as the hub understands it: Python counts these as blanks
const BLANK = /^[\s\x1c-\x1f\x85]*$/;

const NOTES = { offline: WORDS.offline };

export class Panel {
  /* draft: {read(), write(text)}, what was typed and not sent. about: a line under the title. */
  constructor(chat, { title, about, greeting, theme, draft }) {
    Object.assign(this, { chat, about, draft });
    this.notes = { field: "", chat: "" }; // what is wrong with what stands in the field; how the chat is
    this.greeting = greeting && { id: "greeting", from: { role: "system", name: title }, text: greeting };
    this.host = element("throughline-chat", { role: "region", "aria-label": WORDS.launcher });
    if (theme) this.host.dataset.theme = theme;
    const root = this.host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet(); // not a style element, which a page's policy may forbid
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    this.shelter = new Shelter(this.host);
    this.views = new Views(chat, (said) => this.backToChat(said));
    this.makeLauncher();
    this.makePanel(title);
    root.append(this.hello, this.launcher, this.news, this.panel);
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
    this.hello = element("div", { className: "hello", role: "status", hidden: true });
  }

  /* Say something beside the button before anybody asks. `gone`: called once it is no more to be said. */
  greet(text, gone) {
    const closer = button(WORDS.remove, () => this.launcher.focus(), "", "close");
    const opener = button(text, () => this.open());
    opener.dir = "auto";
    for (const each of [closer, opener, this.launcher]) {
      each.addEventListener("click", () => {
        this.hello.hidden = true;
        gone();
      });
    }
    this.hello.hidden = false;
    fill(this.hello, opener, closer);
  }

  makePanel(title) {
    const { views } = this;
    const closer = button(WORDS.close, () => this.close(), "", "close");
    this.more = button(WORDS.more, () => (views.isOpen ? views.close() : this.turnTo("more")), "", "more");
    this.standing = element("p", { dir: "auto" });
    const heading = element("div", {}, element("h2", { id: "title", textContent: title }), this.standing);
    this.bar = element("div", { className: "bar", hidden: true });
    this.typing = element("p", { className: "bounds", role: "status", dir: "auto" });
    this.note = element("p", { role: "status" });
    this.again = button(WORDS.tryNow, () => this.chat.tryNow(), "link");
    this.again.hidden = true;
    const log = element("div", { className: "log", role: "log", tabIndex: 0, "aria-label": WORDS.log });
    this.log = log;
    this.lines = new Lines(log, title, (id) => {
      this.chat.dropFile(id);
      this.field.focus(); // the button that was pressed is gone, and the focus with it
    });
    this.field = element("textarea", {
      id: "say", rows: 1, dir: "auto", placeholder: WORDS.field, enterKeyHint: "send",
      "aria-label": WORDS.field,
    });
    this.adder = button(WORDS.addFile, () => this.picker.click(), "", "clip");
    this.adder.hidden = true;
    this.adder.setAttribute("aria-describedby", "bounds");
    this.picker = element("input", { type: "file", multiple: true, hidden: true });
    this.form = element("form", {}, this.adder, this.field, button(WORDS.send, () => this.submit(), "go", "up"));
    this.bounds = element("p", { className: "bounds", id: "bounds", hidden: true });
    this.panel = element(
      "section",
      { className: "panel", role: "dialog", hidden: true, tabIndex: -1, "aria-labelledby": "title" },
      element("header", {}, heading, this.more, closer),
      element("div", { className: "note" }, this.note, this.again),
      log, this.typing, views.place, this.bar, this.form, this.bounds, this.picker,
    );
  }

  /* ---- what happens ---- */

  listen() {
    const { chat, panel, field, shelter } = this;
    this.launcher.addEventListener("click", () => this.open());
    shelter.on(panel, "keydown", (event) => {
      if (event.key !== "Escape" || composes(event)) return;
      event.preventDefault(); // else the same key also leaves a full screen
      if (this.views.isOpen) this.views.close();
      else this.close();
    });
    shelter.on(field, "keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || composes(event)) return;
      event.preventDefault();
      this.submit();
    });
    field.addEventListener("input", () => {
      this.draft.write(field.value);
      this.say({ field: "" });
      if (field.value) chat.types();
    });
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.listenForFiles();
    chat.addEventListener("lines", () => this.refresh());
    chat.addEventListener("state", (event) => this.tell(event.detail));
    chat.addEventListener("typing", ({ detail: [name] }) => {
      const text = name === undefined ? "" : WORDS.typing(name);
      if (this.typing.textContent !== text) this.typing.textContent = text; // only a change is read out
    });
    chat.addEventListener("refused", (event) => this.say({ chat: event.detail.detail }));
    chat.addEventListener("forgotten", () => this.typed(""));
    document.addEventListener("visibilitychange", () => this.refresh());
    globalThis.visualViewport?.addEventListener("resize", () => this.fit());
  }

  listenForFiles() {
    const send = (files) => [...files].forEach((file) => this.chat.sendFile(file));
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
    this.shelter.on(this.panel, "dragover", (event) => drags(event) && event.preventDefault());
    this.shelter.on(this.panel, "drop", (event) => {
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

  /* Show a view in the log's place. */
  turnTo(name) {
    this.views.open(name);
    this.more.setAttribute("aria-expanded", "true");
    this.refresh();
  }

  /* `said`: what there is to say about the view that was left. */
  backToChat(said) {
    this.more.setAttribute("aria-expanded", "false");
    this.say({ chat: said });
    this.refresh();
    this.lines.toEnd();
    (this.form.hidden ? this.more : this.field).focus();
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
    this.tellStanding();
    const text = unseen ? WORDS.newMessages(unseen) : "";
    this.badge.hidden = !unseen;
    this.badge.textContent = String(unseen || "");
    this.launcher.setAttribute("aria-label", unseen ? `${WORDS.launcher}, ${text}` : WORDS.launcher);
    if (this.news.textContent !== text) this.news.textContent = this.isOpen ? "" : text;
  }

  /* Under the title how the chat stands, and below the log what can be done about it. */
  tellStanding() {
    const { standing } = this.chat;
    const { state, name, at } = standing;
    const told = {
      new: () => this.about,
      waiting: () => WORDS.waiting(stillWaiting(standing)),
      callback: () => WORDS.callback,
      joined: () => WORDS.joined(name),
      ended: () => WORDS.endedAt(at),
    }[state]();
    if (this.standing.textContent !== told) this.standing.textContent = told;
    const { isOpen } = this.views;
    const { activeElement } = this.host.shadowRoot;
    const had = [this.bar, this.form].some((each) => each.contains(activeElement));
    if (this.barOf !== state) fill(this.bar, ...this.choices((this.barOf = state)));
    this.log.hidden = isOpen;
    this.form.hidden = isOpen || state === "ended";
    this.bar.hidden = isOpen || !this.bar.firstChild;
    if (had && !isOpen && !activeElement.checkVisibility?.()) (this.form.hidden ? this.bar.firstChild : this.field).focus();
  }

  choices(state) {
    const { chat } = this;
    const does = (words, act, more) => button(words, () => (act(), this.refresh(), this.field.focus()), more);
    const may = (name, view) => chat.offers.includes(name) && button(WORDS[view], () => this.turnTo(view));
    const stays = element("p", { className: "hint", textContent: WORDS.mayClose });
    if (state === "waiting") return [stays, may("callback", "callback"), may("code", "elsewhere")];
    if (state === "callback") return [stays];
    if (state !== "ended") return [];
    return [does(WORDS.writeAgain, () => chat.reopen(), "choice go"), does(WORDS.newChat, () => chat.turnTo(""))];
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
    if (state === "online") this.barOf = ""; // what is offered is known now
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
