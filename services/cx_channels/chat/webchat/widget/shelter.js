/* Keeps the page's own handlers away from what is typed, pasted and dropped in the chat.

   Events leave a shadow tree with the host as their target. A page whose shortcuts are single keys takes what is typed
   for shortcuts, since the host is no text field, and cancels the keys; a page whose dialog holds the focus takes it
   away. So the events end at the window, before the page's handlers, and the chat's own are called from there. What the
   browser does by itself, as to put a character into the field, stays as it is. Handlers of the window's that look at
   the capturing phase and were added before this script come first all the same. */

const SHELTERED = [
  "keydown", "keypress", "keyup", "beforeinput", "compositionstart", "compositionupdate", "compositionend",
  "copy", "cut", "paste", "dragenter", "dragover", "dragleave", "drop", "focus", "focusin",
];

export class Shelter {
  constructor(host) {
    this.host = host;
    this.handlers = [];
    for (const type of SHELTERED) addEventListener(type, (event) => this.meet(event), true);
  }

  /* Call the handler for events of a sheltered type at the element or inside of it. */
  on(element, type, handler) {
    this.handlers.push({ element, type, handler });
  }

  meet(event) {
    const path = event.composedPath();
    if (!path.includes(this.host)) return;
    event.stopImmediatePropagation();
    for (const { element, type, handler } of this.handlers) {
      if (type === event.type && path.includes(element)) handler(event);
    }
  }
}
