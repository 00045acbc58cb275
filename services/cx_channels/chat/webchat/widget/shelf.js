/* All chats of a visitor's browser, as each tab knows them: {talk, shelf}, the one that is shown and the others. Pure
   functions over plain objects.

   A chat on the shelf is {session, lines}, known by its session's interaction; the one in which something was said last
   stands first. The shelf is merged as a talk is (talk.js): tabs share a store but no lock, and what one wrote another
   may not read yet, even when it has been told of it. */

import { forgottenIn, isOwn, merged, mergedLines, preferred } from "./talk.js";

const MOST_CHATS = 10;

/* What two tabs know, together. A talk whose place another took goes to the shelf. Of two forgotten at different times,
   the later counts alone. */
export function mergedChats(one, other) {
  const later = forgottenIn(one.talk) - forgottenIn(other.talk);
  if (later) return later > 0 ? one : other;
  const talk = merged(one.talk, other.talk);
  const left = [one.talk, other.talk].filter(({ era }) => era < talk.era);
  const shelf = mergedShelf([...one.shelf, ...other.shelf, ...left]);
  const shown = shelf.find((chat) => chat.session.interaction === talk.session.interaction);
  const lines = shown ? mergedLines(talk.lines, shown.lines) : talk.lines;
  return { talk: { ...talk, lines }, shelf: shelf.filter((chat) => chat !== shown).slice(0, MOST_CHATS) };
}

/* Each of these chats once, with all its lines, if the visitor said something that it can be found by again. */
function mergedShelf(chats) {
  const known = new Map();
  for (const { session, lines } of chats) {
    const before = known.get(session.interaction);
    const counts = before && preferred(before.session, session) > 0 ? before.session : session;
    known.set(session.interaction, { session: counts, lines: before ? mergedLines(before.lines, lines) : lines });
  }
  known.delete("");
  return [...known.values()].filter(({ lines }) => ownLines(lines).length).sort(latestFirst);
}

function ownLines(lines) {
  return lines.filter((line) => isOwn(line) && !line.refused);
}

function latestFirst(one, other) {
  return Date.parse(saidLast(other)) - Date.parse(saidLast(one));
}

/* When something was said last in a chat. */
export function saidLast({ lines }) {
  return lines.at(-1).at;
}

/* The first words that the visitor said in a chat; "" where they sent files alone. */
export function titleOf({ lines }) {
  return (ownLines(lines).find((line) => line.text)?.text ?? "").slice(0, 60);
}
