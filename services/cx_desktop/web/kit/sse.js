/**
 * Read server-sent events (HTML, section 9.2) off a response.
 *
 * @typedef {{name: string, id: string, retry: number, data: any}} RawEvent `data`: of JSON; null where there is none
 */

/**
 * Yield the events of a body. `onBytes` is called with each piece, comments among them.
 *
 * @param {ReadableStream<Uint8Array>} body @param {() => void} onBytes
 * @returns {AsyncGenerator<RawEvent>}
 */
export async function* readEvents(body, onBytes) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      onBytes();
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) yield parseEvent(block);
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** @param {string} block lines of one event @returns {RawEvent} */
export function parseEvent(block) {
  const event = { name: "message", id: "", retry: 0, data: null };
  const data = [];
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") event.name = value;
    else if (field === "data") data.push(value);
    else if (field === "id") event.id = value;
    else if (field === "retry" && /^\d+$/.test(value)) event.retry = Number(value);
  }
  if (data.length > 0) event.data = JSON.parse(data.join("\n"));
  return event;
}
