/** The whole page: which parts it has, in the order in which they are read. */

import { h, theirs } from "../kit/html.js";
import { icon } from "../kit/icons.js";
import { interactionPath } from "./address.js";
import { customerColumn, frame } from "./frame.js";
import { fromPlugins, plugins } from "./plugins.js";
import { isShut } from "./state.js";
import { linkBanner } from "./views/freshness.js";
import { header } from "./views/header.js";
import { rail } from "./views/rail.js";
import { instead } from "./views/states.js";
import { story } from "./views/story.js";

/** @typedef {import("./state.js").State} State */

/** @param {State} state @param {any} desk */
export function page(state, desk) {
  return frame(state, {
    classes: plugins.map((each) => each.pageClass?.(state) ?? ""),
    notices: [linkBanner(state, desk), movedBanner(state), arrivedBanner(state, desk), ...fromPlugins("banner", state, desk)],
    columns: [rail(state, desk), customer(state, desk), acts(state, desk)],
    below: [tabs(state, desk), ...fromPlugins("overlay", state, desk)],
  });
}

/** @param {State} state @param {any} desk */
function customer(state, desk) {
  const isStory = state.status === "ready" && !isShut(state);
  return customerColumn(state.status === "loading", isStory ? [header(state, desk), story(state, desk)] : instead(state, desk));
}

/** @param {State} state @param {any} desk */
function acts(state, desk) {
  if (!state.context) return null;
  return h("section", { class: "acts", id: "acts", "aria-labelledby": "acts-title", tabindex: "-1", key: "acts" }, h("h1", { class: "sr", id: "acts-title" }, "What you can do"), ...fromPlugins("act", state, desk));
}

/** On a phone one part at a time. @param {State} state @param {any} desk */
function tabs(state, desk) {
  const one = (/** @type {State["tab"]} */ tab, /** @type {any} */ sign, /** @type {unknown[]} */ ...words) =>
    h("button", { type: "button", "aria-current": state.tab === tab ? "true" : null, onclick: () => desk.dispatch({ type: "tab", tab }) }, icon(sign), h("span", { class: "clip" }, ...words));
  const waiting = state.rail.waiting?.length ?? 0;
  return h("nav", { class: "tabs", "aria-label": "Parts", key: "tabs" },
    one("rail", "list", `Waiting ${waiting}`),
    one("customer", "person", theirs(state.context?.body.customer.display ?? "Customer")),
    one("acts", "check", "Do"),
  );
}

/** @param {State} state */
function movedBanner(state) {
  if (!state.moved || !state.context) return null;
  const why = state.moved.why === "absorbed" ? "This customer is now one with " : "This part is now of ";
  return h("div", { class: "banner info", role: "status", key: "moved" },
    icon("person"), h("p", null, h("strong", null, why, theirs(state.context.body.customer.display ?? "somebody without a name"), "."), " What you write is kept, and goes along."));
}

/** @param {State} state @param {any} desk */
function arrivedBanner(state, desk) {
  if (!state.arrived) return null;
  const { channel, interaction } = state.arrived;
  const close = () => desk.dispatch({ type: "arrived", arrived: null });
  return h("div", { class: "banner info", role: "status", key: "arrived" },
    icon("up"), h("p", null, h("strong", null, `A ${channel === "voice" ? "call" : channel ?? "contact"} has come to you.`)),
    h("a", { class: "b", href: interactionPath(interaction) }, "Open"),
    h("button", { class: "b quiet icon", type: "button", "aria-label": "Later", onclick: close }, icon("cross")));
}
