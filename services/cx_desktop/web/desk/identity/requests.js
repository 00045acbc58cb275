/** Build the requests of decisions about who is who. Pure. @typedef {{path: string, body: Record<string, unknown>}} Request */

/** @param {string} a @param {string} b @param {string} reason @param {string[]} [despite] obstacles to ignore, by name @returns {Request} */
export const merge = (a, b, reason, despite = []) => ({ path: "/v1/identity/merge", body: { a, b, reason, ...(despite.length ? { despite } : {}) } });

/** @param {string} decision SOURCE#ID @param {string} reason @returns {Request} */
export const withdraw = (decision, reason) => ({ path: "/v1/identity/unmerge", body: { decision, reason } });

/** Say that two profiles are two people, until somebody decides otherwise. @param {string} a @param {string} b @param {string} reason @returns {Request} */
export const keepApart = (a, b, reason) => ({ path: "/v1/identity/unmerge", body: { apart: [a, b], reason } });

/** @param {string} interaction @param {string} profile @param {string} reason @returns {Request} */
export const attribute = (interaction, profile, reason) => ({ path: "/v1/identity/attribute", body: { interaction, profile, reason } });

/** @param {string} candidate @param {string} reason @returns {Request} */
export const dismiss = (candidate, reason) => ({ path: "/v1/identity/dismiss", body: { candidate, reason } });

/** Ask what would be, without deciding it. @param {Request} request @returns {Request} */
export const dryRun = ({ path, body }) => ({ path: `${path}?dry_run=true`, body });
