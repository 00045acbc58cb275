/** The operators' console. */

import { mount } from "../kit/dom.js";
import { h } from "../kit/html.js";
import { root, setTitle } from "../kit/page.js";
import { beginPage } from "../kit/session.js";

beginPage((session) => {
  setTitle("Console");
  mount(root(), h("main", { class: "sign-in" }, h("h1", null, `${session.me.tenant}: console`)));
});
