/**
 * What is half-written, by contact: it is kept as it is typed, through reload, sign-out and cut, and it goes wherever its
 * contact goes, through merge and split, since a contact's own id never changes.
 *
 * @typedef {ReturnType<typeof createFields>} Fields
 */

/** @param {{read: (place: string) => string, write: (place: string, text: string) => void}} drafts */
export function createFields(drafts) {
  /** Where a browser refuses to keep anything, this page still does. @type {Map<string, string>} */
  const here = new Map();
  const place = (/** @type {string} */ name, /** @type {string} */ interaction) => `${name}/${interaction}`;

  return {
    /** @param {string} name @param {string} interaction */
    read: (name, interaction) => here.get(place(name, interaction)) ?? drafts.read(place(name, interaction)),
    /** @param {string} name @param {string} interaction @param {string} text */
    write(name, interaction, text) {
      here.set(place(name, interaction), text);
      drafts.write(place(name, interaction), text);
    },
  };
}
