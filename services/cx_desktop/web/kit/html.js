/**
 * Describe elements. A view is a pure function that returns such a description; `dom.js` makes it so on the page.
 *
 *     h("button", {class: "b", type: "button", onclick: () => send("take")}, icon("check"), "Take")
 *
 * @typedef {string | number | VElement} VNode
 * @typedef {{tag: string, key: string | number | undefined, attributes: Record<string, unknown>, children: VNode[]}} VElement
 */

/**
 * Return the description of an element. Text is always a text node: nothing in it is markup.
 *
 * @param {string} tag name of an HTML element, or of an SVG element inside of `svg`
 * @param {Record<string, unknown> | null} [attributes] `key`: tells apart children of one parent that may change places;
 *   `on...`: a function that hears that event; `true`: an attribute without a value; `null`, `undefined`, `false`: none
 * @param {...unknown} children nested arrays are flattened; `null`, `undefined`, `false` and `""` are left out
 * @returns {VElement}
 */
export function h(tag, attributes, ...children) {
  const { key, ...rest } = attributes ?? {};
  return { tag, key, attributes: rest, children: children.flat(Infinity).filter(isShown) };
}

/** @param {unknown} child */
function isShown(child) {
  return child !== null && child !== undefined && child !== false && child !== true && child !== "";
}

/**
 * Return words of a person outside of the hub: isolated, in whatever direction they are written.
 *
 * @param {string | null | undefined} text
 * @param {string} [tag]
 * @param {Record<string, unknown>} [attributes]
 */
export function theirs(text, tag = "bdi", attributes = {}) {
  return h(tag, { dir: "auto", ...attributes }, text ?? "");
}

/**
 * Return words for screen readers alone.
 *
 * @param {...unknown} children
 */
export function unseen(...children) {
  return h("span", { class: "sr" }, ...children);
}

/**
 * Return all text of a description, for tests and for labels.
 *
 * @param {VNode} node
 * @returns {string}
 */
export function textOf(node) {
  return typeof node === "object" ? node.children.map(textOf).join("") : String(node);
}

/**
 * Return a view that answers with the very description of last time while its arguments are the same, which costs the
 * page nothing.
 *
 * @template {unknown[]} A
 * @param {(...values: A) => VNode} view
 * @returns {(...values: A) => VNode}
 */
export function remembered(view) {
  /** @type {A | undefined} */
  let last;
  /** @type {VNode} */
  let shown;
  return (...values) => {
    if (!last || values.some((each, at) => each !== last?.[at])) shown = view(...values);
    last = values;
    return shown;
  };
}
