/* Throughline web chat: a button and a panel for any page. README.md beside this file says how to embed it.

   The hub serves this and the modules below widget/ as one script (script.py): what runs together came together. */

import { Chat } from "./widget/chat.js";
import { Panel } from "./widget/panel.js";
import { WORDS } from "./widget/words.js";

const NO_STORE = { getItem: () => null, setItem: () => undefined };

function embed(script) {
  const { connection, hub, title = "Chat", about = "", theme = "", name, email, phone, account, userHash } = script.dataset;
  const { proactive = "", proactiveAfter = "5", greeting = proactive } = script.dataset;
  Object.assign(WORDS, window.throughlineChat?.words);
  if (!connection) {
    console.error("throughline-chat: data-connection is missing");
    return;
  }
  const begin = () => {
    if (document.querySelector("throughline-chat")) {
      console.warn("throughline-chat: there is one already");
      return;
    }
    const url = new URL(`/v1/chat/${encodeURIComponent(connection)}`, hub || script.src);
    url.protocol = url.protocol === "http:" ? "ws:" : "wss:";
    const claims = { name, email, phone, account, user_hash: userHash };
    const visitor = Object.fromEntries(Object.entries(claims).filter(([, value]) => value));
    const page = (location.origin + location.pathname).slice(0, 2048);
    const key = `throughline-chat:${connection}`;
    const storage = store("localStorage");
    const tabs = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(key);
    const token = new URLSearchParams(location.search).get("continue") || "";
    const chat = new Chat({ url: url.href, storage, key, tabs, visitor, page, token });
    const panel = new Panel(chat, { title, about, greeting, theme, draft: draftIn(storage, `${key}:draft`) });
    window.throughlineChat = {
      open: () => panel.open(),
      close: () => panel.close(),
      identify: (more) => chat.identify(more),
      end: () => chat.end(true),
    };
    if (proactive) greetLater(panel, proactive, Number(proactiveAfter) * 1000, `${key}:greeted`);
    if (chat.begun) chat.connect();
    addEventListener("online", () => chat.tryNow());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && chat.tryNow());
    addEventListener("beforeunload", (event) => {
      if (chat.hasUploads) event.preventDefault();
    });
  };
  if (document.body) begin();
  else document.addEventListener("DOMContentLoaded", begin);
}

/* Greet who has said nothing yet and did not send the greeting away in this tab. It is no message: nothing counts it. */
function greetLater(panel, text, after, key) {
  const own = store("sessionStorage");
  const gone = () => own.setItem(key, "1");
  setTimeout(() => {
    if (!own.getItem(key) && !panel.isOpen && !panel.chat.talk.lines.length) panel.greet(text, gone);
  }, after);
}

function store(name) {
  try {
    return window[name] ?? NO_STORE;
  } catch {
    return NO_STORE; // forbidden in this frame: the chat lives as long as the page
  }
}

/* What was typed and not sent: each tab's own, and the latest of all tabs for a tab that has none. */
function draftIn(storage, key) {
  const own = store("sessionStorage");
  let last = own.getItem(key) ?? storage.getItem(key) ?? "";
  return {
    read: () => last,
    write: (text) => {
      const others = storage.getItem(key) !== last; // another tab's: not this one's to clear
      last = text;
      try {
        own.setItem(key, text);
        if (text || !others) storage.setItem(key, text);
      } catch {
        /* the store is full or forbidden: what is typed lives as long as the page */
      }
    },
  };
}

if (typeof document === "undefined") globalThis.ThroughlineChat = Chat; // outside of a page: the chat alone
else embed(document.currentScript);
