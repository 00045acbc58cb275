// Send events with the JavaScript SDK over HTTP, in each of its modes, and read them again.
import assert from "node:assert/strict";
import { CloudEvent, HTTP } from "cloudevents";

const { CX_URL, CX_KEY, CX_SENDER_KEY } = process.env;
const data = id => ({
  channel: "chat",
  interaction: "chat-js",
  participants: [{ role: "customer", name: "Ana", identifiers: [{ kind: "email", value: "ana@example.com" }] }],
  message: { id, text: `€ 20 — ${id}` },
});
const event = id =>
  new CloudEvent({ id, source: "//acme.example/js", type: "cx.message.received.v1", data: data(id) });

async function post(headers, body) {
  const answer = await fetch(`${CX_URL}/v1/events`, {
    method: "POST",
    headers: { ...headers, authorization: `Bearer ${CX_SENDER_KEY}` },
    body,
  });
  const said = await answer.json();
  assert.equal(answer.status, 202, JSON.stringify(said));
  assert.deepEqual(said.rejected, []);
  return said.accepted.map(each => each.id);
}

async function send(message) {
  return post(message.headers, message.body);
}

assert.deepEqual(await send(HTTP.binary(event("binary"))), ["binary"]);
assert.deepEqual(await send(HTTP.structured(event("structured"))), ["structured"]);
const bytes = event("bytes").cloneWith({
  data: new Uint8Array(Buffer.from(JSON.stringify(data("bytes")))),
  datacontenttype: "application/json",
});
assert.deepEqual(await send(HTTP.structured(bytes)), ["bytes"]);
const batch = JSON.stringify([event("batch-1"), event("batch-2")]);
assert.deepEqual(await post({ "content-type": "application/cloudevents-batch+json" }, batch), ["batch-1", "batch-2"]);
// The SDK's batch is an array in structured mode; a message of it is made by hand, and read by the SDK.
const read = HTTP.toEvent({ headers: { "content-type": "application/cloudevents-batch+json" }, body: batch });
assert.deepEqual(read.map(each => each.id), ["batch-1", "batch-2"]);

const found = [];
for (const id of ["binary", "structured", "bytes", "batch-1", "batch-2"]) {
  const query = new URLSearchParams({ source: "//acme.example/js", id });
  let answer;
  for (let tries = 0; tries < 300; tries += 1) {
    answer = await fetch(`${CX_URL}/v1/event?${query}`, { headers: { authorization: `Bearer ${CX_KEY}` } });
    if (answer.status !== 404) break;
    await new Promise(done => setTimeout(done, 100));
  }
  const stored = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(stored));
  found.push(JSON.stringify(stored));
  assert.ok(JSON.stringify(stored).includes(`€ 20 — ${id}`), JSON.stringify(stored));
}
console.log(`${found.length} events in the SDK's binary, structured, base64 and batch modes`);
