/** Begin the desk: show what came with the page at once; then read everything else that the desk is made of, and run it. */

import { createClock } from "../kit/clock.js";
import { mount } from "../kit/dom.js";
import { holdKeys, painted, preload, reload, root, setTitle, takeData } from "../kit/page.js";
import { beginPage } from "../kit/session.js";
import { parseAddress } from "./address.js";
import { firstPage, firstState, unfinished } from "./first_page.js";
import { titleOf } from "./frame.js";

const first = takeData("first");

beginPage(async (session) => {
  const show = (/** @type {any} */ view, /** @type {string} */ title) => {
    mount(root(), view);
    setTitle(title);
  };
  const clock = createClock();
  clock.hear(session.me.now);
  const state = firstState(session.me, parseAddress(location), first, clock.now());
  const playKeys = holdKeys();
  if (state) {
    show(firstPage(state), titleOf(state));
    await painted();
  }
  preload(takeData("later") ?? []);
  try {
    const { startDesk } = await import("./desk.js");
    const desk = startDesk(session, clock, first, show);
    Object.assign(globalThis, { desk }); // for whoever looks at it in the browser's console
    await playKeys();
  } catch (error) {
    const notice = unfinished(reload);
    mount(root(), state ? firstPage(state, notice) : notice);
    throw error;
  }
});
