/* The log of a chat as elements: one for each line, kept and moved rather than made anew, so that nothing is read out
   twice and nobody's place in it is lost. */

import { button, element, fill, icon } from "./elements.js";
import { hrefOf, pieces } from "./links.js";
import { isOwn, stillWaiting } from "./talk.js";
import { WORDS, sizeOf } from "./words.js";

const NEAR_END = 48; // pixels

export class Lines {
  /* log: the element. title: who speaks where nobody is named. removed(id): a file that can't be sent is taken away. */
  constructor(log, title, removed) {
    Object.assign(this, { log, title, removed });
    this.shown = new Map();
  }

  /* online: whether what is not sent yet is on its way. */
  show(all, online) {
    const { log } = this;
    const lines = all.filter((line, index) => isShown(line, all.slice(index + 1)));
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_END;
    const news = lines.some((line) => !this.shown.has(line.id) && isOwn(line));
    this.takeAway(lines);
    const last = lines.findLast(isOwn);
    const read = lines.findLast((line) => isOwn(line) && line.got === 2);
    lines.forEach((line, index) => {
      const made = this.shown.get(line.id) ?? this.make(line);
      if (line.kind === "waiting") retell(made.firstChild, waitWords(line));
      if (line.kind === "joined") this.tellInformed(made, line, all);
      else this.tellState(made, line, online, line === last || line === read);
      if (log.children[index] !== made) log.insertBefore(made, log.children[index] ?? null);
    });
    if (atEnd || news) this.toEnd();
  }

  toEnd() {
    this.log.scrollTop = this.log.scrollHeight;
  }

  takeAway(lines) {
    const kept = new Set(lines.map((line) => line.id));
    for (const [id, made] of this.shown) {
      if (kept.has(id)) continue;
      made.remove();
      this.shown.delete(id);
    }
  }

  make(line) {
    const role = line.from?.role ?? "agent";
    const who = isOwn(line) ? element("span", { className: "sr", textContent: `${WORDS.you}: ` }) : this.from(line);
    const said = element("p", { className: "words", dir: "auto" }, ...contentOf(line));
    const made = line.kind ? eventOf(line) : element("div", { className: `line ${role}` }, who, said);
    made.append(element("p", { className: "state" }));
    this.shown.set(line.id, made);
    return made;
  }

  from(line) {
    return element("p", { className: "from" }, element("bdi", { textContent: line.from?.name || this.title }));
  }

  /* Below who came: that they have read what was said before, once somebody says so. */
  tellInformed(made, line, all) {
    const informed = all.some((each) => each.kind === "informed" && each.name === line.name);
    const byBot = all.some((each) => each.from?.role === "bot");
    const text = informed ? WORDS.informed(line.name, byBot) : "";
    retell(made.lastChild, text);
  }

  /* isLast: of the visitor's own, or of those that were read. */
  tellState(made, line, online, isLast) {
    const waiting = isOwn(line) && !line.sent;
    made.classList.toggle("unsent", waiting);
    const sent = [WORDS.sent, WORDS.delivered, WORDS.read][line.got ?? 0];
    const text = !isOwn(line) ? "" : waiting ? line.why || pending(line, online) : isLast ? sent : "";
    const state = made.lastChild;
    if ((state.firstChild?.textContent ?? "") === text) return;
    fill(state, text && element("span", { textContent: text }));
    if (!line.why) return;
    const name = `${WORDS.remove} ${line.file.name}`;
    const remove = button(WORDS.remove, () => this.removed(line.id), "link");
    remove.setAttribute("aria-label", name);
    state.append(remove);
  }
}

/* Whether a line is shown: of places in the queue only the last one is, and none once somebody came or it was left. */
function isShown({ kind }, later) {
  if (kind === "informed") return false;
  return kind !== "waiting" || !later.some((line) => ["waiting", "joined", "ended"].includes(line.kind) || line.from?.role === "agent");
}

function waitWords(line) {
  return `${WORDS.waiting(stillWaiting(line))}.`;
}

/* Only a change is read out. */
function retell(made, text) {
  if (made.textContent !== text) made.textContent = text;
}

function eventOf(line) {
  const { kind, name, ask } = line;
  const asked = () => (ask.way === "person" ? WORDS.personAsked : WORDS.callbackAsked(ask.phone));
  const what = {
    joined: () => WORDS.joined(name),
    waiting: () => waitWords(line),
    asked,
    ended: () => WORDS.ended,
    reopened: () => WORDS.reopened,
  }[kind]();
  return element("div", { className: "event" }, element("p", { className: "what", dir: "auto", textContent: what }));
}

function pending(line, online) {
  if (line.refused) return WORDS.refused;
  return online ? WORDS.sending : WORDS.unsent;
}

function contentOf({ text = "", file, attachments = [] }) {
  const content = pieces(text).map(({ text: words, href }) => (href ? link(href, words) : words));
  for (const each of file ? [file] : attachments) {
    const href = each.url ? hrefOf(each.url) : "";
    const name = href ? link(href, each.name || each.url) : element("bdi", { textContent: each.name });
    content.push(element("span", {}, icon("clip"), name, each.bytes ? `, ${sizeOf(each.bytes)}` : ""));
  }
  return content;
}

function link(href, text) {
  return element("a", { href, textContent: text, target: "_blank", rel: "noopener noreferrer nofollow" });
}
