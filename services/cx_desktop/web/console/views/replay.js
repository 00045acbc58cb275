/** Stored events go out once more: first the plan, which sends nothing, then the run with a reason. */

import { h, theirs } from "../../kit/html.js";
import { bytesWords, count, counted } from "../numbers.js";
import { failureWords } from "../problems.js";
import { durationWords } from "../times.js";
import { chip, facts, heading, nothing, panel, table, when } from "./parts.js";
import { reasonForm } from "./reason.js";

const FIELDS = /** @type {const} */ ([
  ["target", "Where to", "a topic, or https://…"],
  ["from", "From", "7d, 2026-11-22T10:00:00Z, or 3/1200"],
  ["to", "To", "now"],
  ["where", "Which", "type=cx.message.* and data.channel=chat"],
  ["customer", "Customer", "any id of it"],
  ["rate", "Records a second, at most", "as fast as it goes"],
  ["speed", "Speed", "10x"],
]);
export const TONES = /** @type {Record<string, string>} */ ({ done: "good", running: "info", failed: "bad", "broken off": "bad", cancelled: "past" });

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act */
export function replayPage(state, act) {
  return h(
    "section",
    { "aria-label": "Replay" },
    heading("Replay", h("span", { class: "meta" }, "nothing replayed goes back into what the hub is made of")),
    planForm(state, act),
    planned(state, act),
    h("h2", null, "Replays of this machine"),
    panel(state, act, "replays", ({ items }) =>
      items.length
        ? items.map((/** @type {any} */ each) => replay(state, act, each))
        : nothing("None yet. What is begun here or by cx replay run is shown with how far it is."),
    ),
  );
}

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act */
function planForm(state, act) {
  const isBusy = state.told.replayPlan?.isBusy;
  /** @param {SubmitEvent} event */
  function submit(event) {
    event.preventDefault();
    const asked = Object.fromEntries([...new FormData(/** @type {HTMLFormElement} */ (event.target))].map(([name, value]) => [name, String(value).trim()]));
    act("planReplay", Object.fromEntries(Object.entries(asked).filter(([, value]) => value).map(([name, value]) => [name, name === "rate" ? Number(value) : value])));
  }
  return h(
    "form",
    { class: "card filter", "aria-label": "Plan a replay", onsubmit: submit },
    h(
      "div",
      { class: "fields" },
      FIELDS.map(([name, words, hint]) =>
        h(
          "div",
          { key: name },
          h("label", { class: "label", for: `replay-${name}` }, words),
          h("input", { class: "input", id: `replay-${name}`, name, placeholder: hint, required: name === "target", inputmode: name === "rate" ? "decimal" : null, autocomplete: "off" }),
        ),
      ),
    ),
    h("div", { class: "row wrap" }, h("button", { class: "b", type: "submit", "aria-disabled": isBusy ? "true" : null }, isBusy ? "Counting…" : "Plan"), h("span", { class: "hint" }, "The plan counts, and sends nothing. Files and other logs are for cx replay.")),
  );
}

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act */
function planned(state, act) {
  const told = state.told.replayPlan;
  if (!told || told.isBusy) return null;
  if (told.problem) return h("p", { class: "card failed", role: "alert" }, `No plan. ${failureWords(told.problem)}`);
  const { asked, plan } = told.value;
  const isUrl = asked.target.startsWith("http");
  return h(
    "div",
    { class: "card", role: "group", "aria-label": "The plan" },
    h("h2", { id: "plan", tabindex: -1 }, `${count(plan.wanted)} of ${counted(plan.records, "record")} would be sent`),
    facts([
      ["Where to", plan.target],
      ["Size", bytesWords(plan.bytes)],
      plan.first && ["From", when(state, plan.first)],
      plan.last && ["To", when(state, plan.last)],
      plan.seconds !== null && ["Takes", [`about ${durationWords(plan.seconds)}`]],
      plan.undecodable > 0 && ["Not readable", [counted(plan.undecodable, "record")]],
    ]),
    Object.keys(plan.types).length > 0 && table("Types", ["Type", "Records"], Object.entries(plan.types).map(([type, number]) => h("tr", { key: type }, h("th", { scope: "row", class: "mono" }, theirs(type)), h("td", { class: "num" }, count(Number(number)))))),
    reasonForm(state, {
      key: "replay",
      label: "Why you replay",
      choices: [{ name: "start", words: "Start", tone: "primary" }],
      fields: isUrl ? secret("replay") : null,
      run: (_, why, form) => act("startReplay", { ...asked, why, ...secretOf(form) }),
    }),
  );
}

/** @param {string} key */
function secret(key) {
  return h("div", { key: "secret" }, h("label", { class: "label", for: `secret-${key}` }, "The receiver’s secret, whsec_…"), h("input", { class: "input", id: `secret-${key}`, name: "secret", type: "password", autocomplete: "off" }));
}

/** @param {HTMLFormElement} form */
function secretOf(form) {
  const given = new FormData(form).get("secret");
  return given ? { secret: String(given) } : {};
}

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act @param {any} each */
function replay(state, act, each) {
  const key = `replay-${each.id}`;
  const choices = [
    ...(["failed", "broken off"].includes(each.phase) ? [{ name: "resume", words: "Go on", tone: "primary" }] : []),
    ...(["running", "failed", "broken off"].includes(each.phase) ? [{ name: "cancel", words: "Stop for good", tone: "danger" }] : []),
  ];
  const words = `${count(each.read)} of ${counted(each.records, "record")} read, ${count(each.sent)} sent`;
  return h(
    "div",
    { key, class: "card letter" },
    h("div", { class: "head" }, h("h3", null, theirs(each.asked.target)), chip(TONES[each.phase] ?? "past", each.phase), h("span", { class: "meta" }, "begun ", when(state, each.started), " by ", theirs(each.who), each.why ? [": “", theirs(each.why), "”"] : "")),
    h("progress", { max: Math.max(1, each.records), value: each.phase === "done" ? Math.max(1, each.records) : each.read, "aria-label": words }),
    h("p", { class: "meta" }, words, each.asked.where ? [" · ", theirs(each.asked.where)] : ""),
    each.error && h("p", { class: "error" }, theirs(each.error)),
    choices.length > 0 &&
      reasonForm(state, {
        key,
        label: "Why",
        choices,
        fields: each.asked.target.startsWith("http") && choices[0].name === "resume" ? secret(each.id) : null,
        run: (choice, why, form) => act("onReplay", each.id, choice, { why, ...secretOf(form) }),
      }),
  );
}
