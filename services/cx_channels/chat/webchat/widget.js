/* Throughline web chat: a button and a panel for any page. README.md beside this file says how to embed it.
   No dependencies; text from outside only ever becomes text nodes. */
(function () {
  "use strict";

  const MAX_KEPT = 200; // messages of one chat that are shown again after a reload
  const PING_MS = 25000;
  const ANSWER_MS = 15000;
  const MAX_WAIT_MS = 30000;

  /* ---- The chat itself: what to send, what was acknowledged, what was said. Knows no page. ---- */

  class Chat extends EventTarget {
    /* storage: getItem, setItem, removeItem. visitor: {name, email, ...}. */
    constructor({ url, storage, key, visitor = {}, page = "", token = "", WebSocket = globalThis.WebSocket }) {
      super();
      Object.assign(this, { url, storage, key, page, token, WebSocket });
      this.kept = this.load();
      this.visitor = { cookie: this.kept.cookie, ...visitor };
      this.socket = null;
      this.ready = false;
      this.wanted = false;
      this.failures = 0;
      this.timers = {};
    }

    load() {
      const empty = { cookie: randomId(), session: "", last: "", messages: [], unsent: [] };
      try {
        return { ...empty, ...JSON.parse(this.storage.getItem(this.key) || "{}") };
      } catch {
        return empty; // unreadable or forbidden: begin anew
      }
    }

    save() {
      this.kept.messages = this.kept.messages.slice(-MAX_KEPT);
      try {
        this.storage.setItem(this.key, JSON.stringify(this.kept));
      } catch {
        /* storage is full or forbidden: the chat goes on, it just does not outlive the page */
      }
    }

    tell(name, detail) {
      this.dispatchEvent(Object.assign(new Event(name), { detail }));
    }

    connect() {
      this.wanted = true;
      if (this.socket) return;
      clearTimeout(this.timers.again);
      const socket = (this.socket = new this.WebSocket(this.url));
      this.tell("state", "connecting");
      socket.onopen = () =>
        this.send({
          type: "hello",
          session: this.kept.session,
          visitor: this.visitor,
          page: this.page,
          last: this.kept.last,
          token: this.token,
        });
      socket.onmessage = (event) => this.heard(socket, JSON.parse(event.data));
      socket.onclose = () => this.lost(socket);
      this.expect();
    }

    /* The hub must say something soon, or the connection counts as dead. */
    expect() {
      clearTimeout(this.timers.answer);
      const socket = this.socket;
      this.timers.answer = setTimeout(() => this.lost(socket), ANSWER_MS);
    }

    lost(socket) {
      if (socket !== this.socket) return;
      this.socket = null;
      this.ready = false;
      clearTimeout(this.timers.answer);
      clearTimeout(this.timers.ping);
      socket.onmessage = socket.onclose = null;
      socket.close();
      this.tell("state", "offline");
      if (!this.wanted) return;
      const most = Math.min(MAX_WAIT_MS, 1000 * 2 ** this.failures++);
      this.timers.again = setTimeout(() => this.connect(), most * (0.5 + Math.random() / 2));
    }

    disconnect() {
      this.wanted = false;
      clearTimeout(this.timers.again);
      clearTimeout(this.timers.resend);
      if (this.socket) this.lost(this.socket);
    }

    send(message) {
      if (this.socket && this.socket.readyState === 1) this.socket.send(JSON.stringify(message));
    }

    say(text) {
      const message = { id: randomId(), text, from: { role: "customer", name: "" }, at: new Date().toISOString() };
      this.kept.messages.push(message);
      this.kept.unsent.push({ type: "message", id: message.id, text, page: this.page });
      this.save();
      this.tell("message", message);
      if (this.ready) this.send(this.kept.unsent.at(-1));
      this.connect();
    }

    resend() {
      if (this.ready) this.kept.unsent.forEach((message) => this.send(message));
    }

    read(message) {
      if (this.ready && message) this.send({ type: "read", message });
    }

    identify(visitor) {
      this.visitor = { ...this.visitor, ...visitor };
      if (this.ready) this.send({ type: "identify", visitor: this.visitor });
    }

    end() {
      if (this.ready) this.send({ type: "end" });
      else this.ended();
    }

    ended() {
      this.kept = { ...this.kept, session: "", last: "", unsent: [] };
      this.save();
      this.disconnect();
      this.tell("ended");
    }

    forget() {
      this.kept = { ...this.kept, session: "", last: "", messages: [], unsent: [] };
      this.save();
      this.tell("forgotten");
    }

    pending(id) {
      return this.kept.unsent.some((message) => message.id === id);
    }

    heard(socket, message) {
      if (socket !== this.socket) return;
      clearTimeout(this.timers.answer);
      this.keepAlive();
      const hear = {
        welcome: () => {
          this.ready = true;
          this.failures = 0;
          this.kept.session = message.session;
          this.save();
          this.tell("state", "online");
          this.resend();
        },
        ack: () => {
          this.kept.unsent = this.kept.unsent.filter((each) => each.id !== message.id);
          this.save();
          this.tell("ack", message.id);
        },
        identified: () => {
          this.kept.session = message.session;
          this.save();
        },
        message: () => {
          if (this.kept.messages.some((each) => each.id === message.id)) return;
          this.kept.last = message.id;
          this.kept.messages.push(message);
          this.save();
          this.tell("message", message);
        },
        continued: () => (this.token = ""),
        ended: () => this.ended(),
        error: () => this.refused(message),
      }[message.type];
      if (hear) hear();
    }

    refused({ reason, detail, id, retry_after: retryAfter }) {
      if (reason === "unknown-token") {
        this.token = "";
      } else if (["bad-session", "session-expired"].includes(reason)) {
        this.kept = { ...this.kept, session: "", last: "" };
        this.save();
      } else if (reason === "other-visitor") {
        this.forget(); // what was said here is somebody else's; begin a chat of one's own
        this.lost(this.socket);
      } else if (id && retryAfter !== undefined) {
        clearTimeout(this.timers.resend);
        this.timers.resend = setTimeout(() => this.resend(), retryAfter * 1000);
      } else if (["bad-origin", "bad-user-hash", "missing-user-hash"].includes(reason)) {
        this.disconnect(); // to try again would change nothing
      }
      this.tell("refused", { reason, detail });
    }

    keepAlive() {
      clearTimeout(this.timers.ping);
      this.timers.ping = setTimeout(() => {
        this.send({ type: "ping" });
        this.expect();
      }, PING_MS);
    }
  }

  function randomId() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  /* ---- The page: a button and a panel, in a shadow root so that neither page nor chat styles the other. ---- */

  const STYLE = `
    :host { all: initial; position: fixed; right: 1rem; bottom: 1rem; z-index: 2147483000;
            font: 15px/1.45 system-ui, sans-serif; color: #1b1f24; }
    * { box-sizing: border-box; font: inherit; }
    button { border: 0; border-radius: 1.5rem; padding: .6rem 1.1rem; background: #14532d; color: #fff; cursor: pointer; }
    button:focus-visible, textarea:focus-visible { outline: 3px solid #f59e0b; outline-offset: 2px; }
    section { display: flex; flex-direction: column; width: min(22rem, calc(100vw - 2rem));
              height: min(32rem, calc(100vh - 2rem)); background: #fff; border-radius: .8rem; overflow: hidden;
              box-shadow: 0 .5rem 2rem #0004; }
    [hidden] { display: none !important; }
    header { display: flex; align-items: center; gap: .5rem; padding: .5rem .5rem .5rem 1rem; background: #14532d;
             color: #fff; }
    h2 { flex: 1; margin: 0; font-weight: 600; }
    ol { flex: 1; overflow-y: auto; margin: 0; padding: 1rem; list-style: none; }
    li { width: fit-content; max-width: 85%; margin: 0 0 .5rem; padding: .45rem .75rem; border-radius: .8rem;
         background: #eef1f4; white-space: pre-wrap; overflow-wrap: anywhere; }
    li.customer { margin-left: auto; background: #dcfce7; }
    li.pending { opacity: .6; }
    li b { display: block; font-size: .8em; }
    p { min-height: 1.4em; margin: 0; padding: 0 1rem; font-size: .8em; color: #57606a; }
    form { display: flex; gap: .5rem; padding: .6rem; border-top: 1px solid #d0d7de; }
    textarea { flex: 1; resize: none; height: 2.6rem; padding: .5rem; border: 1px solid #8c959f; border-radius: .5rem; }
    .hidden-label { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }`;

  const STATES = { online: "", connecting: "Connecting…", offline: "You are offline. Messages are sent once you are back." };

  function element(name, properties = {}, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  function draw(chat, { title, greeting }) {
    const host = element("div");
    const root = host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];

    const opener = element("button", { type: "button", textContent: "Chat", ariaExpanded: "false" });
    const closer = element("button", { type: "button", textContent: "×", ariaLabel: "Close the chat" });
    const list = element("ol", { role: "log", ariaLive: "polite", ariaLabel: "Messages", tabIndex: 0 });
    const state = element("p", { role: "status" });
    const label = element("label", { className: "hidden-label", htmlFor: "say", textContent: "Your message" });
    const input = element("textarea", { id: "say", maxLength: 8000, placeholder: "Write a message", enterKeyHint: "send" });
    const form = element("form", {}, label, input, element("button", { type: "submit", textContent: "Send" }));
    const heading = element("h2", { id: "title", textContent: title });
    const panel = element("section", { role: "dialog", hidden: true }, element("header", {}, heading, closer), list, state, form);
    panel.setAttribute("aria-labelledby", "title");
    root.append(opener, panel);
    document.body.append(host);

    const lines = new Map();
    let unread = "";

    function show(message) {
      const role = (message.from && message.from.role) || "agent";
      const line = element("li", { className: role });
      if (role !== "customer") line.append(element("b", { textContent: message.from.name || title }));
      line.append(document.createTextNode(message.text));
      line.classList.toggle("pending", chat.pending(message.id));
      lines.set(message.id, line);
      list.append(line);
      list.scrollTop = list.scrollHeight;
      if (role === "customer") return;
      unread = message.message || "";
      if (panel.hidden) opener.textContent = "Chat (new message)";
      else seen();
    }

    function seen() {
      chat.read(unread);
      unread = "";
    }

    function toggle(open) {
      panel.hidden = !open;
      opener.hidden = open;
      opener.ariaExpanded = String(open);
      opener.textContent = "Chat";
      if (!open) return opener.focus();
      chat.connect();
      seen();
      list.scrollTop = list.scrollHeight;
      input.focus();
    }

    function submit() {
      const text = input.value.trim();
      if (text) chat.say(text);
      input.value = "";
    }

    opener.onclick = () => toggle(true);
    closer.onclick = () => toggle(false);
    // A handler that returns false cancels the key: this one returns nothing.
    panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.isComposing) toggle(false);
    });
    form.onsubmit = (event) => {
      event.preventDefault();
      submit();
    };
    input.onkeydown = (event) => {
      // Not while an input method composes: there Enter picks a word.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      submit();
    };
    chat.addEventListener("message", (event) => show(event.detail));
    chat.addEventListener("ack", (event) => lines.get(event.detail)?.classList.remove("pending"));
    chat.addEventListener("state", (event) => (state.textContent = STATES[event.detail] ?? ""));
    chat.addEventListener("ended", () => (state.textContent = "This chat has ended. Write to begin a new one."));
    chat.addEventListener("forgotten", () => {
      lines.clear();
      list.replaceChildren();
    });
    chat.addEventListener("refused", (event) => (state.textContent = event.detail.detail));

    if (greeting) show({ id: "greeting", from: { role: "system", name: title }, text: greeting });
    chat.kept.messages.forEach(show);
    if (chat.kept.session && chat.kept.unsent.length) chat.connect();
    return { open: () => toggle(true), close: () => toggle(false) };
  }

  function embed(script) {
    const { connection, hub, title = "Chat", greeting = "", name, email, phone, account, userHash } = script.dataset;
    if (!connection) return console.error("throughline chat: the script's tag needs data-connection");
    const url = new URL(`/v1/chat/${encodeURIComponent(connection)}`, hub || script.src);
    url.protocol = url.protocol === "http:" ? "ws:" : "wss:";
    const claims = { name, email, phone, account, user_hash: userHash };
    const visitor = Object.fromEntries(Object.entries(claims).filter(([, value]) => value));
    const page = (location.origin + location.pathname).slice(0, 2048);
    let storage = { getItem: () => null, setItem: () => undefined };
    try {
      storage = window.localStorage;
    } catch {
      /* forbidden in this frame: the chat lives as long as the page */
    }
    const token = new URLSearchParams(location.search).get("continue") || "";
    const chat = new Chat({ url: url.href, storage, key: `throughline-chat:${connection}`, visitor, page, token });
    const begin = () => {
      const panel = draw(chat, { title, greeting });
      window.throughlineChat = { ...panel, identify: (more) => chat.identify(more), end: () => chat.end() };
    };
    if (document.body) begin();
    else document.addEventListener("DOMContentLoaded", begin);
  }

  if (typeof document === "undefined") globalThis.ThroughlineChat = Chat; // outside of a page: the chat alone
  else embed(document.currentScript);
})();
