/* The log of a chat as elements: one for each line, kept and moved rather than made anew, so that nothing is read out
   twice and nobody's place in it is lost. */

import { element, icon } from "./elements.js";
import { hrefOf, pieces } from "./links.js";
import { isOwn } from "./talk.js";
import { WORDS, sizeOf } from "./words.js";

const NEAR_END = 48; // pixels

export class Lines {
  /* log: the element. title: who speaks where nobody is named. removed(id): a file that can't be sent is taken away. */
  constructor(log, title, removed) {
    Object.assign(this, { log, title, removed });
    this.shown = new Map();
  }

  /* online: whether what is not sent yet is on its way. */
  show(lines, online) {
    const { log } = this;
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_END;
    const news = lines.some((line) => !this.shown.has(line.id) && isOwn(line));
    this.takeAway(lines);
    lines.forEach((line, index) => {
      const made = this.shown.get(line.id) ?? this.make(line);
      this.tellState(made, line, online, index === lines.length - 1);
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
    const made = element("div", { className: `line ${role}` }, who, said, element("p", { className: "state" }));
    this.shown.set(line.id, made);
    return made;
  }

  from(line) {
    return element("p", { className: "from" }, element("bdi", { textContent: line.from?.name || this.title }));
  }

  tellState(made, line, online, isLast) {
    const waiting = isOwn(line) && !line.sent;
    made.classList.toggle("unsent", waiting);
    const text = !isOwn(line) ? "" : waiting ? line.why || pending(line, online) : isLast ? WORDS.sent : "";
    const state = made.lastChild;
    if (state.firstChild?.textContent === text || (!text && !state.firstChild)) return;
    state.replaceChildren(...(text ? [element("span", { textContent: text })] : []));
    if (!line.why) return;
    const name = `${WORDS.remove} ${line.file.name}`;
    const remove = element("button", { type: "button", className: "link", textContent: WORDS.remove, "aria-label": name });
    remove.addEventListener("click", () => this.removed(line.id));
    state.append(remove);
  }
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
