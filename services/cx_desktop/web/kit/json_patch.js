/**
 * Apply JSON Patch (RFC 6902), of which the hub sends `add`, `remove` and `replace`. Values are not changed in place:
 * what a patch leaves alone stays the same object.
 *
 * @typedef {{op: "add" | "remove" | "replace", path: string, value?: unknown}} Operation
 */

/**
 * Return the value that a patch makes of `value`. Raises `RangeError` where it does not fit.
 *
 * @param {any} value @param {Operation[]} operations
 */
export function applyPatch(value, operations) {
  return operations.reduce((current, each) => applied(current, pointer(each.path), each), value);
}

/** @param {string} path @returns {string[]} */
function pointer(path) {
  if (path === "") return [];
  if (!path.startsWith("/")) throw new RangeError(`no pointer: ${path}`);
  return path
    .slice(1)
    .split("/")
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** @param {any} value @param {string[]} steps @param {Operation} operation @returns {any} */
function applied(value, steps, operation) {
  if (steps.length === 0) return operation.value;
  const [step, ...rest] = steps;
  if (Array.isArray(value)) return inList(value, step, rest, operation);
  if (value === null || typeof value !== "object") throw new RangeError(`nothing at ${operation.path}`);
  if (rest.length > 0) {
    if (!Object.hasOwn(value, step)) throw new RangeError(`nothing at ${operation.path}`);
    return withMember(value, step, applied(value[step], rest, operation));
  }
  if (operation.op !== "add" && !Object.hasOwn(value, step)) throw new RangeError(`nothing at ${operation.path}`);
  if (operation.op !== "remove") return withMember(value, step, operation.value);
  const { [step]: _gone, ...others } = value;
  return others;
}

/** A member named `__proto__` is a member like any other. @param {object} value @param {string} name @param {unknown} given */
function withMember(value, name, given) {
  const copy = { ...value };
  Object.defineProperty(copy, name, { value: given, enumerable: true, configurable: true, writable: true });
  return copy;
}

/** @param {any[]} list @param {string} step @param {string[]} rest @param {Operation} operation */
function inList(list, step, rest, operation) {
  const at = step === "-" ? list.length : /^(0|[1-9][0-9]*)$/.test(step) ? Number(step) : -1;
  const last = operation.op === "add" && rest.length === 0 ? list.length : list.length - 1;
  if (at < 0 || at > last) throw new RangeError(`nothing at ${operation.path}`);
  if (rest.length > 0) return list.with(at, applied(list[at], rest, operation));
  if (operation.op === "add") return list.toSpliced(at, 0, operation.value);
  return operation.op === "remove" ? list.toSpliced(at, 1) : list.with(at, operation.value);
}
