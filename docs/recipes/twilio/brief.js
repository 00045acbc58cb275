/* A Twilio Function: tells the hub of a call, and hands a Studio flow what it may say and where to route.
 *
 * Parameters (of the Run Function widget): CallSid, From, StirVerstat; account and method once the flow has checked a PIN.
 * Environment: CX_URL, CX_KEY (context:read, events:write, identity:assert), CX_PIN_KEY (events:write, identity:prove).
 */
"use strict";

const CONNECTION = "acme-calls";
const SOURCE = "//acme.example/studio";
const MILLISECONDS = 1500; // for each of the two requests: the widget gives up after 10 s, and the caller hears nothing meanwhile
const NOTHING = { level: "none", by: "", reason: "", say: { name: "", open: 0, waiting: false, known: {} }, route: { queue: "", agent: "" } };

exports.handler = async function (context, event, callback) {
  let told = "";
  try {
    told = event.account ? await tellProof(context, event) : await tellStart(context, event);
  } catch (problem) {
    console.log("the hub was not told: " + problem.message); // the call goes on
  }
  try {
    callback(null, { hub: "yes", ...(await askBrief(context, event, told)) });
  } catch (problem) {
    console.log("no brief: " + problem.message);
    callback(null, { hub: "no", ...NOTHING });
  }
};

/* The brief, once the hub has applied what it was told: a proof or an attestation counts at once. */
function askBrief(context, event, told) {
  const query = told ? "?" + new URLSearchParams({ at_least: told, wait: "1s" }) : "";
  const asked = { interaction: `${CONNECTION}/${event.CallSid}`, identifier: `phone:${event.From || "anonymous"}` };
  return post(context, "/v1/context/brief" + query, asked, context.CX_KEY);
}

/* A number is asserted where its carrier attests it fully, else a claim. */
function tellStart(context, event) {
  const weight = event.StirVerstat === "TN-Validation-Passed-A" ? { weight: "asserted" } : {};
  const named = /^\+[0-9]+$/.test(event.From || "") ? [{ kind: "phone", value: event.From, ...weight }] : [];
  return tell(context, event, "cx.interaction.started.v1", "started", named, context.CX_KEY);
}

/* The account whose PIN was right was proved, and the number was not. */
function tellProof(context, event) {
  const named = [{ kind: "account", value: event.account, weight: "proved" }];
  const evidence = { evidence: event.method || "ivr-pin" };
  return tell(context, event, "cx.identity.verified.v1", "proved", named, context.CX_PIN_KEY, evidence);
}

/* Sends an event, the same id whenever the same step is told, and returns its name. */
async function tell(context, event, type, what, identifiers, key, more = {}) {
  const id = `${event.CallSid}/${what}`;
  const participants = [{ role: "customer", identifiers }];
  const data = { channel: "voice", interaction: `${CONNECTION}/${event.CallSid}`, direction: "inbound", participants, ...more };
  await post(context, "/v1/events", { specversion: "1.0", id, source: SOURCE, type, data }, key);
  return `${SOURCE}#${id}`;
}

async function post(context, path, body, key) {
  const answer = await fetch(context.CX_URL + path, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(MILLISECONDS),
  });
  if (!answer.ok) throw new Error(`${path} answers ${answer.status}`);
  return answer.json();
}
