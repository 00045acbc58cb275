/* How the chat looks. It stands in a shadow root, so that neither page nor chat styles the other; the page may set the
   variables --tl-accent, --tl-on-accent, --tl-paper, --tl-ink and --tl-radius, from which the rest is mixed.
   `!important` in here wins against the page's: nothing that a page says of all elements moves or hides the chat. */

const DARK = "--paper: var(--tl-paper, #171b22); --ink: var(--tl-ink, #eceff4);";

export const STYLE = `
  :host {
    all: initial !important; display: var(--tl-display, block) !important; color-scheme: light dark !important;
    position: fixed !important; z-index: 2147483000 !important; inset-block-end: 16px !important;
    inset-inline-end: 16px !important; font: 400 16px/1.45 system-ui, sans-serif !important; color: var(--ink) !important;
    --accent: var(--tl-accent, #2f5bd7); --on-accent: var(--tl-on-accent, #ffffff);
    --paper: var(--tl-paper, #ffffff); --ink: var(--tl-ink, #171c26);
    --radius: var(--tl-radius, 14px);
    --soft: color-mix(in srgb, var(--ink) 7%, var(--paper)); --edge: color-mix(in srgb, var(--ink) 16%, var(--paper));
    --field: color-mix(in srgb, var(--ink) 55%, var(--paper)); --quiet: color-mix(in srgb, var(--ink) 74%, var(--paper));
  }
  :host([data-theme="light"]) { color-scheme: light !important; }
  :host([data-theme="dark"]) { color-scheme: dark !important; ${DARK} }
  @media (prefers-color-scheme: dark) { :host(:not([data-theme="light"])) { ${DARK} } }
  * { box-sizing: border-box; margin: 0; font: inherit; color: inherit; letter-spacing: normal; }
  [hidden] { display: none !important; }
  button { display: grid; place-items: center; min-inline-size: 40px; min-block-size: 40px; padding: 0; border: 0;
    border-radius: var(--radius); background: none; cursor: pointer; }
  svg { inline-size: 20px; block-size: 20px; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round;
    stroke-linejoin: round; flex: none; }
  :focus-visible { outline: 2px solid var(--paper); outline-offset: 0; box-shadow: 0 0 0 4px var(--ink); }
  .sr { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

  .launcher { display: flex; align-items: center; gap: 10px; min-block-size: 52px; padding-inline: 20px; border-radius: 26px;
    background: var(--accent); color: var(--on-accent); font-weight: 600; box-shadow: 0 6px 20px #0004; }
  .badge { min-inline-size: 22px; padding: 0 6px; border-radius: 11px; background: #b3261e; color: #ffffff;
    font-size: 14px; line-height: 22px; text-align: center; }

  .panel { display: flex; flex-direction: column; inline-size: min(376px, 100vw - 32px);
    block-size: min(600px, 100dvh - 32px); overflow: hidden; border: 1px solid var(--edge);
    border-radius: calc(var(--radius) + 4px); background: var(--paper); box-shadow: 0 10px 40px #0005; }
  header { display: flex; align-items: center; gap: 8px; padding-block: 10px; padding-inline: 16px 8px;
    border-block-end: 1px solid var(--edge); }
  h2 { flex: 1; font-weight: 650; overflow-wrap: anywhere; }
  .note { display: flex; align-items: center; gap: 8px; background: var(--soft); font-size: 14px; }
  .note p { flex: 1; }
  .note p:not(:empty) { padding: 8px 16px; }
  .link { min-inline-size: 0; min-block-size: 24px; padding-inline: 4px; flex: none; text-decoration: underline;
    border-radius: 4px; }
  .note .link { margin-inline-end: 12px; white-space: nowrap; }

  .log { flex: 1; display: flex; flex-direction: column; gap: 4px; min-block-size: 0; padding: 14px; overflow-y: auto;
    overscroll-behavior: contain; }
  .log::before { content: ""; margin-block-start: auto; }
  .log:focus-visible { outline-offset: -6px; box-shadow: inset 0 0 0 4px var(--ink); }
  .line { display: flex; flex-direction: column; align-items: flex-start; max-inline-size: 88%; align-self: flex-start; }
  .line.customer { align-items: flex-end; align-self: flex-end; }
  .from, .state { font-size: 13px; color: var(--quiet); }
  .from { margin-block-start: 8px; }
  .state { display: flex; align-items: center; gap: 4px; max-inline-size: 100%; text-align: end; }
  .state span { min-inline-size: 0; }
  .words { max-inline-size: 100%; padding: 8px 12px; border-radius: var(--radius); background: var(--soft);
    white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: plaintext; }
  .customer .words { background: var(--accent); color: var(--on-accent); }
  .unsent .words { background: none; color: var(--ink); outline: 1.5px dashed var(--field); outline-offset: -1.5px; }
  .words svg { inline-size: 16px; block-size: 16px; vertical-align: -3px; margin-inline-end: 6px; }
  a { text-decoration: underline; overflow-wrap: anywhere; unicode-bidi: isolate; border-radius: 4px; }

  form { display: flex; align-items: flex-end; gap: 4px; padding: 8px; border-block-start: 1px solid var(--edge); }
  textarea { flex: 1; min-inline-size: 0; min-block-size: 40px; max-block-size: 132px; padding: 8px 12px; resize: none;
    border: 1.5px solid var(--field); border-radius: var(--radius); background: var(--paper); field-sizing: content; }
  ::placeholder { color: var(--quiet); opacity: 1; }
  form .go { background: var(--accent); color: var(--on-accent); }
  .bounds { padding: 0 16px 8px; font-size: 12px; color: var(--quiet); }
  .panel.dropping { outline: 3px dashed var(--accent); outline-offset: -8px; }

  @media (pointer: coarse) { button { min-inline-size: 44px; min-block-size: 44px; } .link { min-inline-size: 0; } }
  @media (max-width: 480px) {
    .panel { position: fixed; inset: 0; inline-size: auto; block-size: var(--seen-height, 100dvh); border: 0; border-radius: 0;
      padding-block: env(safe-area-inset-top) env(safe-area-inset-bottom); }
  }
  @media (max-height: 420px) { /* a page at 400%: the panel scrolls rather than lose its end */
    .panel { overflow-y: auto; }
    .log { flex: 1 0 96px; }
    textarea { max-block-size: 72px; }
  }
  @media (prefers-reduced-motion: no-preference) {
    .panel { animation: rise .16s ease-out; }
    @keyframes rise { from { opacity: 0; translate: 0 8px; } }
  }
  @media (forced-colors: active) { .words, .launcher, button { border: 1px solid; } }`;
