"""Show an agent what to know before the first word: why now, what was last said and promised, what not to ask again.

Made of the conversations that the context shows. Why now, and what was proved, is of the open conversation that was
active last; what a bot learned, of all open ones. No model: each line is somebody's own, and names its event.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from msgspec import Raw, Struct

from cx_context.parts.adding import later_register
from cx_context.parts.model import Part
from cx_context.parts.rules import WORDS, LastValue, Sum
from cx_context.parts.values import TEXT_KEPT, At
from cx_context.sections.acts import PROMISE_MEMBERS, PROMISES_SHOWN
from cx_context.sections.agents import DEALING
from cx_context.sections.contact_state import WAITING
from cx_context.sections.join_fields import THREADING
from cx_context.sections.messages import WORD_FIELDS
from cx_context.sections.proofs import CORE, VOUCHING
from cx_context.sections.section import Section, made_of
from cx_context.sections.section_inputs import Excerpt, Placed, PlacedWords, Rendering
from cx_events.facts import Fact
from cx_events.json_types import Json
from cx_events.schema_shapes import EVENT_NAME, ID, TEXT, TEXT_OR_NONE, TIME, TIME_OR_NONE, array, named, or_none
from cx_events.timestamps import END_OF_TIME, parse_time

KNOWN_SHOWN = 40
CONVERSATIONS_READ = 20
"""Those that the context shows."""


class Fields(Struct):
    handoff_summary: Annotated[LastValue, WORDS] = None
    """What the handoff that was asked for last is about, in the words of who asked: its packet's summary, else why."""
    handoffs_asked: Sum = 0


def _asked(part: Part, fact: Fact, at: At) -> None:
    data = fact.event.data
    summary = data.handoff.packet.get("summary") if data.handoff is not None else None
    about = summary if isinstance(summary, str) and summary.strip() else data.reason
    part.handoffs_asked += 1
    part.handoff_summary = later_register(part.handoff_summary, (at, about[:TEXT_KEPT]))


def view(of: Rendering) -> Json:
    """Return ``glance``."""
    shown = [of.view_of(each).excerpt for each in of.conversations[:CONVERSATIONS_READ]]
    first = shown[0] if of.open_conversations else None
    return {
        "why_now": first.why if first is not None else None,
        "last_words": {
            "customer": _latest(each.customer for each in shown),
            "business": _latest(each.business for each in shown),
        },
        "promises": _promises(shown),
        "known": _known(shown, first),
    }


def _latest(words: Iterable[PlacedWords | None]) -> Json | Raw | None:
    found = max((each for each in words if each is not None), default=None, key=lambda placed: placed[0])
    return found[1] if found is not None else None


def _promises(shown: Iterable[Excerpt]) -> list[Json]:
    """Return the open promises, the earliest due first, then those without a time, the oldest first."""
    return sorted((promise for each in shown for promise in each.promises), key=_due)[:PROMISES_SHOWN]


def _due(promise: Json) -> tuple[Any, ...]:
    due = promise["due"]
    event = promise["event"]
    return parse_time(due) if due else END_OF_TIME, parse_time(promise["time"]), event["source"], event["id"]


def _known(shown: Sequence[Excerpt], first: Excerpt | None) -> list[Json]:
    """Return what was proved, then what bots learned, the latest first; of one name the latest value."""
    slots: dict[str, Placed] = {}
    for excerpt in shown:
        for name, placed in excerpt.slots.items():
            if name not in slots or placed[0] > slots[name][0]:
                slots[name] = placed
    learned = sorted(slots.items(), key=lambda item: (item[1][0], item[0]), reverse=True)
    return [*(first.proofs if first is not None else ()), *(known for _, (_, known) in learned)][:KNOWN_SHOWN]


_WORDS = named(
    "LastWords",
    {
        "time": TIME,
        "channel": TEXT_OR_NONE,
        "interaction": TEXT,
        "conversation": ID,
        "name": TEXT_OR_NONE,
        "text": TEXT,
        "event": EVENT_NAME,
    },
)
_WHY = named(
    "WhyNow",
    {
        "text": {**TEXT, "description": "One line."},
        "from": {
            "enum": ["handoff", "intent", "topic", "message"],
            "description": "The summary of a handoff that nobody accepted yet, a bot's last intent, the topic, or the "
            "first thing said that nobody answered: the first that there is.",
        },
        "time": TIME,
        "conversation": ID,
        "event": EVENT_NAME,
    },
)
_KNOWN = named(
    "KnownAnswer",
    {
        "name": {**TEXT, "description": "The slot; of a proof the kind of identifier."},
        "value": {"description": "As the bot told it, of any type; of a proof the identifier's text."},
        "from": {"enum": ["bot", "proof"]},
        "time": TIME,
        "method": {**TEXT_OR_NONE, "description": "Of a proof."},
        "expires_at": {**TIME_OR_NONE, "description": "Of a proof; it may be past: the body asks no clock."},
        "conversation": ID,
        "event": EVENT_NAME,
    },
)

_SHOWN = frozenset({*THREADING, *WAITING, "last"})
"""What decides which conversations are shown, which of them are open, and which was active last."""

SECTION = Section(
    schema=named(
        "Glance",
        {
            "why_now": or_none(_WHY),
            "last_words": named("LastWordsOfEach", {"customer": or_none(_WORDS), "business": or_none(_WORDS)}),
            "promises": array(named("OpenPromise", {**PROMISE_MEMBERS, "conversation": ID})),
            "known": array(_KNOWN),
        },
    ),
    handlers={
        "cx.bot.handoff_asked.v1": _asked,
        "cx.handoff.requested.v1": _asked,
    },
    provenance={
        ("glance", "why_now"): made_of(
            "the first of: an open handoff's summary, a bot's last intent, the topic, the first unanswered words",
            *_SHOWN, *WORD_FIELDS, *DEALING, *VOUCHING, "handoff", "handoff_summary", "turns",
            "undone", threaded=True,
        ),
        ("glance", "last_words"): made_of(
            "the latest words of each side, as edited since", *_SHOWN, *WORD_FIELDS, threaded=True
        ),
        ("glance", "promises"): made_of(
            "promises that are open", *_SHOWN, "promises", "promise_outcomes", "undone", "names", threaded=True
        ),
        ("glance", "known"): made_of(
            "the last of each slot in open conversations, and what was proved in the contact at hand",
            *_SHOWN, *CORE, "slots", threaded=True,
        ),
        ("glance",): made_of("each member by its own rule", threaded=True),
    },
    not_shown={"handoffs_asked": "what a customer's journey counts"},
)  # fmt: skip
