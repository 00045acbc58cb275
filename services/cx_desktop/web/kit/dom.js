/**
 * Make the page what a view describes. The only module that touches the document, with `page.js` for what lies outside
 * of views. Elements are kept where they are the same, and with them focus, selection, scroll positions, what is typed
 * and which details are open: an attribute is written when its description has changed, never to undo what a person did.
 *
 * @typedef {import("./html.js").VElement} VElement
 * @typedef {import("./html.js").VNode} VNode
 */

const SVG = "http://www.w3.org/2000/svg";
const LINKS = new Set(["href", "src", "action", "formaction", "poster"]);
const PROPERTIES = new Set(["value", "checked", "indeterminate"]);
const FORBIDDEN = new Set(["style", "srcdoc", "innerHTML", "outerHTML", "srcset"]);

/** What each element was last described as. @type {WeakMap<Node, VElement>} */
const described = new WeakMap();

/**
 * Show `view` inside of `root`, in place of what it showed there last.
 *
 * @param {Element} root
 * @param {VNode | VNode[]} view
 */
export function mount(root, view) {
  const focused = document.activeElement;
  patchChildren(root, Array.isArray(view) ? view : [view]);
  // Moving an element takes its focus, except where the browser knows `moveBefore`.
  if (focused instanceof HTMLElement && focused !== document.activeElement && root.contains(focused)) {
    focused.focus({ preventScroll: true });
  }
}

/**
 * @param {Element} parent
 * @param {VNode[]} wanted
 */
function patchChildren(parent, wanted) {
  const old = [...parent.childNodes];
  const byKey = new Map(old.flatMap((node) => keyed(node)));
  const unkeyed = old.filter((node) => described.get(node)?.key === undefined);
  const kept = wanted.map((child) => take(child, byKey, unkeyed));
  const staying = new Set(kept.filter(Boolean));
  for (const node of old) if (!staying.has(node)) node.remove();
  let place = parent.firstChild;
  wanted.forEach((child, index) => {
    const node = kept[index] ?? make(child, parent);
    if (kept[index]) patch(node, child);
    if (node === place) place = place.nextSibling;
    else move(parent, node, place);
  });
}

/** @param {Node} node @returns {[string | number, Node][]} */
function keyed(node) {
  const key = described.get(node)?.key;
  return key === undefined ? [] : [[key, node]];
}

/**
 * Take the node that may go on as this child, if there is one.
 *
 * @param {VNode} child
 * @param {Map<string | number, Node>} byKey
 * @param {Node[]} unkeyed
 */
function take(child, byKey, unkeyed) {
  if (typeof child !== "object") {
    const at = unkeyed.findIndex((node) => node.nodeType === Node.TEXT_NODE);
    return at >= 0 ? unkeyed.splice(at, 1)[0] : null;
  }
  if (child.key !== undefined) {
    const node = byKey.get(child.key);
    byKey.delete(child.key);
    return node && described.get(node)?.tag === child.tag ? node : null;
  }
  // The next of its kind: one of another kind between them was left out this time.
  const at = unkeyed.findIndex((node) => described.get(node)?.tag === child.tag);
  return at >= 0 ? unkeyed.splice(at, 1)[0] : null;
}

/** @param {Element} parent @param {Node} node @param {Node | null} before */
function move(parent, node, before) {
  if (node.isConnected && "moveBefore" in parent) parent.moveBefore(node, before);
  else parent.insertBefore(node, before);
}

/** @param {VNode} child @param {Element} parent @returns {Node} */
function make(child, parent) {
  if (typeof child !== "object") return document.createTextNode(String(child));
  const inSvg = child.tag === "svg" || (parent.namespaceURI === SVG && parent.tagName !== "foreignObject");
  const element = inSvg ? document.createElementNS(SVG, child.tag) : document.createElement(child.tag);
  described.set(element, { ...child, attributes: {}, children: [] });
  patch(element, child);
  return element;
}

/** @param {Node} node @param {VNode} child */
function patch(node, child) {
  if (typeof child !== "object") {
    if (node.nodeValue !== String(child)) node.nodeValue = String(child);
    return;
  }
  if (described.get(node) === child) return; // a view that remembers what it returned
  const element = /** @type {Element} */ (node);
  const before = described.get(element)?.attributes ?? {};
  described.set(element, child);
  for (const name in before) if (!(name in child.attributes)) setAttribute(element, name, null);
  const { value, ...rest } = child.attributes;
  for (const name in rest) if (rest[name] !== before[name]) setAttribute(element, name, rest[name]);
  patchChildren(element, child.children);
  // After the children: a select has its options by then.
  if (value !== undefined && value !== before.value) setAttribute(element, "value", value);
}

/** @param {Element} element @param {string} name @param {unknown} value */
function setAttribute(element, name, value) {
  if (name.startsWith("on")) {
    // One listener for good, which asks for the function of the latest description.
    element.removeEventListener(name.slice(2), heard);
    if (typeof value === "function") element.addEventListener(name.slice(2), heard);
    return;
  }
  if (FORBIDDEN.has(name)) throw new TypeError(`${name} is no attribute of a view`);
  if (LINKS.has(name) && value && !isOwn(String(value))) throw new TypeError(`${name} leads out of the hub`);
  if (PROPERTIES.has(name)) {
    Reflect.set(element, name, value ?? "");
    return;
  }
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : String(value));
}

/** @this {Element} @param {Event} event */
function heard(event) {
  const listener = described.get(this)?.attributes[`on${event.type}`];
  if (typeof listener === "function") listener.call(this, event);
}

/** Return whether an address is one of the hub's own: customers' words never become one. @param {string} address */
function isOwn(address) {
  return address.startsWith("#") || (address.startsWith("/") && !address.startsWith("//") && !address.startsWith("/\\"));
}
