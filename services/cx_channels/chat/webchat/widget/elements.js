/* Elements from plain values. Text from outside only ever becomes text nodes: nothing here, or anywhere, reads HTML. */

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  chat: "M21 12a8 8 0 0 1-8 8H4l1.5-3.5A8 8 0 1 1 21 12Z",
  close: "M6 6l12 12M18 6 6 18",
  clip: "M20 11.5 12 19a5 5 0 0 1-7-7l8-8a3.3 3.3 0 0 1 4.7 4.7l-8 7.9a1.7 1.7 0 0 1-2.4-2.4l7.3-7.2",
  up: "M12 19V5M6 11l6-6 6 6",
};

/* properties: of the element; those with a hyphen and `role` are set as attributes. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-") || key === "role") made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children);
  return made;
}

export function icon(name) {
  const drawing = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("aria-hidden", "true");
  drawing.append(path);
  return drawing;
}
