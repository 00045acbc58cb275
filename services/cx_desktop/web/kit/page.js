/**
 * Reach what lies outside of views: the document's title, data that came with it, focus, scrolling, the theme, storage.
 * With `dom.js` the only module that touches the document.
 */

/**
 * Return the JSON that came in the page under this id, once; null where there is none.
 *
 * @param {string} id
 */
export function takeData(id) {
  const element = document.querySelector(`script[type="application/json"]#${id}`);
  if (!element) return null;
  element.remove();
  return JSON.parse(element.textContent ?? "null");
}

/** Return the element that views are shown in. @returns {Element} */
export function root() {
  return /** @type {Element} */ (document.getElementById("app"));
}

/** @param {string} text */
export function setTitle(text) {
  if (document.title !== text) document.title = text;
}

/** Put the focus on the first element that fits, without scrolling. @param {string} selector */
export function focusOn(selector) {
  const element = document.querySelector(selector);
  if (element instanceof HTMLElement) element.focus({ preventScroll: true });
}

/** @param {string} selector @param {"start" | "nearest"} [block] */
export function scrollTo(selector, block = "nearest") {
  document.querySelector(selector)?.scrollIntoView({ block });
}

/** Return how far an element is scrolled, in px; 0 where there is none. @param {string} selector */
export function scrolledBy(selector) {
  return document.querySelector(selector)?.scrollTop ?? 0;
}

/** @param {string} selector @param {number} top in px */
export function setScroll(selector, top) {
  const element = document.querySelector(selector);
  if (element) element.scrollTop = top;
}

/** Open a dialog; its closing gives the focus back. @param {string} selector */
export function openDialog(selector) {
  const element = document.querySelector(selector);
  if (element instanceof HTMLDialogElement && !element.open) element.showModal();
}

/** @param {string} selector */
export function closeDialog(selector) {
  const element = document.querySelector(selector);
  if (element instanceof HTMLDialogElement && element.open) element.close();
}

/** Fetch modules that are imported soon, all at once. @param {string[]} addresses */
export function preload(addresses) {
  for (const href of addresses) {
    const link = document.createElement("link");
    link.rel = "modulepreload";
    link.href = href;
    document.head.append(link);
  }
}

/** Wait until what is shown now has been painted. A page that nobody sees paints nothing: it goes on at once. */
export function painted() {
  return new Promise((resolve) => {
    if (document.hidden) resolve(undefined);
    document.addEventListener("visibilitychange", resolve, { once: true });
    requestAnimationFrame(() => setTimeout(resolve));
  });
}

const MOST_HELD = 20;

/**
 * Keep the keys that are pressed before what hears them has been read. Returns what ends that, and plays them to what has
 * the focus as soon as the page is shown.
 */
export function holdKeys() {
  /** @type {KeyboardEvent[]} */
  const held = [];
  const hold = (/** @type {KeyboardEvent} */ event) => void (held.length < MOST_HELD && held.push(event));
  addEventListener("keydown", hold);
  return async () => {
    removeEventListener("keydown", hold);
    await painted();
    for (const { key, code, altKey, ctrlKey, metaKey, shiftKey } of held) {
      const again = { key, code, altKey, ctrlKey, metaKey, shiftKey, bubbles: true, cancelable: true };
      (document.activeElement ?? document.body).dispatchEvent(new KeyboardEvent("keydown", again));
    }
  };
}

/** Load the page again. */
export function reload() {
  location.reload();
}

/** Go to another page of the hub. @param {string} path within its origin */
export function leaveFor(path) {
  location.assign(path);
}

/** Return whether keys are being typed into something. */
export function isTyping() {
  const element = document.activeElement;
  return (
    element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement || element instanceof HTMLSelectElement
  );
}

/** Switch between light and dark, and keep it. */
export function switchTheme() {
  const html = document.documentElement;
  const isDark = html.dataset.theme
    ? html.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  html.dataset.theme = isDark ? "light" : "dark";
  keep("theme", html.dataset.theme);
}

/** Set a colour that the configuration says, as `--environment` of the page. @param {string} color `#rrggbb` */
export function setEnvironmentColor(color) {
  if (/^#[0-9a-fA-F]{6}$/.test(color)) document.documentElement.style.setProperty("--environment", color);
}

/** Keep a text in this browser; where storage is refused, nothing is kept. @param {string} name @param {string} text */
export function keep(name, text) {
  try {
    localStorage.setItem(name, text);
  } catch {
    // refused, or full: what is typed stays on the page
  }
}

/** Return a kept text, or null. @param {string} name */
export function kept(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/** @param {string} name */
export function forget(name) {
  try {
    localStorage.removeItem(name);
  } catch {
    // nothing was kept
  }
}
