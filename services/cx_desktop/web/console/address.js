/**
 * Read and write the console's addresses. Filters stand in them, so that a view can be kept, sent and reloaded. Pure.
 *
 * @typedef {{page: string, filters: Record<string, string>}} Place
 */

/** Pages in the order of the menu: name, words. @type {readonly (readonly [string, string])[]} */
export const PAGES = [
  ["health", "Health"],
  ["log", "Log"],
  ["projectors", "Projectors"],
  ["dead-letters", "Dead letters"],
  ["rebuild", "Rebuild"],
  ["replay", "Replay"],
  ["identity", "Identity"],
  ["connections", "Connections"],
  ["subscriptions", "Subscriptions"],
  ["acts", "Acts"],
];

/** Pages of one thing, with the page of the menu that they belong to. */
const PARENTS = /** @type {Record<string, string>} */ ({
  event: "log",
  record: "log",
  "dead-letter": "dead-letters",
  subscription: "subscriptions",
});

const ROOT = "/console";

/** What may be filtered, by page; anything else in an address is left alone. */
export const LOG_FILTERS = [
  "topic", "text", "type", "connection", "interaction", "customer", "source", "id", "key", "where", "since", "until",
  "stage", "reason", "partition", "order",
];

/** @param {string} path @param {string} query as `location.search` has it @returns {Place} */
export function readPlace(path, query) {
  const page = path.slice(ROOT.length).replace(/^\/+|\/+$/g, "") || "health";
  const filters = Object.fromEntries([...new URLSearchParams(query)].filter(([, value]) => value));
  return { page: isKnown(page) ? page : "unknown", filters };
}

/** @param {string} page */
function isKnown(page) {
  return Object.hasOwn(PARENTS, page) || PAGES.some(([name]) => name === page);
}

/** @param {string} page @param {Record<string, unknown>} [filters] those that are empty are left out */
export function addressOf(page, filters = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filters)) {
    if (value !== "" && value !== null && value !== undefined && value !== false) query.set(name, String(value));
  }
  const text = query.toString();
  return `${ROOT}${page === "health" ? "" : `/${page}`}${text ? `?${text}` : ""}`;
}

/** Return the source and id that `SOURCE#ID` names, as the desk and the API write it; null for another text. @param {string} text */
export function eventNamed(text) {
  const at = text.indexOf("#");
  return at > 0 && at < text.length - 1 ? { source: text.slice(0, at), id: text.slice(at + 1) } : null;
}

const NODE_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether a text is an id as the hub makes them of customers. @param {string} text */
export const isNodeId = (text) => NODE_ID.test(text);

/**
 * Return the desk's address of a customer who is named by an id of the hub's, `KIND:VALUE`, a mail address or a number
 * with its country code; "" for another text.
 *
 * @param {string} text
 */
export function deskAddress(text) {
  const path = (/** @type {string} */ kind, /** @type {string} */ value) => `/desk/${encodeURIComponent(kind)}/${encodeURIComponent(value)}`;
  if (isNodeId(text)) return path("customers", text.toLowerCase());
  const [, kind = "", value = ""] = text.match(/^([a-z][a-z0-9-]*):(\S+)$/) ?? [];
  if (kind) return path(kind, value);
  if (/^[^\s@]+@[^\s@]+$/.test(text)) return path("email", text);
  return /^\+[\d ()./-]{5,}$/.test(text) ? path("phone", `+${text.replace(/\D/g, "")}`) : "";
}

/** The page of the menu that a page belongs to. @param {string} page */
export function menuPage(page) {
  return PARENTS[page] ?? page;
}

/** @param {Place} place */
export function titleOf(place) {
  const words = /** @type {Record<string, string>} */ (Object.fromEntries(PAGES));
  const own = { event: "Event", record: "Record", "dead-letter": "Dead letter", subscription: "Subscription" };
  return own[/** @type {keyof typeof own} */ (place.page)] ?? words[place.page] ?? "Not here";
}
