// Answer questions about requests, a line of JSON each: whether a library takes one, how it signs one, what it reads.
import { createInterface } from "node:readline";
import { accepts, signs } from "./checks.mjs";
import { reads } from "./readers.mjs";

const VERBS = { accepts, signs, reads };

// Libraries write errors to the console, which their callers are told anyway.
for (const name of ["log", "info", "debug", "warn", "error"]) console[name] = () => {};

function requestOf({ method, url, headers, body, received }) {
  const bytes = Buffer.from(body, "base64");
  return { method, url, headers, body: bytes, text: bytes.toString("utf8"), received };
}

async function answer(line) {
  const { verb, sdk, request, ...rest } = JSON.parse(line);
  const ask = VERBS[verb][sdk];
  if (ask === undefined) return { missing: `nothing here ${verb} as ${sdk}` };
  try {
    return { said: await ask({ request: requestOf(request), ...rest }) };
  } catch (error) {
    // a package that is not installed; what a package misses by itself is an error of its own
    if (error?.code === "ERR_MODULE_NOT_FOUND" || error?.code === "MODULE_NOT_FOUND") return { missing: error.message };
    return { error: `${error?.name}: ${error?.message}` };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(line))}\n`);
}
process.exit(0);
