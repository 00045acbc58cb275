/* Files on their way to the hub. They live in memory alone: a browser's store is too small for them. */

import { WORDS, kindsOf, sizeOf } from "./words.js";

// What browsers on some systems have no name for.
const TYPES = { heic: "image/heic", heif: "image/heif", csv: "text/csv" };

export function typeOf(file) {
  const ending = file.name.split(".").pop().toLowerCase();
  return file.type.split(";")[0].trim().toLowerCase() || (TYPES[ending] ?? "application/octet-stream");
}

/* Why a file can't be sent under the hub's bounds {max_bytes, types}; "" where it can. */
export function whyNot(file, bounds) {
  if (!bounds) return WORDS.noFiles;
  if (!bounds.types.includes(typeOf(file))) return WORDS.otherType(kindsOf(bounds.types));
  if (file.size > bounds.max_bytes) return WORDS.tooLarge(sizeOf(bounds.max_bytes));
  return file.size ? "" : WORDS.empty;
}

/* Whether its bytes can be had: not of a folder, and no more once the file was changed or removed. */
async function isReadable(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

/* Send a file: {sent: true}, {why} where it is refused for good, {after: SECONDS} where it is to be tried again. */
export async function put(url, session, file, signal) {
  const headers = {
    authorization: `Bearer ${session}`,
    "content-type": typeOf(file),
    "x-file-name": encodeURIComponent(file.name.toWellFormed?.() ?? file.name).slice(0, 3000),
  };
  let response;
  try {
    response = await fetch(url, { method: "PUT", headers, body: file, signal, credentials: "omit", cache: "no-store" });
  } catch {
    if (signal.aborted) return { why: "" };
    return (await isReadable(file)) ? { after: 5 } : { why: WORDS.unreadable };
  }
  if (response.ok) return { sent: true };
  const problem = await response.json().catch(() => ({}));
  const again = [408, 425, 429].includes(response.status) || response.status >= 500;
  if (again || ["bad-session", "session-expired"].includes(problem.reason)) {
    return { after: Number(response.headers.get("retry-after")) || 5 };
  }
  return { why: WORDS.fileRefused(problem.detail || response.statusText) };
}
