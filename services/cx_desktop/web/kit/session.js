/**
 * Begin a page: who is signed in, or the page that asks for a key. Then hand over to the page itself.
 *
 *     beginPage((session) => startDesk(session));
 *
 * @typedef {{tenant: string, key: string, scopes: string[], required_assurance: string | null,
 *   agent: {id: string, name: string, teams: string[], queues: string[]} | null,
 *   environment: {name: string, color: string}, chats: string[], session: {expires: string, csrf_token: string} | null, now: string}} Me
 * @typedef {{me: Me, http: ReturnType<typeof createHttp>, signOut: () => Promise<void>, isOver: () => void}} Session
 *   `isOver`: to be called when the session turns out to be over
 */

import { mount } from "./dom.js";
import { createHttp, Problem } from "./http.js";
import { forget, keep, kept, root, setEnvironmentColor, setTitle, takeData } from "./page.js";
import { signInPage } from "./sign_in.js";

/** @param {(session: Session) => void} start called once, as soon as somebody is signed in */
export async function beginPage(start) {
  /** @type {Me | null} */
  const inlined = takeData("me");
  const isOver = () => {
    keep("was-signed-out", "yes");
    location.reload();
  };
  const http = createHttp({ onSignedOut: isOver });
  const me = inlined ?? (await askForKey(http));
  http.setToken(me.session?.csrf_token ?? "");
  setEnvironmentColor(me.environment.color);
  start({ me, http, isOver, signOut: () => http.delete("/v1/session").then(() => location.reload()) });
}

/** @param {ReturnType<typeof createHttp>} http @returns {Promise<Me>} */
function askForKey(http) {
  return new Promise((resolve) => {
    let state = { busy: false, problem: /** @type {Problem | null} */ (null), wasSignedOut: kept("was-signed-out") !== null, agent: kept("agent") ?? "" };
    forget("was-signed-out");
    const show = (/** @type {Partial<typeof state>} */ changed) => {
      state = { ...state, ...changed };
      mount(root(), signInPage(state, signIn));
    };
    async function signIn(/** @type {string} */ key, /** @type {string} */ agent) {
      show({ busy: true, problem: null, agent });
      try {
        const me = (await http.post("/v1/session", { key, agent })).body;
        keep("agent", agent);
        resolve(me);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        show({ busy: false, problem: error });
      }
    }
    setTitle("Sign in");
    show({});
  });
}
