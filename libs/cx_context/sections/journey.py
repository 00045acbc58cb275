"""Show one contact of a journey: its channel and times, who spoke how often, in which mood, how it ended.

It is no member of the document: a journey is as long as the customer's history, and is paged.
"""

from __future__ import annotations

from collections.abc import Sequence

from cx_context.parts.model import Part
from cx_context.sections.agents import NAME, Names, name_view, names_of
from cx_context.sections.assurance import Trust
from cx_context.sections.contact_state import conversation_state, is_live
from cx_context.sections.handoff_acceptances import agent_of
from cx_context.sections.sentiment import scores_of
from cx_context.sections.vouching_facts import contact_assurances
from cx_context.threading.contact_model import Contact
from cx_context.threading.conversations import Conversation
from cx_events.ids import text_of
from cx_events.json_types import Json
from cx_events.schema_shapes import (
    ID,
    ID_AND_NAME,
    TEXT,
    TEXT_OR_NONE,
    TIME,
    TIME_OR_NONE,
    WHOLE,
    array,
    members,
    named,
    or_none,
    ref,
    values,
)
from cx_events.timestamps import format_time

AGENTS_SHOWN = 20


def contact_of_journey(conversation: Conversation, place: int, whole: Contact, trust: Trust) -> Json:
    """Return one contact. ``place``: of the contact among the conversation's; ``whole``: the contact with its words."""
    part = whole.part
    parts = [member.part for member in conversation.members]
    names = names_of([*parts, part])
    ended = None if is_live(part) else part.end
    assurance = contact_assurances(conversation, [conversation.places[place]], trust)[0]
    return {
        "interaction": whole.name,
        "conversation": text_of(conversation.id),
        "channel": part.channel[1] if part.channel is not None else None,
        "level": assurance.level,
        "start": format_time(whole.start[0]),
        "end": format_time(ended[0][0]) if ended is not None else None,
        "last_at": format_time(whole.last_activity),
        "counts": {role: part.spoken[role] for role in sorted(part.spoken)},
        "mood": mood_of([piece.part for piece in whole.pieces]),
        "agents": _agents(part, names),
        "queue": name_view("queue", part.queue, names),
        "handoffs": part.handoffs_asked,
        "outcome": {
            "state": conversation_state(parts),
            "reason": (ended[1] or None) if ended is not None else None,
            "disposition": part.disposition[1] if part.disposition is not None else None,
        },
    }


def mood_of(parts: Sequence[Part]) -> Json | None:
    """Return the first, the least and the last score of the customer's words; None without any."""
    scores = [score for _, score, _ in sorted(scores_of(parts))]
    if not scores:
        return None
    return {"first": scores[0] / 1000, "least": min(scores) / 1000, "last": scores[-1] / 1000}


def _agents(part: Part, names: Names) -> list[Json]:
    """Return the agents who answered or spoke, in order of their first word, and who was named last as dealing."""
    found = [id for id, _ in sorted(part.first_answers.items(), key=lambda item: (item[1], item[0])) if id]
    shown = {id: {"id": id, "name": names.get(("agent", id), "")} for id in found}
    last = name_view("agent", agent_of(part), names)
    if last is not None and last["id"] not in shown:
        shown[last["id"]] = last
    return list(shown.values())[:AGENTS_SHOWN]


_MOOD_SCORE: Json = {"type": "number", "minimum": -1, "maximum": 1}
JOURNEY_CONTACT = members(
    {
        "interaction": TEXT,
        "conversation": ID,
        "channel": TEXT_OR_NONE,
        "level": ref("Level"),
        "start": TIME,
        "end": {**TIME_OR_NONE, "description": "null: it goes on, or never ends, as a thread of mails."},
        "last_at": TIME,
        "counts": {**values(WHOLE), "description": "Messages and spoken lines by role."},
        "mood": or_none(
            named(
                "JourneyMood",
                {"first": _MOOD_SCORE, "least": _MOOD_SCORE, "last": _MOOD_SCORE},
                about="Of the customer's words; of very many findings the latest are looked at.",
            )
        ),
        "agents": array(ID_AND_NAME),
        "queue": NAME,
        "handoffs": {**WHOLE, "description": "How often somebody else was asked for."},
        "outcome": named(
            "JourneyOutcome",
            {
                "state": {"enum": ["open", "resolved"], "description": "Of its conversation."},
                "reason": {**TEXT_OR_NONE, "description": "Why it ended."},
                "disposition": TEXT_OR_NONE,
            },
        ),
    }
)
"""The schema of ``contact_of_journey``."""
