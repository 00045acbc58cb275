/**
 * Read and write the desk's addresses, by which other desktops open and embed it:
 *
 *     /desk · /desk/customers/ID · /desk/conversations/ID · /desk/interactions/ID · /desk/KIND/VALUE
 *
 * `?at_least=SOURCE%23ID` waits for that event; `#SOURCE%23ID` of an entry shows that one.
 *
 * @typedef {{kind: "home"} | {kind: "customer" | "conversation" | "interaction", id: string}
 *   | {kind: "identifier", id: string, of: string}} Where `of`: the identifier's kind, `id` its value
 * @typedef {Where & {atLeast: string[], entry: string}} Address
 */

import { withQuery } from "../kit/http.js";

/** @type {Record<string, "customer" | "conversation" | "interaction">} */
const KINDS = { customers: "customer", conversations: "conversation", interactions: "interaction" };

/** @param {{pathname: string, search: string, hash: string}} location @returns {Address} */
export function parseAddress({ pathname, search, hash }) {
  const [, first = "", rest = ""] = pathname.match(/^\/desk\/([^/]+)\/(.+)$/s) ?? [];
  const more = { atLeast: new URLSearchParams(search).getAll("at_least"), entry: decoded(hash.slice(1)) };
  if (!first) return { kind: "home", ...more };
  const id = decoded(rest);
  const kind = KINDS[first];
  return kind ? { kind, id, ...more } : { kind: "identifier", of: decoded(first), id, ...more };
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** @param {string} id */
const inPath = (id) => id.split("/").map(encodeURIComponent).join("/");
export const customerPath = (/** @type {string} */ id) => `/desk/customers/${inPath(id)}`;
export const conversationPath = (/** @type {string} */ id) => `/desk/conversations/${inPath(id)}`;
export const interactionPath = (/** @type {string} */ id) => `/desk/interactions/${inPath(id)}`;

/**
 * Return the request for the context at an address. A conversation's is that of its customer, who is asked for before.
 *
 * @param {Address} address @param {{asOf?: string | null, knownAt?: string | null}} [past]
 */
export function contextRequest(address, past = {}) {
  const query = {
    as_of: past.asOf,
    known_at: past.knownAt,
    at_least: past.asOf ? [] : address.atLeast,
    wait: address.atLeast.length && !past.asOf ? "2s" : null,
  };
  if (address.kind === "customer") return withQuery(`/v1/customers/${encodeURIComponent(address.id)}/context`, query);
  if (address.kind === "interaction") return withQuery("/v1/context", { interaction: address.id, ...query });
  if (address.kind === "identifier") return withQuery("/v1/context", { identifier: `${address.of}:${address.id}`, ...query });
  throw new TypeError(`no request for ${address.kind}`);
}
