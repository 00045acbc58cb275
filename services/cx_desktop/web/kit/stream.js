/**
 * Follow subjects over the streams of this browser, one as long as it has room: by a `SharedWorker`, or where there is none
 * by streams of this page's own.
 *
 *     const stream = openStream({session: "ben", onEvent, onLink});
 *     stream.follow([{kind: "agent", id: "ben"}, {kind: "customer", id}]);
 *
 * @typedef {import("./follower.js").Subject} Subject
 * @typedef {import("./follower.js").StreamEvent} StreamEvent
 * @typedef {import("./follower.js").Link} Link
 * @typedef {{follow: (subjects: Subject[]) => void, tryNow: () => void, close: () => void}} Stream
 */

import { createStreams } from "./streams.js";

/**
 * @param {{session: string, onEvent: (event: StreamEvent) => void, onLink: (link: Link) => void, isShared?: boolean}} ports
 *   `session`: what the tabs that share a stream have in common, so that another person's tabs have another
 * @returns {Stream}
 */
export function openStream({ session, onEvent, onLink, isShared = true }) {
  const stream = (isShared && shared(session, onEvent, onLink)) || own(onEvent, onLink);
  addEventListener("online", stream.tryNow);
  addEventListener("pagehide", (event) => {
    if (!event.persisted) stream.close();
  });
  return stream;
}

/**
 * @param {string} session @param {(event: StreamEvent) => void} onEvent @param {(link: Link) => void} onLink
 * @returns {Stream | null}
 */
function shared(session, onEvent, onLink) {
  if (!("SharedWorker" in globalThis) || !("locks" in navigator)) return null;
  let worker;
  try {
    worker = new SharedWorker(new URL("./stream-worker.js", import.meta.url), { type: "module", name: session });
  } catch {
    return null;
  }
  const { port } = worker;
  port.onmessage = ({ data }) => {
    if (data.event) onEvent(data.event);
    if (data.link) onLink(data.link);
  };
  const lock = `tab-${crypto.randomUUID()}`;
  navigator.locks.request(lock, () => {
    port.postMessage({ lock });
    return new Promise(() => {});
  });
  return {
    follow: (subjects) => port.postMessage({ follow: subjects }),
    tryNow: () => port.postMessage({ tryNow: true }),
    close: () => port.postMessage({ leave: true }),
  };
}

/** @param {(event: StreamEvent) => void} onEvent @param {(link: Link) => void} onLink @returns {Stream} */
function own(onEvent, onLink) {
  /** @type {Subject[]} */
  let followed = [];
  const streams = createStreams({ onEvent, onLink: () => onLink(streams.linkOf(followed)) });
  return {
    follow(subjects) {
      followed = subjects;
      streams.set(subjects);
      if (subjects.some(streams.isLeftOut)) onLink(streams.linkOf(subjects));
    },
    tryNow: streams.tryNow,
    close: () => streams.set([]),
  };
}
