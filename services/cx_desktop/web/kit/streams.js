/**
 * Follow more subjects than one stream of the hub takes: over one as long as it has room, then over a second and a third. A
 * subject stays with its stream, so that the others go on when it comes or goes. What is more than all of them take is not
 * followed, and `linkOf` says so.
 *
 * @typedef {import("./follower.js").Subject} Subject
 * @typedef {import("./follower.js").StreamEvent} StreamEvent
 * @typedef {import("./follower.js").Link} Link
 * @typedef {ReturnType<typeof createStreams>} Streams
 */

import { createFollower, keyOf } from "./follower.js";

const MOST_SUBJECTS = 50; // of one stream, by the hub
const MOST_STREAMS = 3; // a browser opens six connections to an origin, and requests need some of them
const TOO_MANY = "Too much is open in this browser to follow all of it. Close tabs that you don’t need.";
/** The worst first: what is told of all streams. @type {Link["state"][]} */
const RANK = ["signed-out", "refused", "cut", "connecting", "live", "idle"];

/**
 * @param {{onEvent: (event: StreamEvent) => void, onLink: () => void, fetch?: typeof fetch}} ports `onLink`: some stream's link
 *   has changed; `linkOf` tells what that means
 */
export function createStreams({ onEvent, onLink, fetch }) {
  /** @type {{follower: ReturnType<typeof createFollower>, subjects: Map<string, Subject>}[]} */
  const streams = [];
  /** Those that no stream has room for. @type {Map<string, Link>} */
  let leftOut = new Map();

  /** @param {string} key */
  const streamOf = (key) => streams.find(({ subjects }) => subjects.has(key));

  function open() {
    const follower = createFollower({
      // All streams tell the same signs of life: one is enough.
      onEvent: (event) => (event.subject || stream === streams.find(({ subjects }) => subjects.size > 0)) && onEvent(event),
      onLink,
      ...(fetch ? { fetch } : {}),
    });
    const stream = { follower, subjects: new Map() };
    streams.push(stream);
    return stream;
  }

  /** Return a stream that takes one more. */
  function roomy() {
    return streams.find(({ subjects }) => subjects.size < MOST_SUBJECTS) ?? (streams.length < MOST_STREAMS ? open() : null);
  }

  return {
    /** Follow these subjects and no others. @param {Subject[]} wanted */
    set(wanted) {
      const next = new Map(wanted.map((each) => [keyOf(each), each]));
      for (const { subjects } of streams) for (const key of subjects.keys()) if (!next.has(key)) subjects.delete(key);
      const left = new Map();
      for (const [key, subject] of next) {
        if (streamOf(key)) continue;
        const stream = roomy();
        if (stream) stream.subjects.set(key, subject);
        else left.set(key, leftOut.get(key) ?? { state: "refused", since: Date.now(), detail: TOO_MANY });
      }
      leftOut = left;
      for (const { follower, subjects } of streams) follower.set([...subjects.values()]);
    },

    /** Return the link by which these subjects are followed: the worst of all. @param {Iterable<Subject>} subjects @returns {Link} */
    linkOf(subjects) {
      for (const each of subjects) {
        const left = leftOut.get(keyOf(each));
        if (left) return left;
      }
      const links = streams.map(({ follower }) => follower.link());
      return links.sort((a, b) => RANK.indexOf(a.state) - RANK.indexOf(b.state))[0] ?? { state: "idle", since: Date.now() };
    },

    /** @param {Subject} subject */
    isLeftOut: (subject) => leftOut.has(keyOf(subject)),

    /** Return what is held of a subject, as the events that told it. @param {Subject} subject @returns {StreamEvent[]} */
    replay: (subject) => streamOf(keyOf(subject))?.follower.replay(subject) ?? [],

    /** Try at once, where the next try is waited for. */
    tryNow() {
      for (const { follower } of streams) follower.tryNow();
    },

    /** Give up all connections, which may be dead without saying so, and connect anew. */
    reconnect() {
      for (const { follower } of streams) follower.reconnect();
    },
  };
}
