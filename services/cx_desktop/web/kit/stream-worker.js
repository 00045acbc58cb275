/**
 * The worker that all tabs of a browser share: as few streams as there can be for all of them, since a browser opens six
 * connections to an origin. Each tab follows what it shows; the streams follow all of it.
 */

import { keyOf } from "./follower.js";
import { createStreams } from "./streams.js";

/** @type {Map<MessagePort, Map<string, import("./follower.js").Subject>>} */
const ports = new Map();

const streams = createStreams({
  onEvent(event) {
    const key = event.subject ? keyOf(event.subject) : null;
    for (const [port, subjects] of ports) if (key === null || subjects.has(key)) port.postMessage({ event });
  },
  onLink() {
    for (const port of ports.keys()) tellLink(port);
  },
});

/** @param {MessagePort} port */
function tellLink(port) {
  port.postMessage({ link: streams.linkOf(ports.get(port)?.values() ?? []) });
}

/** @param {MessagePort} port @param {import("./follower.js").Subject[]} wanted */
function follow(port, wanted) {
  const before = ports.get(port) ?? new Map();
  ports.set(port, new Map(wanted.map((each) => [keyOf(each), each])));
  for (const each of wanted) {
    if (!before.has(keyOf(each))) for (const event of streams.replay(each)) port.postMessage({ event });
  }
  followAll();
}

function followAll() {
  const before = lacking();
  const all = new Map([...ports.values()].flatMap((subjects) => [...subjects])); // most tabs have the agent and its queues in common
  streams.set([...all.values()]);
  for (const port of new Set([...before, ...lacking()])) if (ports.has(port)) tellLink(port);
}

/** Return the ports of tabs that show what no stream has room for. */
function lacking() {
  return [...ports.keys()].filter((port) => [...(ports.get(port)?.values() ?? [])].some(streams.isLeftOut));
}

/** @param {MessagePort} port */
function leave(port) {
  ports.delete(port);
  followAll();
}

self.addEventListener("connect", (event) => {
  const port = /** @type {MessageEvent} */ (event).ports[0];
  ports.set(port, new Map());
  port.onmessage = ({ data }) => {
    if (data.follow) follow(port, data.follow);
    if (data.tryNow) streams.tryNow();
    if (data.reconnect) streams.reconnect();
    if (data.leave) leave(port);
    // The tab holds this lock as long as it lives: whoever gets it knows that the tab is gone, however it went.
    if (data.lock) navigator.locks?.request(data.lock, () => leave(port));
  };
  tellLink(port);
});
