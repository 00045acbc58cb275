/** Ask for a reason, and do what was chosen. What the key may not do is told, not hidden. */

import { h } from "../../kit/html.js";
import { missingWords } from "../problems.js";

/**
 * @typedef {{name: string, words: string, tone?: string, about?: string}} Choice
 * @param {import("./parts.js").State} state
 * @param {{key: string, label: string, choices: Choice[], scope?: string, about?: unknown, fields?: unknown,
 *   run: (choice: string, why: string, form: HTMLFormElement) => any}} asked `key`: of what is being done; `run` returns
 *   whether it was done
 */
export function reasonForm(state, { key, label, choices, scope = "ops", about, fields, run }) {
  const missing = missingWords(state.me, scope);
  const doing = state.doing[key];
  const isBusy = doing?.state === "busy";
  const id = `why-${key.replaceAll(/[^\w-]/g, "-")}`;

  /** @param {SubmitEvent} event */
  async function submit(event) {
    event.preventDefault();
    if (isBusy || missing) return;
    const form = /** @type {HTMLFormElement} */ (event.target);
    const chosen = /** @type {HTMLButtonElement | null} */ (event.submitter)?.value || choices[0].name;
    const why = /** @type {HTMLInputElement} */ (form.elements.namedItem("why")).value.trim();
    if (why && (await run(chosen, why, form))) form.reset();
  }

  return h(
    "form",
    { key, class: "confirm", onsubmit: submit },
    fields,
    h(
      "div",
      { class: "grow" },
      h("label", { class: "label", for: id }, label),
      h("input", { class: "input", id, name: "why", required: true, maxlength: 1000, autocomplete: "off", dir: "auto", disabled: Boolean(missing) }),
    ),
    h("div", { class: "row wrap" }, choices.map((each) => button(each, isBusy || Boolean(missing)))),
    missing && h("p", { class: "hint missing" }, missing),
    about && h("p", { class: "hint" }, about),
    h("p", { class: `said ${doing?.state ?? ""}`, role: "status" }, doing ? doing.words || "Working…" : ""),
  );
}

/** @param {Choice} choice @param {boolean} isOff */
function button({ name, words, tone = "" }, isOff) {
  const attributes = { key: name, class: `b ${tone}`, type: "submit", name: "choice", value: name };
  return h("button", { ...attributes, "aria-disabled": isOff ? "true" : null }, words);
}
