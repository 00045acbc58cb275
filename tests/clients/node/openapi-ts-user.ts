// Use clients that @hey-api/openapi-ts generated, one of each OpenAPI document, against a live hub.
import * as channels from "./channels/index.js";
import { createClient as createChannelsClient } from "./channels/client/index.js";
import * as contexts from "./context/index.js";
import { createClient as createContextClient } from "./context/client/index.js";
import * as hub from "./hub/index.js";
import { createClient as createHubClient } from "./hub/client/index.js";
import * as ops from "./ops/index.js";
import { createClient as createOpsClient } from "./ops/client/index.js";

declare const process: { env: Record<string, string | undefined> };

const { CX_URL = "", CX_KEY = "" } = process.env;
const ANA = "email:ana@example.com";
const SOURCE = "//acme.example/typescript";

function same(found: unknown, wanted: unknown): void {
  if (JSON.stringify(found) !== JSON.stringify(wanted)) {
    throw new Error(`${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`);
  }
}

function given<Data>(answer: { data?: Data; error?: unknown }): Data {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

function event(id: string): hub.CloudEventWritable {
  return {
    specversion: "1.0",
    id,
    source: SOURCE,
    type: "cx.message.received.v1",
    data: {
      channel: "chat",
      interaction: "chat-ts",
      participants: [{ role: "customer", name: "Ana", identifiers: [{ kind: "email", value: "ana@example.com" }] }],
      message: { id, text: `from ${id}` },
    },
  };
}

const own = { baseUrl: CX_URL, auth: CX_KEY };

// The client of a whole hub: send one event and a batch, read the context, list, write, hear problems.
const client = createHubClient(own);
const first = given(await hub.sendEvents({ client, body: event("m-1") }));
if (!("accepted" in first)) throw new Error(JSON.stringify(first));
same(first.accepted.map(each => each.id), ["m-1"]);
given(await hub.sendEvents({ client, body: [event("m-2"), event("m-3")] }));
const at_least = ["m-1", "m-2", "m-3"].map(id => `${SOURCE}#${id}`);
const read = given(await hub.getContext({ client, query: { identifier: ANA, at_least, wait: "30s" } }));
const { customer, counts } = read.body;
same(counts.messages, 3);
const listed = given(await hub.listConversations({ client, path: { id: customer.id } }));
const [thread] = listed.items;
same(listed.items.length, 1);
if (thread === undefined) throw new Error("there is no conversation");
given(await hub.addNote({ client, path: { id: thread.id }, body: { note: "called", agent: { id: "ben" } } }));
const found = given(await hub.getEvent({ client, query: { source: SOURCE, id: "m-2" } }));
same(found.event.data?.message?.text, "from m-2");

const nobody = await hub.getContext({ client, query: { identifier: "email:nobody@example.com" } });
same([nobody.response?.status, nobody.error?.reason], [404, "unknown-customer"]);
const reserved = await hub.sendEvents({ client, body: { ...event("m-4"), source: "//throughline/acme/x" } });
if (reserved.error === undefined || !("rejected" in reserved.error)) throw new Error(JSON.stringify(reserved.data));
same([reserved.response?.status, reserved.error.rejected?.[0]?.reason], [422, "reserved-source"]);

// The clients of services in processes of their own.
const sent = given(await channels.sendEvents({ client: createChannelsClient(own), body: event("m-5") }));
if (!("accepted" in sent)) throw new Error(JSON.stringify(sent));
same(sent.rejected, []);
const again = given(
  await contexts.getCustomerContext({
    client: createContextClient(own),
    path: { id: customer.id },
    query: { at_least: [`${SOURCE}#m-5`], wait: "30s" },
  }),
);
same(again.body.counts.messages, 4);
const lag = given(await ops.getLag({ client: createOpsClient(own) }));
const topics = [...new Set(lag.items.map(each => each.topic))].sort();
same(topics, ["cx.dead-letters", "cx.interactions"]);

console.log(
  `4 clients in strict TypeScript: ${counts.messages + 1} events sent and read, ${listed.items.length} conversation ` +
    `and ${topics.length} topics listed, 2 problems heard`,
);
