/** The server's clock, as told last: an agent's own may be minutes wrong, and waits are the server's. */

/** @param {() => number} [local] milliseconds since 1970 by this machine's clock */
export function createClock(local = Date.now) {
  let ahead = 0;
  return {
    /** Hear the server's time. @param {string} now RFC 3339 */
    hear(now) {
      const told = Date.parse(now);
      if (!Number.isNaN(told)) ahead = told - local();
    },
    /** Return milliseconds since 1970 by the server's clock. */
    now: () => local() + ahead,
  };
}
