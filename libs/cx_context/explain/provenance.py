"""By which rule each value of the document comes about, and which fields of parts it is made of.

The table is what the lineage narrows its search by: an event whose absence changes none of a value's fields can't have
changed the value. So a row may name too many fields, which costs time, but never too few.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cx_context.explain.json_pointer import Path, pattern_of

THREADING = frozenset(
    {
        "interaction", "about", "first_recorded", "first", "since", "active", "endless", "references", "written",
        "quoted", "topics", "links", "split", "resolved", "reopened", "tokens", "token_uses", "channel", "channels",
    }
)  # fmt: skip
"""What decides which contacts there are, which of them are one conversation, and under which id."""

STATE = frozenset({"customer_spoke", "resolved", "reopened"})
"""What decides whether a conversation is open."""

_WAITING = STATE | {"ended", "resumed", "business_spoke", "answered", "queued", "said"}
CORE = frozenset({"proofs", "assertions"})
"""What decides which profiles are the core, where there is no known one (``assurance.around_core``)."""

_ASSURED = CORE | {"named"}
"""What decides how sure it is who is at the other end of a contact."""

_WORDS = frozenset({"said", "edits", "deleted", "channel"})


@dataclass(frozen=True, slots=True)
class Provenance:
    """``threaded``: the value hangs on which interactions are one conversation, too. ``identity``: it comes from who is
    who. ``summed``: it counts events, each of which is needed."""

    rule: str
    fields: frozenset[str] = frozenset()
    threaded: bool = False
    identity: bool = False
    summed: bool = False


def _row(rule: str, *fields: str, threaded: bool = False, identity: bool = False, summed: bool = False) -> Provenance:
    return Provenance(rule, frozenset(fields), threaded, identity, summed)


def _of_conversation(rule: str, *fields: str) -> Provenance:
    return Provenance(rule, frozenset(fields) | THREADING, threaded=True)


_ACTIVE_LAST = "the live interaction that was active last"
_HEAVIEST = "the value of the greatest weight, of those the last by effective time"

PROVENANCE: Mapping[Path, Provenance] = MappingProxyType(
    {
        (): _row("each member by its own rule"),
        ("customer",): _row("who is who, and what was said of the customer last"),
        ("customer", "id"): _row("the profile that was recorded first of those that are one customer", identity=True),
        ("customer", "aliases"): _row("the other profiles of the customer, the core's first", *CORE, identity=True),
        ("customer", "display"): _row(
            "the name of the greatest weight, of those the last, else the strongest identifier", "name", *CORE,
            identity=True,
        ),
        ("customer", "display_weight"): _row("how much that name weighs; null of an identifier", "name", *CORE),
        ("customer", "identifiers"): _row(
            "profiles that evidence or a person's decision joins", "verified", *CORE, identity=True
        ),
        ("customer", "identifiers", "*", "claimed"): _row(
            "whether only a claim ties it to the known core, else to the first profile that something vouches for",
            *CORE, identity=True,
        ),
        ("customer", "identifiers", "*", "verified_at"): _row("the last event in which it is verified", "verified"),
        ("customer", "identifiers", "*", "verified_by"): _row("how it was proved last", "proofs"),
        ("customer", "assurance"): _row(
            "who was proved, asserted or claimed to be there in the contact that was active last, and the weakest link "
            "between identifiers", *THREADING, *_ASSURED, "last", threaded=True, identity=True
        ),
        ("customer", "attributes"): _row(_HEAVIEST, "attributes", *CORE),
        ("customer", "consent"): _row(
            "a refusal, until its own profile or somebody proved grants again", "grants", "refusals", *CORE
        ),
        ("customer", "preferences"): _row(_HEAVIEST, "preferences", *CORE),
        ("customer", "candidates"): _row("claims that join nobody, while nobody settles them", identity=True),
        ("customer", "candidates_total"): _row("how many these are, 1,000 at most", identity=True),
        ("now",): Provenance(
            _ACTIVE_LAST, THREADING | _WAITING | _ASSURED | {"last", "queue", "agent", "names"}, threaded=True
        ),
        ("now", "verified"): Provenance(
            "what was proved last in " + _ACTIVE_LAST + ", or came to it by a token or a person's link",
            THREADING | _WAITING | CORE | {"last"},
            threaded=True,
        ),
        ("now", "waiting_since"): Provenance(
            "since when the customer waits unanswered in " + _ACTIVE_LAST,
            THREADING | _WAITING | {"last"},
            threaded=True,
        ),
        ("conversations",): _of_conversation("interactions joined by a person, a reference, the same matter in time"),
        ("conversations", "*", "id"): _of_conversation("the anchor that was recorded first"),
        ("conversations", "*", "aliases"): _of_conversation("the other anchors by which it was known"),
        ("conversations", "*", "topic"): _of_conversation("the topic that was said last", "topics"),
        ("conversations", "*", "state"): _of_conversation(
            "resolved where the latest resolve is later than the latest customer message and reopening", *STATE
        ),
        ("conversations", "*", "channels"): _of_conversation("its interactions' channels, by start", "channel"),
        ("conversations", "*", "opened_at"): _of_conversation("the first event of its first interaction"),
        ("conversations", "*", "last_at"): _of_conversation("its latest counted event", "last"),
        ("conversations", "*", "waiting_since"): _of_conversation(
            "the first thing said, or the queue, that nobody answered", *_WAITING
        ),
        ("conversations", "*", "summary"): _of_conversation(
            "the latest summary of a model, else the customer's earliest words at hand", "summary", *_WORDS
        ),
        ("conversations", "*", "messages"): _of_conversation(
            "the latest words, as edited since, and the files that came with them", *_WORDS, "files"
        ),
        ("conversations", "*", "agent"): _of_conversation("the agent named last", "agent", "names"),
        ("conversations", "*", "queue"): _of_conversation("the queue named last", "queue", "names"),
        ("conversations", "*", "disposition"): _of_conversation("the disposition set last", "disposition"),
        ("conversations", "*", "notes"): _of_conversation("the latest notes", "notes", "names"),
        ("conversations", "*", "bot"): _of_conversation(
            "a bot's latest turns, and the last of each slot", "turns", "slots"
        ),
        ("conversations", "*", "handoff"): _of_conversation(
            "the handoff asked for last, who accepted it since, and whether the context was shown first",
            "handoff", "accepted", "shown", "agent", "names", "answered", "first_answered", "first_shown",
        ),
        ("conversations", "*", "tokens"): _of_conversation("the latest tokens issued for it, and their uses"),
        ("conversations", "*", "verified"): _of_conversation(
            "what was proved in its contact that was active last, or came to it by a token or a person's link",
            *CORE, "last",
        ),
        ("conversations", "*", "references"): _of_conversation("every order and case that an event names"),
        ("conversations", "*", "joined"): _of_conversation("the strongest rule that joins an interaction", *_ASSURED),
        ("timeline",): _row("the latest events, newest first"),
        ("timeline", "*"): _row("the event itself"),
        ("counts",): _row("sums over all counted events", "events", "messages", "channels"),
        ("counts", "events"): _row("the number of events, decisions and insights left out", "events", summed=True),
        ("counts", "messages"): _row("the number of messages", "messages", summed=True),
        ("counts", "interactions"): _row("the number of interactions with a counted event", "interaction", "first"),
        ("counts", "conversations"): Provenance("the number of conversations", THREADING, threaded=True),
        ("counts", "by_channel"): _row("the number of events on each channel", "channels", summed=True),
        ("sentiment",): _row(
            "the mean of the last ten scores of the customer's messages, the later half against the earlier",
            "sentiment", "deleted", "edits", "others", "interaction",
        ),
        ("last_agent",): _row(
            "the agent named last in any interaction", "agent", "names", "channel", "interaction", "first"
        ),
        ("unresolved",): Provenance(
            "open conversations in which the customer waits",
            THREADING | _WAITING | _WORDS,
            threaded=True,
        ),
    }
)  # fmt: skip


def provenance_of(path: Path) -> Provenance:
    """What feeds the value at a path, and all values below it."""
    pattern = pattern_of(path)
    above = max((known for known in PROVENANCE if known == pattern[: len(known)]), key=len)
    rows = [
        PROVENANCE[above],
        *(row for known, row in PROVENANCE.items() if len(known) > len(pattern) == _common(known, pattern)),
    ]
    return Provenance(
        PROVENANCE[above].rule,
        frozenset().union(*(row.fields for row in rows)),
        threaded=any(row.threaded for row in rows),
        identity=any(row.identity for row in rows),
        summed=PROVENANCE[above].summed,
    )


def _common(one: Path, other: Path) -> int:
    """Of how many tokens both begin."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
