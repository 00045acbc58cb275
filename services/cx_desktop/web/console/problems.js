/**
 * Say what went wrong, and what the key may do, in words for operators. Pure.
 *
 * @typedef {{status: number, reason: string, detail: string}} Failure
 * @typedef {{key: string, scopes: string[], tenant: string}} Me
 */

/** @param {Failure} failure */
export function failureWords(failure) {
  if (failure.status === 0) return "The hub can't be reached.";
  if (failure.reason === "missing-scope") return `The key may not do this: ${failure.detail}`;
  if (failure.reason === "not-the-only-tenant") return `This concerns all tenants of the hub: ${failure.detail}.`;
  if (failure.status === 429) return `The hub asks to wait: ${failure.detail}.`;
  if (failure.status >= 500) return `A part of the hub does not answer: ${failure.detail}.`;
  return failure.detail ? `${failure.detail.replace(/\.$/, "")}.` : `Refused: ${failure.reason}.`;
}

/** @param {Me | null} me @param {string} scope */
export function may(me, scope) {
  return Boolean(me && (me.scopes.includes("*") || me.scopes.includes(scope)));
}

/** Which scope is missing, in words; empty where none is. @param {Me | null} me @param {string} scope */
export function missingWords(me, scope) {
  if (!me || may(me, scope)) return "";
  return `This needs the scope ${scope}. The key ${me.key} has ${me.scopes.join(", ") || "none"}.`;
}
