// Read events and change notices from Kafka with KafkaJS and the JavaScript SDK of CloudEvents.
import assert from "node:assert/strict";
import { CloudEvent, HTTP, Kafka as CloudEventsOnKafka } from "cloudevents";
import kafkajs from "kafkajs";
import { compressFrame, decompressFrame } from "lz4-napi";

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs;
const { CX_URL, CX_SENDER_KEY, CX_KAFKA, CX_TOPIC_PREFIX = "" } = process.env;
const EVENTS = 200;

const customer = number => `customer-${number % 20}@example.com`;
const sent = Array.from({ length: EVENTS }, (_, number) =>
  new CloudEvent({
    id: `js-${number}`,
    source: "//acme.example/js",
    type: "cx.message.received.v1",
    data: {
      channel: "chat",
      interaction: `chat-${number % 20}`,
      participants: [{ role: "customer", identifiers: [{ kind: "email", value: customer(number) }] }],
      message: { id: `js-${number}`, text: `word ${number}` },
    },
  }));
const answer = await fetch(`${CX_URL}/v1/events`, {
  method: "POST",
  headers: { "content-type": "application/cloudevents-batch+json", authorization: `Bearer ${CX_SENDER_KEY}` },
  body: JSON.stringify(sent),
});
assert.equal(answer.status, 202, await answer.clone().text());

const kafka = new Kafka({ clientId: "throughline-clients", brokers: CX_KAFKA.split(","), logLevel: logLevel.NOTHING });

// Header values are Buffers in KafkaJS; the SDK expects strings. The key of a notice is 16 bytes and no text.
const texts = headers => Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.toString()]));
const toEvent = message =>
  CloudEventsOnKafka.toEvent({ headers: texts(message.headers), key: undefined, value: message.value.toString() });

// A broker that has just started refuses groups for a moment; a codec that is missing is not tried again.
async function consume(topic, enough) {
  const consumer = kafka.consumer({ groupId: `clients-${topic}-${process.pid}-${Math.random()}`, retry: { retries: 20 } });
  await consumer.connect();
  await consumer.subscribe({ topic: CX_TOPIC_PREFIX + topic, fromBeginning: true });
  const found = [];
  try {
    await new Promise((done, fail) => {
      consumer.on(consumer.events.CRASH, crash => fail(crash.payload.error));
      consumer.run({ eachMessage: async ({ partition, message }) => {
        found.push({ partition, message, event: toEvent(message) });
        if (enough(found)) done();
      } }).catch(fail);
    });
  } finally {
    await consumer.disconnect();
  }
  return found;
}

// The hub compresses with LZ4, of which KafkaJS has no codec: it says so, and reads nothing. Of the packages that offer
// one, lz4-napi reads frames with checksums of blocks, as the hub's are; lz4js (0.2.0) does not.
const refused = await consume("cx.interactions", () => false).catch(error => error);
assert.match(String(refused), /LZ4 compression not implemented/);
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: encoder => compressFrame(encoder.buffer),
  decompress: buffer => decompressFrame(buffer),
});

const events = await consume("cx.interactions", found =>
  new Set(found.map(each => each.event.id).filter(id => id.startsWith("js-"))).size === EVENTS);
const ours = events.filter(each => each.event.id.startsWith("js-"));
assert.deepEqual(new Set(ours.map(each => each.event.id)), new Set(sent.map(each => each.id)));
for (const { message, event } of ours) {
  assert.equal(message.headers["content-type"].toString(), "application/cloudevents+json");
  assert.equal(message.key.toString(), JSON.parse(message.value).partitionkey);
  assert.equal(event.type, "cx.message.received.v1");
  assert.equal(event.data.message.id, event.id);
}
const orders = Object.groupBy
  ? Object.groupBy(ours, each => each.event.data.interaction)
  : ours.reduce((all, each) => ({ ...all, [each.event.data.interaction]: [...(all[each.event.data.interaction] ?? []), each] }), {});
for (const chat of Object.values(orders)) {
  const numbers = chat.map(each => Number(each.event.id.slice(3)));
  assert.deepEqual(numbers, [...numbers].sort((a, b) => a - b), "one customer's events are in order");
  assert.equal(new Set(chat.map(each => each.partition)).size, 1);
}

const notices = await consume("cx.context-changes", found => new Set(found.map(each => each.event.subject)).size >= 20);
for (const { message, event } of notices) {
  assert.equal(event.type, "cx.context.changed.v1");
  assert.equal(event.source, "//throughline/acme/contexts");
  assert.equal(event.tenantid, "acme");
  assert.equal(message.key.toString("hex"), event.subject.replaceAll("-", ""));
  assert.equal(event.data.customer, event.subject);
  assert.equal(event.id, [event.subject, event.data.version, event.data.merged_into].filter(Boolean).join("/"));
}
// The SDK reads an event that it has written itself in the same way: there is no second form.
assert.equal(toEvent({ ...CloudEventsOnKafka.structured(sent[0]) }).id, sent[0].id);
assert.equal(HTTP.isEvent(HTTP.structured(sent[0])), true);
console.log(`${ours.length} events and ${notices.length} notices, by KafkaJS and the SDK`);
process.exit(0);
