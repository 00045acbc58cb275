/**
 * Ask the hub's HTTP API. The only module that requests, with `follower.js`, which holds the stream.
 *
 * @typedef {{status: number, body: any, etag: string | null}} Answer
 */

/** What the hub refuses, or what could not be asked. */
export class Problem extends Error {
  /**
   * @param {number} status 0 where no answer came
   * @param {string} reason the stable word of the problem document; "no-connection" where no answer came
   * @param {string} detail for people
   * @param {any} [body] the whole problem document, with further members such as `candidates`
   */
  constructor(status, reason, detail, body = {}) {
    super(detail);
    this.status = status;
    this.reason = reason;
    this.detail = detail;
    this.body = body;
  }

  /** Whether asking again may help: nothing was refused. */
  get mayPass() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/**
 * Return what asks the API in this session.
 *
 * @param {{csrf?: string, onSignedOut?: () => void, fetch?: typeof fetch}} [options] `csrf`: the session's token, as
 *   `/v1/me` tells it; `onSignedOut`: called when the session is over
 */
export function createHttp({ csrf = "", onSignedOut = () => {}, fetch: ask = (...all) => fetch(...all) } = {}) {
  let token = csrf;

  /**
   * @param {string} method
   * @param {string} path
   * @param {{body?: unknown, headers?: Record<string, string>, signal?: AbortSignal}} [options]
   * @returns {Promise<Answer>} raises `Problem`
   */
  async function request(method, path, { body, headers = {}, signal } = {}) {
    const sent = { accept: "application/json", ...headers };
    if (method !== "GET") sent["x-csrf-token"] = token;
    if (body !== undefined) sent["content-type"] = "application/json";
    const answer = await reach(() =>
      ask(path, {
        method,
        headers: sent,
        body: body === undefined ? undefined : JSON.stringify(body),
        signal,
        cache: "no-store",
        credentials: "same-origin",
      }),
    );
    const told = await readJson(answer);
    if (answer.ok || answer.status === 304) return { status: answer.status, body: told, etag: answer.headers.get("etag") };
    const problem = new Problem(answer.status, told?.reason ?? "refused", told?.detail ?? answer.statusText, told ?? {});
    if (problem.reason === "session-over" || problem.reason === "no-key") onSignedOut();
    throw problem;
  }

  return {
    /** @param {string} path @param {{headers?: Record<string, string>, signal?: AbortSignal}} [options] */
    get: (path, options) => request("GET", path, options),

    /**
     * Send what changes something. `key` makes it safe to send again: the hub does it once (`Idempotency-Key`).
     *
     * @param {string} path @param {unknown} body @param {{key?: string, signal?: AbortSignal}} [options]
     */
    post: (path, body, { key, signal } = {}) =>
      request("POST", path, { body, signal, headers: key ? { "idempotency-key": key } : {} }),

    /** @param {string} path @param {unknown} body */
    put: (path, body) => request("PUT", path, { body }),

    /** @param {string} path */
    delete: (path) => request("DELETE", path),

    /** Take the token of a session that has begun. @param {string} given */
    setToken(given) {
      token = given;
    },
  };
}

/** @param {() => Promise<Response>} ask */
async function reach(ask) {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem(0, "no-connection", "The hub can't be reached.");
  }
}

/** @param {Response} answer */
async function readJson(answer) {
  try {
    const text = await answer.text();
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

/**
 * Return a path with a query; members that are null or "" are left out, arrays are repeated.
 *
 * @param {string} path @param {Record<string, unknown>} query
 */
export function withQuery(path, query) {
  const parts = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== null && each !== undefined && each !== "") parts.append(name, String(each));
    }
  }
  // The hub reads a plus in a query as a plus, so that phone numbers can be written: a space is %20.
  const text = parts.toString().replaceAll("+", "%20");
  return text ? `${path}?${text}` : path;
}

/** Return a key for an act that may be sent twice and is to be done once. */
export function newKey() {
  return crypto.randomUUID();
}
