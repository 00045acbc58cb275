/* What stands in the log's place for a while: the menu, a call to ask for, codes, the visitor's other chats. */

import { button, element, fill } from "./elements.js";
import { saidLast, titleOf } from "./shelf.js";
import { unsentOf } from "./talk.js";
import { WORDS, timeOf } from "./words.js";

export class Views {
  /* left(said): a view was closed, and the chat is to be shown again, with something to say about it. */
  constructor(chat, left) {
    Object.assign(this, { chat, left });
    this.name = "";
    this.note = element("p", { className: "hint", role: "status" });
    this.place = element("div", { className: "view", role: "group", "aria-labelledby": "view", hidden: true });
    chat.addEventListener("code", () => this.tellCode());
    chat.addEventListener("continued", () => this.name === "haveCode" && this.close(WORDS.continued));
    chat.addEventListener("refused", ({ detail: { reason, detail } }) => {
      this.note.textContent = reason === "unknown-token" ? WORDS.badCode : detail;
    });
  }

  get isOpen() {
    return !this.place.hidden;
  }

  open(name) {
    this.name = name;
    this.note.textContent = "";
    const back = button(WORDS.back, () => this.close(), "link");
    fill(this.place, element("h3", { id: "view", textContent: WORDS[name] }), ...this[name](), this.note, back);
    this.place.hidden = false;
    this.place.querySelector("input, button").focus();
  }

  close(said = "") {
    if (!this.isOpen) return;
    this.name = "";
    this.place.hidden = true;
    this.left(said);
  }

  /* Only what can be done now. */
  more() {
    const { chat } = this;
    const { state } = chat.standing;
    const ended = state === "ended";
    const offers = (name) => chat.offers.includes(name) && !ended;
    const turn = (name) => button(WORDS[name], () => this.open(name));
    const act = (name, does) => button(WORDS[name], () => (this.close(), does()));
    return [
      offers("person") && state === "new" && act("person", () => chat.ask({ way: "person" })),
      offers("callback") && turn("callback"),
      offers("code") && turn("elsewhere"),
      !ended && turn("haveCode"),
      chat.shelf[0] && turn("chats"),
      (chat.begun || ended) && act("newChat", () => this.turnTo("")),
      chat.begun && act("endChat", () => chat.end()),
    ];
  }

  callback() {
    const phone = element("input", { type: "tel", autocomplete: "tel", value: this.chat.visitor.phone ?? "", maxLength: 64, dir: "ltr" });
    const when = element("input", { maxLength: 200, dir: "auto" });
    const fits = (digits) => digits > 4;
    return this.form([phone, WORDS.phone, fits, WORDS.badPhone], [[when, WORDS.when]], WORDS.callback, () => {
      this.chat.ask({ way: "callback", phone: phone.value.trim(), when: when.value.trim() });
      this.close();
    });
  }

  elsewhere() {
    this.code = element("p", { className: "code", role: "status", dir: "ltr" });
    this.chat.askCode();
    this.tellCode();
    return [element("p", { textContent: WORDS.codeIs }), this.code];
  }

  tellCode() {
    const { code, until } = this.chat.code;
    this.code.textContent = code ?? WORDS.codeWaits;
    if (code) this.note.textContent = WORDS.codeUntil(until);
  }

  haveCode() {
    const code = element("input", { inputMode: "numeric", autocomplete: "one-time-code", maxLength: 40, dir: "ltr" });
    const fits = (digits) => digits === 8;
    return this.form([code, WORDS.code, fits, WORDS.badCode], [], WORDS.goOn, () => {
      this.note.textContent = WORDS.codeWaits;
      this.chat.redeem(code.value.trim());
    });
  }

  chats() {
    return this.chat.shelf.map((chat) => {
      const made = button("", () => this.turnTo(chat.session.interaction), "choice wide");
      const when = element("span", { className: "hint", textContent: timeOf(saidLast(chat)) });
      made.append(element("bdi", { textContent: titleOf(chat) || WORDS.launcher }), when);
      return made;
    });
  }

  turnTo(interaction) {
    if (unsentOf(this.chat.talk).length || this.chat.hasUploads) return this.close(WORDS.unsentFirst);
    this.chat.turnTo(interaction);
    this.close();
  }

  /* A form with a field that must hold so many digits, and others. What is wrong is said in the chat's own
     words, not the browser's. */
  form([first, name, fits, wrong], others, words, submit) {
    const go = element("button", { className: "choice go", textContent: words });
    const labels = [[first, name], ...others].map(([input, label]) => element("label", { textContent: label }, input));
    const made = element("form", {}, ...labels, go);
    made.addEventListener("submit", (event) => {
      event.preventDefault();
      if (fits(first.value.replace(/\D/g, "").length)) return submit();
      this.note.textContent = wrong;
      first.focus();
    });
    return [made];
  }
}
