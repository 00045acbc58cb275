/** Put the desk together: state, stream, requests, keys and views. */

import { mount } from "../kit/dom.js";
import { root, setTitle, takeData } from "../kit/page.js";
import { beginPage } from "../kit/session.js";
import { startDesk } from "./desk.js";

const first = takeData("first");

beginPage((session) => {
  const desk = startDesk(session, first, (view, title) => {
    mount(root(), view);
    setTitle(title);
  });
  Object.assign(globalThis, { desk }); // for whoever looks at it in the browser's console
});
