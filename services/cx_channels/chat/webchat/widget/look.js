/* How the chat looks. It stands in a shadow root, so that neither page nor chat styles the other; the page may set the
   variables --tl-accent, --tl-on-accent, --tl-paper, --tl-ink and --tl-radius, from which the rest is mixed.
   `!important` in here wins against the page's: nothing that a page says of all elements moves or hides the chat. */

const DARK = "--paper: var(--tl-paper, #171b22); --ink: var(--tl-ink, #eceff4);";

export const STYLE = `
  :host {
    all: initial !important; display: var(--tl-display, block) !important; color-scheme: light dark !important;
    position: fixed !important; z-index: 2147483000 !important; inset-block-end: 16px !important;
    inset-inline-end: 16px !important; font: 16px/1.45 system-ui, sans-serif !important; color: var(--ink) !important;
    --accent: var(--tl-accent, #2f5bd7); --on-accent: var(--tl-on-accent, #fff);
    --paper: var(--tl-paper, #fff); --ink: var(--tl-ink, #171c26); --radius: var(--tl-radius, 14px);
    --soft: color-mix(in srgb, var(--ink) 7%, var(--paper)); --edge: color-mix(in srgb, var(--ink) 16%, var(--paper));
    --field: color-mix(in srgb, var(--ink) 55%, var(--paper)); --quiet: color-mix(in srgb, var(--ink) 74%, var(--paper));
  }
  :host([data-theme="light"]) { color-scheme: light !important; }
  :host([data-theme="dark"]) { color-scheme: dark !important; ${DARK} }
  @media (prefers-color-scheme: dark) { :host(:not([data-theme="light"])) { ${DARK} } }
  * { box-sizing: border-box; margin: 0; font: inherit; color: inherit; letter-spacing: normal; }
  [hidden] { display: none !important; }
  button { display: grid; place-items: center; min-width: 40px; min-height: 40px; padding: 0; border: 0;
    border-radius: var(--radius); background: none; cursor: pointer; }
  svg { height: 20px; vertical-align: -4px; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; flex: none; }
  :focus-visible { outline: 2px solid var(--paper); box-shadow: 0 0 0 4px var(--ink); }
  .sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
  h2, h3, .what, .launcher, .code { font-weight: 650; }
  .panel, .hello { overflow-wrap: anywhere; }
  .event, .note, .choice, label { font-size: 14px; }
  .from, .state, .hint, header p, .bounds { font-size: 13px; color: var(--quiet); }
  .launcher, .go, .customer .words { background: var(--accent); color: var(--on-accent); }

  .launcher { display: flex; gap: 8px; margin-inline-start: auto; min-height: 52px; padding: 0 20px; border-radius: 26px; }
  .launcher, .note, header, .state { align-items: center; }
  .badge { min-width: 22px; padding: 0 6px; border-radius: 11px; background: #b3261e; color: #fff; font-size: 14px; line-height: 22px; }
  .hello { display: flex; max-width: min(300px, 100vw - 32px); margin-block-end: 8px; padding: 4px; }
  .hello, .panel { border: 1px solid var(--edge); border-radius: var(--radius); background: var(--paper); }
  .hello, .panel, .launcher { box-shadow: 0 6px 20px #0004; }
  .hello .choice { flex: 1; border: 0; }
  .hello .choice, .wide { text-align: start; }

  .panel { display: flex; flex-direction: column; width: min(376px, 100vw - 32px); height: min(600px, 100dvh - 32px);
    overflow: hidden; }
  header { display: flex; gap: 8px; padding-block: 8px; padding-inline: 16px 8px; border-block-end: 1px solid var(--edge); }
  header div, .note p, textarea, .log, .view { flex: 1; min-width: 0; min-height: 0; }
  .note { display: flex; gap: 8px; background: var(--soft); }
  .note p:not(:empty) { padding: 8px 16px; }
  .link { min-width: 0; min-height: 24px; padding: 0 4px; flex: none; text-decoration: underline; border-radius: 4px; }
  .note .link { margin-inline-end: 12px; }

  .log, .view, .line { display: flex; flex-direction: column; gap: 4px; }
  .log, .view { padding: 14px; overflow-y: auto; overscroll-behavior: contain; }
  .log::before { content: ""; margin-block-start: auto; }
  .log:focus-visible { outline-offset: -6px; box-shadow: inset 0 0 0 4px var(--ink); }
  .line { gap: 0; align-items: start; max-width: 88%; align-self: start; }
  .line.customer { align-items: end; align-self: end; }
  .from { margin-block-start: 8px; }
  .state { display: flex; gap: 4px; max-width: 100%; text-align: end; }
  .words { max-width: 100%; padding: 8px 12px; border-radius: var(--radius); background: var(--soft); white-space: pre-wrap;
    unicode-bidi: plaintext; }
  .line.unsent .words { background: none; color: var(--ink); outline: 1.5px dashed var(--field); outline-offset: -1.5px; }
  a { text-decoration: underline; unicode-bidi: isolate; border-radius: 4px; }
  .event { margin: 8px 0; padding: 8px 12px; border-inline-start: 3px solid var(--accent); background: var(--soft); }

  .bar { display: flex; flex-wrap: wrap; gap: 8px; padding: 8px; }
  .choice { padding: 4px 12px; border: 1.5px solid var(--field); }
  .view { gap: 8px; }
  .view .link { align-self: start; }
  .wide { place-items: start; }
  .code { font-size: 26px; }
  form { display: flex; align-items: end; gap: 4px; padding: 8px; border-block-start: 1px solid var(--edge); }
  .view form { display: grid; align-items: stretch; gap: 8px; padding: 0; border: 0; }
  label { display: grid; gap: 4px; }
  textarea, input { min-height: 40px; padding: 8px 12px; border: 1.5px solid var(--field); border-radius: var(--radius);
    background: var(--paper); }
  textarea { max-height: 132px; resize: none; field-sizing: content; }
  ::placeholder { color: var(--quiet); opacity: 1; }
  .bounds:not(:empty) { padding: 0 16px 8px; }
  [hidden] + .bounds { display: none; }

  @media (pointer: coarse) { button:not(.link) { min-width: 44px; min-height: 44px; } }
  @media (max-width: 480px) {
    .panel { position: fixed; inset: 0; width: auto; height: var(--seen-height, 100dvh); border: 0; border-radius: 0;
      padding-block: env(safe-area-inset-top) env(safe-area-inset-bottom); }
  }
  @media (max-height: 420px) { /* a page at 400%: the panel scrolls rather than lose its end */
    .panel { overflow-y: auto; }
    .log { flex: 1 0 96px; }
    textarea { max-height: 72px; }
  }
  @media (forced-colors: active) { .words, .event, .launcher, button { border: 1px solid; } }`;
