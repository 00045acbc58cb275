/** A rebuild, one step at a time: plan, confirm, fold, look at differences, switch, undo. */

import { h, theirs } from "../../kit/html.js";
import { addressOf } from "../address.js";
import { bytesWords, count, counted, rateWords } from "../numbers.js";
import { STEPS, actWords, doneOf, leftWords, standOf } from "../rebuild_steps.js";
import { valueOf } from "../state.js";
import { durationWords } from "../times.js";
import { customerLink, facts, heading, link, panel, table, when } from "./parts.js";
import { reasonForm } from "./reason.js";

const KEY = "rebuild";

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act */
export function rebuildPage(state, act) {
  return h(
    "section",
    { "aria-label": "Rebuild" },
    heading("Rebuild the contexts", h("span", { class: "meta" }, "readers notice nothing until you switch")),
    panel(state, act, "rebuilds", ({ items, fold }) => [
      fold.outdated && h("p", { class: "stale", role: "status" }, "A rebuild is due: ", theirs(fold.told)),
      flow(state, act, items[0] ?? null),
      items[0] ? history(state, items[0]) : null,
    ]),
  );
}

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act @param {import("../rebuild_steps.js").Rebuild | null} rebuild */
function flow(state, act, rebuild) {
  const stand = standOf(rebuild);
  return h(
    "div",
    { class: "card flow", "data-state": stand.state },
    stepper(stand.state === "plan" && !valueOf(state, "plan") ? { ...stand, step: 0 } : stand),
    h(
      "div",
      { class: "stage" },
      h("div", { role: "status" }, h("h2", { id: "stage", tabindex: -1 }, stand.title)),
      body(state, act, rebuild, stand.state),
      form(state, act, stand),
    ),
  );
}

/** @param {{step: number, state: string}} stand */
function stepper({ step, state }) {
  const isOver = state === "undone";
  return h(
    "ol",
    { class: "stepper", "aria-label": "Steps" },
    STEPS.map((name, at) => {
      const isDone = at < step || isOver;
      return h(
        "li",
        { key: name, class: isDone ? "done" : null, "aria-current": at === step && !isOver ? "step" : null },
        h("span", { class: "n", "aria-hidden": "true" }, isDone ? "✓" : at + 1),
        h("b", null, name),
      );
    }),
  );
}

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act @param {any} rebuild @param {string} stand */
function body(state, act, rebuild, stand) {
  if (stand === "plan") return panel(state, act, "plan", plan);
  if (["running", "pausing", "paused", "switching", "undoing"].includes(stand)) return progress(rebuild);
  if (stand === "equal" || stand === "different") return differences(act, rebuild.report);
  if (stand === "switched") {
    const paused = rebuild.paused_seconds ? ` Writers stood still for ${durationWords(rebuild.paused_seconds)}.` : "";
    return h("p", null, `The old tables are kept until you delete them; until then Undo puts them back.${paused}`);
  }
  return h("p", null, "The rebuilt tables are kept until you delete them. Another rebuild may begin afterwards.");
}

/** @param {any} plan */
function plan({ events, rate, seconds, bytes, locks }) {
  return [
    facts([
      ["To apply", counted(events, "record")],
      ["Takes", [`${seconds < 1 ? "" : "about "}${durationWords(seconds)} at ${rateWords(rate)}`]],
      ["Needs", [`${bytesWords(bytes)} more on the store’s disk`]],
    ]),
    h("ul", { class: "locks" }, locks.map((/** @type {string} */ each) => h("li", { key: each }, each))),
  ];
}

/** @param {import("../rebuild_steps.js").Rebuild} rebuild */
function progress(rebuild) {
  const done = doneOf(rebuild);
  const words = `${count(rebuild.applied)} of ${counted(rebuild.events, "record")}, ${rateWords(rebuild.rate)}, ${leftWords(rebuild)}`;
  return [
    h("progress", { max: 1, value: done, "aria-label": words }),
    h("p", { class: "meta" }, words, rebuild.owner ? [" · by ", theirs(rebuild.owner)] : ""),
  ];
}

/** @param {import("./parts.js").Act} act @param {import("../rebuild_steps.js").Report} report */
function differences(act, report) {
  const equal = report.customers - report.differing;
  const tables = report.tables.filter((each) => each.differing);
  return [
    h("p", { class: "row wrap" }, h("span", { class: "good tint" }, `✓ ${count(equal)} equal, byte for byte`), report.differing ? h("span", { class: "bad tint" }, `≠ ${count(report.differing)} differ`) : null),
    report.first.length > 0 && table("Customers that differ", ["Customer", "Values", "Events behind them"], report.first.map((each) => difference(act, each))),
    report.differing > report.first.length && h("p", { class: "meta" }, `The first ${report.first.length} of ${count(report.differing)} are shown.`),
    tables.length > 0 &&
      h(
        "details",
        { class: "list" },
        h("summary", null, `Rows of ${counted(tables.length, "table")} differ`),
        table("Tables", ["Table", "Live", "Rebuilt", "Differing", "First of them"], tables.map(tableRow)),
      ),
  ];
}

/** @param {import("./parts.js").Act} act @param {import("../rebuild_steps.js").Difference} each */
function difference(act, each) {
  return h(
    "tr",
    { key: `${each.tenant}-${each.customer}` },
    h("th", { scope: "row" }, customerLink(each.customer)),
    h("td", { class: "mono" }, each.paths.map((path) => h("div", { key: path }, theirs(path)))),
    h("td", { class: "mono" }, each.events.map((name) => h("div", { key: name }, eventLink(act, name)))),
  );
}

/** @param {import("./parts.js").Act} act @param {string} name SOURCE#ID */
function eventLink(act, name) {
  const at = name.indexOf("#");
  return link(act, addressOf("event", { source: name.slice(0, at), id: name.slice(at + 1) }), {}, theirs(name));
}

/** @param {import("../rebuild_steps.js").TableCount} each */
function tableRow(each) {
  return h(
    "tr",
    { key: each.table },
    h("th", { scope: "row", class: "mono" }, each.table),
    h("td", { class: "num" }, count(each.live)),
    h("td", { class: "num" }, count(each.rebuilt)),
    h("td", { class: "num" }, count(each.differing ?? 0)),
    h("td", { class: "mono" }, each.first.map((row) => h("div", { key: row.key }, theirs(row.key), " ", row.columns.join(", ")))),
  );
}

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act @param {ReturnType<typeof standOf>} stand */
function form(state, act, { state: name, choices }) {
  if (!choices.length) return null;
  const paced = choices.some((each) => ["start", "resume", "exchange", "undo"].includes(each.name));
  return reasonForm(state, {
    key: KEY,
    label: name === "plan" ? "Why you rebuild" : "Why",
    choices,
    about: h("ul", null, choices.map((each) => h("li", { key: each.words }, h("b", null, each.words), `: ${each.about}`))),
    fields: paced
      ? h(
          "details",
          { key: "pace", class: "pace" },
          h("summary", null, "How fast"),
          h("label", { class: "label", for: "rate" }, "Events a second, at most"),
          h("input", { class: "input", id: "rate", name: "rate", type: "number", min: 1, max: 1000000, placeholder: "as fast as it can" }),
          h("label", { class: "label", for: "workers" }, "Workers that share the parts"),
          h("input", { class: "input", id: "workers", name: "workers", type: "number", min: 1, max: 64, placeholder: "1" }),
        )
      : null,
    run: (choice, why, element) => act("rebuild", choice, { key: KEY, why, ...pace(choice, element) }),
  });
}

/** @param {string} choice @param {HTMLFormElement} form */
function pace(choice, form) {
  const given = Object.fromEntries([...new FormData(form)].filter(([name, value]) => (name === "rate" || name === "workers") && value));
  return ["start", "resume", "exchange", "undo"].includes(choice) ? given : {};
}

/** @param {import("../state.js").State} state @param {import("../rebuild_steps.js").Rebuild} rebuild */
function history(state, { acts }) {
  if (!acts.length) return h("p", { class: "meta" }, "Who asked for what is told to the operators of all tenants alone.");
  return h(
    "details",
    { class: "list" },
    h("summary", null, "Who did what"),
    h(
      "ul",
      { class: "lines" },
      acts.toReversed().map((each) =>
        h("li", { key: `${each.at}-${each.what}` }, when(state, each.at), " ", theirs(each.who), ` ${actWords(each.what)}`, each.why ? [": “", theirs(each.why), "”"] : ""),
      ),
    ),
  );
}
