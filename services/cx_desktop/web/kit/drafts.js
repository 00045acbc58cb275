/**
 * Keep what is half-written, as it is typed: through reloads, sign-outs, merges and cuts. In this browser alone.
 * `owner`: whose drafts these are, so that another agent at this machine sees none of them.
 */

import { forget, keep, kept } from "./page.js";

/** @param {string} owner */
export function createDrafts(owner) {
  const name = (/** @type {string} */ place) => `draft/${owner}/${place}`;
  return {
    /** @param {string} place such as `note/CONVERSATION` */
    read: (place) => kept(name(place)) ?? "",
    /** @param {string} place @param {string} text */
    write(place, text) {
      if (text === "") forget(name(place));
      else keep(name(place), text);
    },
    /** @param {string} place */
    clear: (place) => forget(name(place)),
    /** Move a draft to where its matter has moved; what is written there already comes first. @param {string} from @param {string} to */
    move(from, to) {
      const text = kept(name(from));
      if (text === null || from === to) return;
      const there = kept(name(to));
      keep(name(to), there ? `${there}\n${text}` : text);
      forget(name(from));
    },
  };
}
