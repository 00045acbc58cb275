/* Elements from plain values. Text from outside only ever becomes text nodes: nothing here, or anywhere, reads HTML. */

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  chat: "M4 4h16v12h-9l-4 4v-4H4Z",
  close: "M6 6l12 12M18 6 6 18",
  clip: "m8 12 7-7a3 3 0 0 1 4 4L9 19a4 4 0 0 1-6-6l9-9",
  more: "M4 12h2M11 12h2M18 12h2",
  up: "M12 19V5l-6 6M12 5l6 6",
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

/* Put children in the place of those there are. */
export function fill(parent, ...children) {
  parent.replaceChildren(...children.filter(Boolean));
}

/* A button that says what it does, or shows it by a picture. */
export function button(words, act, className = "choice", picture = "") {
  const made = element("button", { type: "button", className });
  if (picture) made.setAttribute("aria-label", words);
  made.append(picture ? icon(picture) : words);
  made.addEventListener("click", act);
  return made;
}
