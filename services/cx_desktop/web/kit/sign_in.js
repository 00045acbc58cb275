/** The page of whoever is not signed in: a key and who one is, exchanged for a session. */

import { h } from "./html.js";
import { logo } from "./icons.js";

const WORDS = {
  "bad-key": "This key is not known. Check that all of it was pasted.",
  "unknown-agent": "Nobody is known by this name here. Use your id, or your address at work.",
  "other-agent": "This key is another agent's own.",
  "too-many-attempts": "Too many keys that are none were tried from here. Wait a minute.",
  "no-connection": "The hub can't be reached. What you typed is still here.",
};

const PLAIN_HTTP = "Nobody can sign in at this address: browsers keep no session over plain http. Open the hub by https, or as http://localhost on its own machine.";

/**
 * Return the page.
 *
 * @param {{busy: boolean, problem: {reason: string, detail: string} | null, wasSignedOut: boolean, agent: string}} state
 * @param {(key: string, agent: string) => void} signIn
 */
export function signInPage(state, signIn) {
  const submit = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.target));
    signIn(String(form.get("key") ?? "").trim(), String(form.get("agent") ?? "").trim());
  };
  return h("main", { class: "sign-in", key: "sign-in" },
    h("form", { class: "card", onsubmit: submit },
      h("h1", { class: "row" }, logo(), "Sign in"),
      state.wasSignedOut && h("p", { role: "status" }, "Your session is over. What you wrote is kept."),
      // The cookie is Secure: browsers drop it here, and whoever signed in would be asked for the key again.
      !isSecureContext && h("p", { class: "error", role: "alert", id: "sign-in-plain" }, PLAIN_HTTP),
      h("div", null,
        h("label", { class: "label", for: "sign-in-agent" }, "Who you are"),
        h("input", { class: "input", id: "sign-in-agent", name: "agent", autocomplete: "username", value: state.agent, "aria-describedby": "sign-in-hint" }),
        h("p", { class: "hint", id: "sign-in-hint" }, "Your id or your address at work, such as ben"),
      ),
      h("div", null,
        h("label", { class: "label", for: "sign-in-key" }, "Key"),
        h("input", { class: "input", id: "sign-in-key", name: "key", type: "password", autocomplete: "current-password", required: true }),
      ),
      state.problem && h("p", { class: "error", role: "alert" }, WORDS[state.problem.reason] ?? state.problem.detail),
      h("button", { class: "b primary", type: "submit", disabled: state.busy || !isSecureContext }, state.busy ? "Signing in" : "Sign in"),
    ),
  );
}
