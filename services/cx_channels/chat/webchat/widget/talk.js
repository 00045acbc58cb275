/* What was said in one chat, as each tab of a visitor's browser knows it. Pure functions over plain objects.

   Tabs share a store but no lock, and each hears things in its own order. So nothing is ever overwritten: what two tabs
   know is merged, and `merged` gives the same whatever the order and however often (commutative, associative,
   idempotent). A talk is {forgotten, era, session, lines}:

   - forgotten: the era in which all chats of this browser were last forgotten, 0 where none was; the later one counts
     alone. Chats put away before it are not to be kept either (shelf.js).
   - era: rises where another talk takes this one's place; of two forgotten equally late, the later era counts alone.
   - session: {round, interaction, token, begun, ended?, reopen?, at}. `round` rises where a session is left, `at` with
     each change. `begun`: something was said in it. `ended`: it is over. `reopen`: the visitor wants to go on with it,
     and the hub does not know yet.
   - lines: {id, place, from: {role, name}, text, at, heard?, message?, file?, kind?, sent?, seen?, refused?, got?}, ordered by
     place, then id. A tab gives a line that it first meets the place after all that it knows; of two places that tabs
     gave, the lesser counts. `sent` (the hub has it), `seen` (the visitor saw it) and `refused` (the hub will never take
     it) only ever become true, and `got` (1 delivered, 2 read by the other side) only rises. `kind` is "" for words,
     else what happened: "joined", "informed", "waiting", "asked" (by the visitor: {ask: {way, phone?, when?}}), "ended",
     "reopened". */

export const MOST_LINES = 200;

export const NO_SESSION = { round: 0, interaction: "", token: "", begun: false, at: 0 };

export const EMPTY = { forgotten: 0, era: 0, session: NO_SESSION, lines: [] };

export function merged(one, other) {
  const later = forgottenIn(one) - forgottenIn(other) || one.era - other.era;
  if (later) return later > 0 ? one : other;
  return {
    forgotten: forgottenIn(one),
    era: one.era,
    session: preferred(one.session, other.session) > 0 ? one.session : other.session,
    lines: mergedLines(one.lines, other.lines),
  };
}

/* When the talk was last forgotten; a talk kept by an older script does not say. */
export function forgottenIn(talk) {
  return talk.forgotten ?? 0;
}

/* Above 0 where the first session counts. Two tabs may begin a chat at the same time: both go on with the one in which
   something was said, else with the lesser interaction. */
export function preferred(one, other) {
  return (
    one.round - other.round ||
    one.begun - other.begun ||
    !!one.interaction - !!other.interaction ||
    compared(other.interaction, one.interaction) ||
    one.at - other.at ||
    compared(one.token, other.token)
  );
}

export function mergedLines(ones, others) {
  const known = new Map(ones.map((line) => [line.id, line]));
  for (const line of others) {
    const before = known.get(line.id);
    known.set(line.id, before ? mergedLine(before, line) : line);
  }
  return cut([...known.values()].sort(inOrder));
}

function mergedLine(one, other) {
  const [first, second] = one.place <= other.place ? [one, other] : [other, one];
  const either = (name) => !!(one[name] || other[name]);
  const got = Math.max(one.got ?? 0, other.got ?? 0);
  return { ...second, ...first, got, sent: either("sent"), seen: either("seen"), refused: either("refused") };
}

/* The latest lines, and all that still has to be sent. */
function cut(lines) {
  const surplus = lines.length - MOST_LINES;
  return surplus > 0 ? lines.filter((line, index) => index >= surplus || isUnsent(line)) : lines;
}

function inOrder(one, other) {
  return one.place - other.place || compared(one.id, other.id);
}

function compared(one, other) {
  return one < other ? -1 : one > other ? 1 : 0;
}

export function nextPlace(talk) {
  return talk.lines.reduce((most, line) => Math.max(most, line.place), 0) + 1;
}

export function isOwn(line) {
  return line.from?.role === "customer";
}

function isUnsent(line) {
  return isOwn(line) && !line.sent && !line.refused;
}

export function unsentOf(talk) {
  return talk.lines.filter(isUnsent);
}

/* What others said, or who came, that nobody has looked at yet. */
export function unseenOf(talk) {
  return talk.lines.filter((line) => !isOwn(line) && !line.seen && (!line.kind || line.kind === "joined"));
}

/* The id of the latest line that others said, as the hub knows it. */
export function lastHeard(talk) {
  return talk.lines.findLast((line) => !isOwn(line) && !line.local)?.id ?? "";
}

/* The lines to which a receipt is: that of one message, or of all that the hub had by then. */
export function receivedBy(talk, { message, at }, got) {
  const covered = (line) => (message ? line.id === message : Date.parse(line.taken) <= Date.parse(at));
  return talk.lines.filter((line) => isOwn(line) && (line.got ?? 0) < got && covered(line));
}

/* How the chat stands: {state: "new" | "waiting" | "callback" | "joined" | "ended", ...} of the last line that says so. */
export function standingOf(lines) {
  let standing = { state: "new" };
  let before = standing;
  for (const line of lines) {
    if (line.refused) continue;
    if (line.kind === "joined") standing = { state: "joined", name: line.name };
    else if (line.kind === "waiting") standing = { ...line, state: "waiting" };
    else if (line.kind === "asked") standing = { state: line.ask.way === "person" ? "waiting" : "callback" };
    else if (line.kind === "ended") [before, standing] = [standing, { state: "ended", at: line.at }];
    else if (line.kind === "reopened") standing = { ...before, position: 0, about_s: 0 }; // a place in the queue was left
    else if (line.from?.role === "agent") standing = { state: "joined", name: line.from.name };
  }
  return standing;
}

/* A place in the queue without an estimate that has passed since it was heard, by this machine's clock alone: the hub's
   may be another. */
export function stillWaiting(line) {
  return { ...line, about_s: Date.now() < line.heard + line.about_s * 1000 && line.about_s };
}

/* The session with other parts. `at` rises with each change, also where the machine's clock was set back: a newer token
   would lose against an older one, which then expires while the chat is in use. */
export function renewed(session, parts) {
  return { ...session, ...parts, at: Math.max(Date.now(), session.at + 1) };
}

/* Another talk in this one's place, which every tab takes over: one with lines and a session of its own, or none. */
export function inPlaceOf(talk, { session = NO_SESSION, lines = [] } = {}) {
  const { round } = talk.session;
  return { forgotten: forgottenIn(talk), era: talk.era + 1, session: renewed(session, { round: round + 1 }), lines };
}

/* The talk without its session: what is said next begins a new one. */
export function withoutSession(talk) {
  return { ...talk, session: { ...NO_SESSION, round: talk.session.round + 1 } };
}

/* Nothing of the talk; other tabs forget it, too. */
export function forgotten(talk) {
  return { ...inPlaceOf(talk), forgotten: talk.era + 1 };
}

/* A line about what this browser did itself. */
export function ownEvent(kind) {
  return { id: randomId(), kind, at: new Date().toISOString(), local: true, seen: true };
}

export function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
