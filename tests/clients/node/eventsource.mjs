// Follow a customer with npm's eventsource, and print the version of each state. The hub may restart meanwhile.
import { EventSource } from "eventsource";

const { CX_URL, CX_READER_KEY } = process.env;
const [customer, name = "context"] = process.argv.slice(2);

const resumed = [];
const stream = new EventSource(`${CX_URL}/v1/customers/${customer}/stream`, {
  fetch: (input, init) => {
    const last = new Headers(init.headers).get("last-event-id");
    if (last) resumed.push(last);
    return fetch(input, { ...init, headers: { ...init.headers, authorization: `Bearer ${CX_READER_KEY}` } });
  },
});
stream.addEventListener(name, event => {
  const state = JSON.parse(event.data);
  console.log(JSON.stringify({
    id: event.lastEventId,
    version: state.meta.version,
    messages: state.body.counts.messages,
    resumed: resumed.length,
  }));
});
stream.addEventListener("error", event => {
  if (event.code && event.code !== 503) console.log(JSON.stringify({ error: event.code, message: event.message }));
});
process.on("SIGTERM", () => {
  stream.close();
  process.exit(0);
});
