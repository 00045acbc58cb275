"""Fold and show what agents and models say a conversation is about: topic, summary, disposition, notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from msgspec import Struct

from cx_context.parts.adding import keep_latest, later_register
from cx_context.parts.keyed_parts import order_of
from cx_context.parts.model import Part
from cx_context.parts.rules import WORDS, LastValue, latest
from cx_context.parts.undone import standing
from cx_context.parts.values import TEXT_KEPT, At
from cx_context.sections.agents import Names
from cx_context.sections.join_fields import THREADING
from cx_context.sections.messages import WORD_FIELDS
from cx_context.sections.section import Section, made_of
from cx_events.facts import Fact, Order
from cx_events.json_types import Json
from cx_events.junk import is_known_junk
from cx_events.schema_shapes import TEXT, TEXT_OR_NONE, TIME, named
from cx_events.timestamps import format_time
from cx_events.weights import ASSERTED

NOTES_KEPT = 16
"""More than are shown, since some may be taken back."""
NOTES_SHOWN = 6
TOPICS_KEPT = 16

Note = tuple[At, str, str]
"""(at, author, text)"""


class Fields(Struct):
    topics: Annotated[list[tuple[At, str]], latest(TOPICS_KEPT)] = []
    """(at, topic), the latest first."""
    summary: Annotated[LastValue, WORDS] = None
    disposition: Annotated[LastValue, WORDS] = None
    notes: Annotated[list[Note], latest(NOTES_KEPT), WORDS] = []


def _add_topic(part: Part, fact: Fact, at: At) -> None:
    part.topics = keep_latest(part.topics, (at, _one_line(fact.event.data.topic)), TOPICS_KEPT)


def _one_line(topic: str) -> str:
    """Return a topic as it is compared with others: blanks around and between its words don't count."""
    return " ".join(topic.split())[:TEXT_KEPT]


def _set_disposition(part: Part, fact: Fact, at: At) -> None:
    part.disposition = later_register(part.disposition, (at, fact.event.data.disposition[:TEXT_KEPT]))


def _resolved(part: Part, fact: Fact, at: At) -> None:
    if fact.event.data.disposition:
        _set_disposition(part, fact, at)


def _add_note(part: Part, fact: Fact, at: At) -> None:
    data = fact.event.data
    author = (data.agent.name or data.agent.id) if data.agent is not None else ""
    part.notes = keep_latest(part.notes, (at, author[:TEXT_KEPT], data.note[:TEXT_KEPT]), NOTES_KEPT)


def _add_insight(part: Part, fact: Fact, at: At) -> None:
    insight = fact.event.data.insight
    if insight is None:
        return
    if insight.topic and not is_known_junk("topic", insight.topic, ASSERTED):
        part.topics = keep_latest(part.topics, (at, _one_line(insight.topic)), TOPICS_KEPT)
    if insight.summary:
        part.summary = later_register(part.summary, (at, insight.summary[: 2 * TEXT_KEPT]))


def topic_of(parts: Sequence[Part]) -> str | None:
    """Return the topic that was named last."""
    found = latest_topic(parts)
    return found[1] if found is not None else None


def latest_topic(parts: Sequence[Part]) -> tuple[Order, str] | None:
    """Return the topic that was named last and that nobody took back, after its place."""
    return max(
        (
            (order_of(part, at), topic)
            for part in parts
            if part.topics
            for at, topic in (standing(part.topics, part.undone) if part.undone else part.topics[:1])[:1]
        ),
        default=None,
    )


def notes_view(parts: Sequence[Part], names: Names) -> list[Json]:
    """Return the latest notes, newest first, with the last known name of each author."""
    if not any(part.notes for part in parts):
        return []
    notes = sorted(
        ((order_of(p, at), author, text) for p in parts for at, author, text in standing(p.notes, p.undone)),
        reverse=True,
    )
    return [
        {"time": format_time(order[0]), "agent": names.get(("agent", author), author) or None, "text": text}
        for order, author, text in notes[:NOTES_SHOWN]
    ]


NOTE = named("NoteShown", {"time": TIME, "agent": TEXT_OR_NONE, "text": TEXT})
"""The schema of an item of ``notes_view``."""

SECTION = Section(
    handlers={
        "cx.conversation.topic.v1": _add_topic,
        "cx.conversation.note.v1": _add_note,
        "cx.conversation.disposition.v1": _set_disposition,
        "cx.conversation.resolved.v1": _resolved,
    },
    member_handlers={"insight": _add_insight},
    provenance={
        ("conversations", "*", "topic"): made_of(
            "the topic that was said last and that nobody took back", "topics", "undone", *THREADING, threaded=True
        ),
        ("conversations", "*", "summary"): made_of(
            "the latest summary of a model, else the customer's earliest words at hand",
            "summary", *WORD_FIELDS, *THREADING, threaded=True,
        ),
        ("conversations", "*", "disposition"): made_of(
            "the disposition set last, by itself or with a resolve", "disposition", *THREADING, threaded=True
        ),
        ("conversations", "*", "notes"): made_of(
            "the latest notes that nobody took back", "notes", "undone", "names", *THREADING, threaded=True
        ),
    },
)  # fmt: skip
