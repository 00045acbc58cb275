/* The visitor's other chats: those that are not shown now. Pure functions over plain objects.

   A chat on the shelf is {session, lines, title, at}, known by its session's interaction; the latest stands first. */

import { isOwn } from "./talk.js";

const MOST_CHATS = 10;

/* The shelf with this talk on it, if something was said in it. */
export function shelved(shelf, { session, lines }) {
  const said = lines.filter((line) => isOwn(line) && !line.refused);
  if (!session.interaction || !said.length) return shelf;
  const title = (said.find((line) => line.text)?.text ?? "").slice(0, 60);
  return [{ session, lines, title, at: lines.at(-1).at }, ...without(shelf, session.interaction)].slice(0, MOST_CHATS);
}

export function without(shelf, interaction) {
  return shelf.filter((chat) => chat.session.interaction !== interaction);
}
