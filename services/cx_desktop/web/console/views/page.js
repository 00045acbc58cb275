/** The page at hand, in its frame. */

import { paletteView } from "../../kit/palette.js";
import { addressOf } from "../address.js";
import { offeredFor } from "../palette.js";
import { actsPage } from "./acts.js";
import { connectionsPage } from "./connections.js";
import { eventPage, recordPage } from "./event.js";
import { frame } from "./frame.js";
import { healthPage } from "./health.js";
import { identityPage } from "./identity.js";
import { keySheet } from "./keys.js";
import { letterPage, lettersPage } from "./letters.js";
import { logPage } from "./log.js";
import { heading, link, nothing } from "./parts.js";
import { projectorsPage } from "./projectors.js";
import { rebuildPage } from "./rebuild.js";
import { replayPage } from "./replay.js";
import { subscriptionPage, subscriptionsPage } from "./subscriptions.js";

/** @type {Record<string, (state: import("../state.js").State, act: import("./parts.js").Act) => unknown>} */
const VIEWS = {
  health: healthPage,
  log: logPage,
  event: eventPage,
  record: recordPage,
  projectors: projectorsPage,
  "dead-letters": lettersPage,
  "dead-letter": letterPage,
  rebuild: rebuildPage,
  replay: replayPage,
  identity: identityPage,
  connections: connectionsPage,
  subscriptions: subscriptionsPage,
  subscription: subscriptionPage,
  acts: actsPage,
};

/**
 * @param {import("../state.js").State} state @param {import("./parts.js").Act} act
 * @param {import("../../kit/keys.js").KeyEntry[]} keys
 */
export function pageView(state, act, keys) {
  const view = VIEWS[state.place.page] ?? ((_, go) => unknown(go));
  return [frame(state, act, view(state, act)), keySheet(act), ...palette(state, act, keys)];
}

/** @param {import("./parts.js").Act} act */
function unknown(act) {
  return [heading("There is no such page"), nothing("The address leads nowhere in this console.", link(act, addressOf("health"), { class: "b" }, "To the health"))];
}

/** @param {import("../state.js").State} state @param {import("./parts.js").Act} act @param {import("../../kit/keys.js").KeyEntry[]} keys */
function palette({ palette: typed }, act, keys) {
  if (!typed) return [];
  const keyed = keys.filter(({ key }) => key !== "Ctrl+k");
  const view = paletteView(offeredFor(keyed, typed.text, act), typed, {
    type: (text) => act("typePalette", { text, at: 0 }),
    at: (at) => act("typePalette", { ...typed, at }),
    run: (entry) => act("runOffered", entry),
    close: () => act("closePalette"),
  });
  return [view];
}
