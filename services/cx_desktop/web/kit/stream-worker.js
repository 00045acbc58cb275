/**
 * The worker that all tabs of a browser share: one stream for all of them, since a browser opens six connections to an
 * origin. Each tab follows what it shows; the stream follows all of it.
 */

import { createFollower, keyOf } from "./follower.js";

/** @type {Map<MessagePort, Map<string, import("./follower.js").Subject>>} */
const ports = new Map();

const follower = createFollower({
  onEvent(event) {
    const key = event.subject ? keyOf(event.subject) : null;
    for (const [port, subjects] of ports) if (key === null || subjects.has(key)) port.postMessage({ event });
  },
  onLink(link) {
    for (const port of ports.keys()) port.postMessage({ link });
  },
});

/** @param {MessagePort} port @param {import("./follower.js").Subject[]} wanted */
function follow(port, wanted) {
  const before = ports.get(port) ?? new Map();
  ports.set(port, new Map(wanted.map((each) => [keyOf(each), each])));
  for (const each of wanted) {
    if (!before.has(keyOf(each))) for (const event of follower.replay(each)) port.postMessage({ event });
  }
  followAll();
}

function followAll() {
  const all = new Map([...ports.values()].flatMap((subjects) => [...subjects])); // most tabs have the agent and its queues in common
  follower.set([...all.values()].slice(0, 50));
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
    if (data.tryNow) follower.tryNow();
    if (data.reconnect) follower.reconnect();
    if (data.leave) leave(port);
    // The tab holds this lock as long as it lives: whoever gets it knows that the tab is gone, however it went.
    if (data.lock) navigator.locks?.request(data.lock, () => leave(port));
  };
  port.postMessage({ link: follower.link() });
});
