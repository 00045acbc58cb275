// Ask vendors' libraries whether they take a signed request, and have some of them sign one.
//
// Each function gets the request and the connection's newest secret; what a library refuses by an error of its own is
// refused. ``documents`` is what the vendor would publish, by address.
import { createHash } from "node:crypto";
import { EventEmitter } from "node:events";
import { createServer } from "node:http";
import https from "node:https";
import { createRequire } from "node:module";
import { parse } from "node:querystring";
import { Readable } from "node:stream";

const require = createRequire(import.meta.url);
const digest = (bytes, encoding = "hex") => createHash("sha256").update(bytes).digest(encoding);
const isJson = request => /^application\/(?:[\w.-]+\+)?json\b/.test(request.headers["content-type"] ?? "");
// As Express has a form: a field that comes twice is a list.
const formOf = request => ({ ...parse(request.text) });
const once = make => {
  const made = new Map();
  return key => made.has(key) ? made.get(key) : made.set(key, make(key)).get(key);
};

// --- Twilio and SendGrid ---------------------------------------------------------------------------------------------

async function twilio({ request, secret }) {
  const { validateRequest, validateRequestWithBody } = (await import("twilio")).default;
  const given = request.headers["x-twilio-signature"];
  if (isJson(request)) return validateRequestWithBody(secret, given, request.url, request.text);
  return validateRequest(secret, given, request.url, request.method === "GET" ? {} : formOf(request));
}

async function signTwilio({ request, secret }) {
  const { getExpectedBodyHash, getExpectedTwilioSignature } = require("twilio/lib/webhooks/webhooks");
  const url = new URL(request.url);
  if (isJson(request)) url.searchParams.set("bodySHA256", getExpectedBodyHash(request.text));
  const fields = isJson(request) || request.method === "GET" ? {} : formOf(request);
  const made = getExpectedTwilioSignature(secret, url.toString(), fields);
  return { url: url.toString(), headers: { "x-twilio-signature": made } };
}

async function sendgrid({ request, secret }) {
  const { EventWebhook, EventWebhookHeader } = (await import("@sendgrid/eventwebhook")).default;
  const [given, at] = [EventWebhookHeader.SIGNATURE(), EventWebhookHeader.TIMESTAMP()]
    .map(name => request.headers[name.toLowerCase()]);
  const check = new EventWebhook();
  return check.verifySignature(check.convertPublicKeyToECDSA(secret), request.text, given, at);
}

// --- messengers ------------------------------------------------------------------------------------------------------

async function slack({ request, secret }) {
  const { isValidSlackRequest } = await import("@slack/bolt");
  return isValidSlackRequest({ signingSecret: secret, body: request.text, headers: request.headers });
}

async function line({ request, secret }) {
  const { validateSignature } = await import("@line/bot-sdk");
  return validateSignature(request.body, secret, request.headers["x-line-signature"]);
}

async function viber({ request, secret }) {
  const Validator = require("viber-bot/lib/message/message-validator");
  const check = new Validator({ debug() {} }, secret);
  return check.validateMessage(request.headers["x-viber-content-signature"], request.body);
}

async function meta({ request, secret }) {
  const { WhatsAppAPI } = await import("whatsapp-api-js");
  const api = new WhatsAppAPI({ token: "a token", appSecret: secret, v: "v24.0" });
  return api.verifyRequestSignature(request.text, request.headers["x-hub-signature-256"]);
}

const me = { id: 1, is_bot: true, first_name: "Acme", username: "acme_bot" };

async function telegram({ request, secret }) {
  const { Bot, webhookCallback } = await import("grammy");
  const handle = webhookCallback(new Bot("1:a-token", { botInfo: me }), "std/http", { secretToken: secret });
  const answer = await handle(new Request(request.url, request));
  return answer.status === 200;
}

const services = once(async secret => {
  const { AppService } = await import("matrix-appservice");
  const service = new AppService({ homeserverToken: secret });
  const app = createServer(service.expressApp).listen(0, "127.0.0.1");
  await new Promise(done => app.once("listening", done));
  return `http://127.0.0.1:${app.address().port}`;
});
let transactions = 0;

// An application service answers a transaction that it had by 200, so each has a number of its own.
async function matrix({ request, secret }) {
  const place = `${await services(secret)}/_matrix/app/v1/transactions/${(transactions += 1)}`;
  const answer = await fetch(place, { method: "PUT", headers: request.headers, body: request.body });
  return answer.status === 200;
}

// --- Vonage ----------------------------------------------------------------------------------------------------------

// The library checks the token; its claim payload_hash is left to whoever calls it.
async function vonage({ request, secret }) {
  const { verifySignature } = await import("@vonage/jwt");
  const token = request.headers.authorization.replace(/^Bearer /, "");
  if (!verifySignature(token, secret)) return false;
  const told = JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
  return told.payload_hash === digest(request.body);
}

// --- Amazon SNS ------------------------------------------------------------------------------------------------------

// The libraries fetch the certificate by node:https, which is told here to have it from what was handed over.
function servingBy(documents) {
  https.get = (address, ...rest) => {
    const document = documents[String(address)];
    const answer = Readable.from(document === undefined ? [] : [Buffer.from(document, "base64")]);
    answer.statusCode = document === undefined ? 404 : 200;
    rest.at(-1)(answer);
    return new EventEmitter();
  };
}

async function sns({ request, documents }) {
  servingBy(documents);
  const Validator = (await import("sns-validator")).default;
  return new Promise(done => new Validator().validate(JSON.parse(request.text), error => done(!error)));
}

async function snsPayload({ request, documents }) {
  servingBy(documents);
  const Validator = (await import("sns-payload-validator")).default;
  await new Validator({ autoSubscribe: false, autoResubscribe: false }).validate(JSON.parse(request.text));
  return true;
}

// --- Microsoft -------------------------------------------------------------------------------------------------------

// The library keeps the keys that it fetched by the address that named them, so each set of keys has one of its own.
const openid = once(async keys => {
  const server = createServer((asked, answer) => {
    const place = `http://127.0.0.1:${server.address().port}`;
    answer.setHeader("content-type", "application/json");
    answer.end(asked.url === "/keys" ? Buffer.from(keys, "base64") : JSON.stringify({ jwks_uri: `${place}/keys` }));
  }).listen(0, "127.0.0.1");
  await new Promise(done => server.once("listening", done));
  return `http://127.0.0.1:${server.address().port}/openid`;
});

async function msteams({ request, documents, settings }) {
  const { ChannelValidation, JwtTokenValidation, SimpleCredentialProvider } =
    await import("botframework-connector");
  ChannelValidation.OpenIdMetadataEndpoint = await openid(Object.values(documents)[0]);
  const credentials = new SimpleCredentialProvider(settings.app_id, "");
  const activity = JSON.parse(request.text);
  const claims = await JwtTokenValidation.authenticateRequest(activity, request.headers.authorization, credentials, "");
  return claims.isAuthenticated;
}

// --- the Fediverse ---------------------------------------------------------------------------------------------------

const CONTEXTS = ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"];

// Actors' documents as their servers publish them, which is with a context.
function actorsIn(documents) {
  return async address => {
    const found = documents[address.split("#")[0]];
    if (found === undefined) throw new Error(`${address} is not published`);
    const actor = JSON.parse(Buffer.from(found, "base64"));
    return { contextUrl: null, documentUrl: address, document: { "@context": CONTEXTS, ...actor } };
  };
}

const SPECS = { draft: "draft-cavage-http-signatures-12", message: "rfc9421" };

function fetched(request) {
  return new Request(request.url, { method: request.method, headers: request.headers, body: request.body });
}

async function mastodon({ request, documents }) {
  const { verifyRequest } = await import("@fedify/fedify/sig");
  const spec = "signature-input" in request.headers ? SPECS.message : SPECS.draft;
  const given = fetched({ ...request, headers: { host: new URL(request.url).host, ...request.headers } });
  const loads = { documentLoader: actorsIn(documents), contextLoader: await contexts() };
  return (await verifyRequest(given, { ...loads, spec })) !== null;
}

export async function contexts() {
  const { getDocumentLoader } = await import("@fedify/vocab-runtime");
  return getDocumentLoader(); // it has the usual contexts in itself
}

function signMastodon(spec) {
  return async ({ request, key, keyId }) => {
    const { signRequest } = await import("@fedify/fedify/sig");
    const { Temporal } = await import("@js-temporal/polyfill");
    const usage = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
    const own = await crypto.subtle.importKey("pkcs8", Buffer.from(key, "base64"), usage, true, ["sign"]);
    const currentTime = Temporal.Instant.fromEpochMilliseconds(Math.floor(request.received / 1000));
    const signed = await signRequest(fetched(request), own, new URL(keyId), { spec, currentTime });
    return { headers: Object.fromEntries(signed.headers) };
  };
}

export const accepts = {
  line, mastodon, matrix, meta, msteams, sendgrid, slack, sns, snsPayload, telegram, twilio, viber, vonage,
};
export const signs = {
  twilio: signTwilio,
  mastodonDraft: signMastodon(SPECS.draft),
  mastodonMessage: signMastodon(SPECS.message),
};
