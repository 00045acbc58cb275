/** The console's keys. */

import { PAGES, addressOf } from "./address.js";
import { TIMES } from "./times.js";

/**
 * @param {import("./views/parts.js").Act} act @param {() => import("./state.js").State} state
 * @returns {import("../kit/keys.js").KeyEntry[]}
 */
export function keyEntries(act, state) {
  const pages = PAGES.map(([name, label], at) => ({
    key: String((at + 1) % 10),
    label,
    run: () => act("go", addressOf(name)),
  }));
  const next = () => TIMES[(TIMES.indexOf(state().times) + 1) % TIMES.length];
  return [
    ...pages,
    { key: "/", label: "Filter the log", run: () => act("toLogFilter") },
    { key: "r", label: "Read anew", run: () => act("refreshAll") },
    { key: "u", label: "Times: UTC, local, ago", run: () => act("times", next()) },
    { key: "Ctrl+k", label: "Go to or find anything", run: () => act("palette"), typing: true },
    { key: "?", label: "Keys", run: () => act("keys") },
  ];
}
