"""Draft events from the parts of a conversation, by ``part_type``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from cx_channels.chat.intercom.content import has_words, message, note_of
from cx_channels.chat.intercom.conversation import Conversation
from cx_channels.chat.intercom.people import agent, staff
from cx_channels.chat.intercom.values import micros
from cx_channels.kit.json_values import first, obj, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.provider import Ignored, Unmapped
from cx_events.envelope import AgentOrQueue, Draft, Message, Participant, Role
from cx_events.json_types import Json
from cx_events.timestamps import format_time

Aspect = Callable[[Conversation, Json], Draft]
"""Drafts one thing that a part does: a part may do several."""


OTHER_PART = "part/other"


NO_WORDS = "a part without words that changes neither who has the conversation nor whether it goes on"


NOBODY = ("", "0")


def draft_said(conversation: Conversation, part: Json) -> Draft:
    """Draft the message of a part."""
    author = obj(part.get("author"))
    role = conversation.speaker_of(author, default_role(conversation.notification.topic))
    return draft_message(conversation, part, conversation.id_of(part), role)


def draft_note(conversation: Conversation, part: Json) -> Draft:
    """Draft a note, which only colleagues see."""
    author = obj(part.get("author"))
    return conversation.draft(
        "cx.conversation.note.v1",
        conversation.id_of(part, "note"),
        part,
        conversation.participants(author, conversation.speaker_of(author, "agent")),
        direction="internal",
        agent=_agent(conversation, author),
        note=note_of(part),
    )


def draft_assignment(conversation: Conversation, part: Json) -> Draft:
    """Draft an assignment: answered by oneself, routed to somebody else, a team or a bot, or queued for nobody."""
    author, to = obj(part.get("author")), _assignee(conversation, part)
    kind, id = text(to.get("type")).lower(), text(to.get("id"))
    role = conversation.speaker_of(author, "system")
    people = conversation.participants(author, role)
    event_type, queue, taker = "cx.interaction.routed.v1", None, None
    if id in NOBODY or kind == "nobody_admin":
        event_type = "cx.interaction.queued.v1"
    elif kind == "team":
        queue = agent(to)
    elif kind == "bot":
        people = [*people, staff(to, "bot")]
    elif kind == "admin":
        taker = AgentOrQueue(id=id, name=_name_of(conversation, id, to, author))
        if role == "agent" and id == text(author.get("id")):
            event_type = "cx.interaction.answered.v1"
        else:
            people = [*people, Participant(role="agent", id=id, name=taker.name)]
    reason = text(part.get("part_type"))
    return conversation.draft(
        event_type, conversation.id_of(part, "assigned"), part, people, agent=taker, queue=queue, reason=reason
    )


def draft_closing(conversation: Conversation, part: Json) -> Draft:
    """Draft the closing of a conversation."""
    return _state(conversation, part, "cx.interaction.ended.v1", "closed", "closed")


def draft_reopening(conversation: Conversation, part: Json) -> Draft:
    """Draft a reopening; also the end of a snooze, since a snoozed conversation was away from the inbox."""
    kind = text(part.get("part_type")).lower()
    reason = kind if draft_reopening in PART_TYPES.get(kind, ()) else conversation.notification.topic.rpartition(".")[2]
    return _state(conversation, part, "cx.interaction.resumed.v1", "resumed", reason)


def draft_snooze(conversation: Conversation, part: Json) -> Draft:
    """Draft a snooze."""
    until = micros(conversation.value.get("snoozed_until"))
    reason = f"snoozed until {format_time(until)}" if until else "snoozed"
    return _state(conversation, part, "cx.interaction.held.v1", "snoozed", reason)


def draft_redaction(conversation: Conversation, part: Json) -> Draft:
    """Draft a redaction. Intercom names nobody who did it, and only the notification has its time."""
    author = obj(part.get("author"))
    people = conversation.participants(author, conversation.speaker_of(author, "system"))
    id = conversation.id_of(part, "redacted")
    return conversation.draft(
        "cx.message.deleted.v1", id, undated(part), people, message=Message(id=text(part.get("id")))
    )


def draft_assignment_text(conversation: Conversation, part: Json) -> Draft:
    """Draft the text that goes with an assignment.

    Under a topic of replies Intercom says that it was sent. Otherwise it may be meant for the colleague
    (docs/references/1.0/rest-api/conversations/assigning-a-conversation-to-unassigned: "appears as note"), and stays
    internal.
    """
    return (
        draft_said(conversation, part) if _is_reply(conversation.notification.topic) else draft_note(conversation, part)
    )


PART_TYPES: Mapping[str, tuple[Aspect, ...]] = {
    # words
    "comment": (draft_said,),
    "quick_reply": (draft_said,),
    "note": (draft_note,),
    "note_and_reopen": (draft_note, draft_reopening),
    # who has it
    "assignment": (draft_assignment_text, draft_assignment),
    "assign_and_reopen": (draft_assignment_text, draft_assignment, draft_reopening),
    "assign_and_unsnooze": (draft_assignment_text, draft_assignment, draft_reopening),
    "default_assignment": (draft_assignment,),
    "away_mode_assignment": (draft_assignment,),
    "message_strategy_assignment": (draft_assignment,),
    # whether it goes on
    "open": (draft_said, draft_reopening),
    "close": (draft_said, draft_closing),
    "snoozed": (draft_snooze,),
    "unsnoozed": (draft_reopening,),
    "timer_unsnooze": (draft_reopening,),
}


_WORDS = frozenset({draft_said, draft_note, draft_assignment_text})


_ALWAYS_SAID = frozenset({"comment", "quick_reply"})
"""Parts that are messages even without text, since the API does not show content that it does not support."""


def outcomes_of_parts(conversation: Conversation, own: Aspect | None = None) -> Iterator[Outcome]:
    """Yield what the parts of a conversation become.

    ``own``: what the topic says happened; it is drafted even where no part shows it.
    """
    steps = [(part, _aspects(conversation, part)) for part in conversation.parts]
    if own is not None and not any(own in aspects for _, aspects in steps):
        steps = _with_own(steps, own)
    for part, aspects in steps:
        if aspects:
            yield from (aspect(conversation, part) for aspect in aspects)
        else:
            yield _without_draft(conversation, part)


def _with_own(steps: list[tuple[Json, tuple[Aspect, ...]]], own: Aspect) -> list[tuple[Json, tuple[Aspect, ...]]]:
    """Add what the topic says, which is newer than the part that comes with it: the end of a snooze carries its
    beginning."""
    *before, (last, aspects) = steps or [({}, ())]
    if own in _WORDS:
        return [*before, (last, (own,))] if has_words(last) else steps
    words = tuple(each for each in aspects if each in _WORDS)
    return [*before, *([(last, words)] if words else []), (undated(last), (own,))]


def _aspects(conversation: Conversation, part: Json) -> tuple[Aspect, ...]:
    """Return what a part does."""
    if part.get("redacted") is True:
        return (draft_redaction,)
    kind = text(part.get("part_type")).lower()
    known = PART_TYPES.get(kind)
    if known is None:
        # The topic says that somebody replied, and here are words.
        return (draft_said,) if _is_reply(conversation.notification.topic) and has_words(part) else ()
    if kind in _ALWAYS_SAID or has_words(part):
        return known
    return tuple(aspect for aspect in known if aspect not in _WORDS)


def _without_draft(conversation: Conversation, part: Json) -> Outcome:
    """Return what becomes of a part that does nothing known: ignored without words, else unmapped."""
    if not has_words(part):
        return Ignored(OTHER_PART, NO_WORDS)
    id = text(part.get("id")) or conversation.notification.id
    return Unmapped(
        id, f"unknown-kind: a part of type {text(part.get('part_type'))[:64]!r}", conversation.notification.raw
    )


def draft_message(conversation: Conversation, part: Json, id: str, role: Role) -> Draft:
    """Draft a message of a part or of the source of a conversation."""
    author = obj(part.get("author"))
    inbound = role == "customer"
    return conversation.draft(
        "cx.message.received.v1" if inbound else "cx.message.sent.v1",
        id,
        part,
        conversation.participants(author, role),
        direction="inbound" if inbound else "outbound",
        agent=agent(author) if role == "agent" and text(author.get("id")) else None,
        message=message(part),
    )


def _state(conversation: Conversation, part: Json, event_type: str, what: str, reason: str) -> Draft:
    author = obj(part.get("author"))
    people = conversation.participants(author, conversation.speaker_of(author, "system"))
    agent = _agent(conversation, author)
    return conversation.draft(
        event_type, conversation.id_of(part, what), part, people, agent=agent, reason=reason or what
    )


def _agent(conversation: Conversation, author: Json) -> AgentOrQueue | None:
    acts = conversation.speaker_of(author, "system") == "agent" and text(author.get("id"))
    return agent(author) if acts else None


def _assignee(conversation: Conversation, part: Json) -> Json:
    """Return whom the part was assigned to, else who has the conversation now; API 2.x writes 0 for nobody."""
    value = conversation.value
    to = obj(part.get("assigned_to")) or obj(value.get("assignee"))
    if to:
        return to
    admin, team = text(value.get("admin_assignee_id")), text(value.get("team_assignee_id"))
    if team not in ("", "0") and (admin in ("", "0") or ".team." in conversation.notification.topic):
        return {"type": "team", "id": team}
    return {"type": "admin", "id": admin}


def _name_of(conversation: Conversation, id: str, *named: Json) -> str:
    known = [*named, obj(conversation.value.get("assignee"))]
    return first(*(each.get("name") for each in known if text(each.get("id")) == id))


def _is_reply(topic: str) -> bool:
    return topic.endswith(".replied")


def default_role(topic: str) -> Role:
    """Return the writer's role where the author is blank, by the topic."""
    if ".user." in topic or ".contact." in topic:
        return "customer"
    return "bot" if ".operator." in topic else "agent"


def undated(part: Json) -> Json:
    """Return a part without its time, so that the event gets the notification's: what it reports is newer than the
    part."""
    return {name: value for name, value in part.items() if name != "created_at"}
