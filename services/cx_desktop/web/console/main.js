/** Put the console together: state, requests, addresses, keys and views. */

import { createClock } from "../kit/clock.js";
import { mount } from "../kit/dom.js";
import { createKeys } from "../kit/keys.js";
import { closeDialog, focusOn, keep, kept, openDialog, root, setTitle } from "../kit/page.js";
import { PALETTE } from "../kit/palette.js";
import { beginPage } from "../kit/session.js";
import { createActs } from "./acts.js";
import { readPlace, titleOf } from "./address.js";
import { may } from "./problems.js";
import { createReader } from "./reader.js";
import { begin, reduce } from "./state.js";
import { TIMES } from "./times.js";
import { keyEntries } from "./key_table.js";
import { SHEET } from "./views/keys.js";
import { pageView } from "./views/page.js";

const TICK_MS = 1000;

/** @param {import("../kit/session.js").Session} session */
function startConsole({ me, http, signOut }) {
  const clock = createClock();
  clock.hear(me.now);
  const times = TIMES.find((each) => each === kept("times")) ?? "local";
  let state = begin({ me, times, now: clock.now(), place: readPlace(location.pathname, location.search) });
  let isDrawn = true;

  /** @param {import("./state.js").ConsoleEvent} event */
  function tell(event) {
    state = reduce(state, event);
    if (isDrawn) requestAnimationFrame(draw);
    isDrawn = false;
  }

  function draw() {
    isDrawn = true;
    const name = state.me.environment.name ? ` · ${state.me.environment.name}` : "";
    setTitle(`${titleOf(state.place)} · Console${name}`);
    mount(root(), pageView(state, act, keys.all()));
  }

  const reader = createReader({ http, tell, now: clock.now, state: () => state, may: (scope) => may(me, scope) });

  /** @param {string} href @param {{isBack?: boolean}} [how] */
  function go(href, { isBack = false } = {}) {
    if (!isBack) history.pushState(null, "", href);
    const before = state.place.page;
    tell({ type: "went", place: readPlace(location.pathname, location.search) });
    reader.forgetWhatIsNotRead();
    reader.readDue();
    draw();
    if (before !== state.place.page && !isBack) {
      focusOn("#title");
      scrollTo({ top: 0 });
    }
  }

  const acts = createActs({ http, tell, reader, state: () => state, go, signOut });

  /** @param {string} name @param {...any} args */
  function act(name, ...args) {
    return acts[name](...args);
  }

  addEventListener("popstate", () => go("", { isBack: true }));
  const keys = createKeys();
  keys.add(keyEntries(act, () => state));
  acts.switchKeys = () => keys.switchLetters(!keys.isOn());
  acts.palette = () => {
    if (state.isSignedOut) return;
    closeDialog(`#${SHEET}`);
    tell({ type: "palette", typed: { text: "", at: 0 } });
    draw(); // at once: the next key is typed into it already
    openDialog(`#${PALETTE}`);
  };
  acts.times = (/** @type {string} */ each) => {
    keep("times", each);
    tell({ type: "timed", times: each });
  };
  setInterval(() => {
    tell({ type: "ticked", now: clock.now() });
    reader.readDue();
  }, TICK_MS);
  reader.readDue();
  draw();
}

beginPage(startConsole);
