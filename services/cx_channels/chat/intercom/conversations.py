"""What notifications about conversations and tickets become.

Everything that happens in a conversation is a *part*, and its ``part_type`` says what
(developers.intercom.com/docs/references/1.4/rest-api/conversations/conversation-part-model). One part may do several
things: who replies and closes at once makes a ``close`` with a body, and no ``comment`` beside it. Such a part comes
under two topics, ``conversation.admin.replied`` and ``.closed``. So parts are mapped by what they are, and the topic
decides only where a part does not tell; the ids are those of the parts, and the same under both topics.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from msgspec import structs

from cx_channels.chat.intercom.content import has_words, message, note_of, plain
from cx_channels.chat.intercom.conversation import Conversation, read_conversation
from cx_channels.chat.intercom.notification import Notification
from cx_channels.chat.intercom.people import agent, staff
from cx_channels.chat.intercom.values import listed, micros
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import Json, first, number, obj, text
from cx_channels.kit.signing import sha256_hex
from cx_channels.provider import Ignored, Unmapped
from cx_events.envelope import Draft, Message, Named, Participant, Role, Survey
from cx_events.timestamps import format_time

Outcome = Draft | Ignored | Unmapped
Aspect = Callable[[Conversation, Json], Draft]
"""One thing that a part does."""

OTHER_PART = "part/other"
NO_WORDS = "a part without words that changes neither who has the conversation nor whether it goes on"
NOBODY = ("", "0")
PRIORITIES = {"priority": "made a priority", "not_priority": "no longer a priority"}
NO_ID = "the item names neither a conversation nor a ticket"
_BEST_RATING = 5


# --- what a part does ------------------------------------------------------------------------------------------------


def said(conversation: Conversation, part: Json) -> Draft:
    author = obj(part.get("author"))
    role = conversation.speaker_of(author, _default_role(conversation.notification.topic))
    return _message(conversation, part, conversation.id_of(part), role)


def noted(conversation: Conversation, part: Json) -> Draft:
    """For colleagues alone."""
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


def assigned(conversation: Conversation, part: Json) -> Draft:
    """To oneself: taken. To somebody else, a team or a bot: routed. To nobody: it waits again."""
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
        taker = Named(id=id, name=_name_of(conversation, id, to, author))
        if role == "agent" and id == text(author.get("id")):
            event_type = "cx.interaction.answered.v1"
        else:
            people = [*people, Participant(role="agent", id=id, name=taker.name)]
    reason = text(part.get("part_type"))
    return conversation.draft(
        event_type, conversation.id_of(part, "assigned"), part, people, agent=taker, queue=queue, reason=reason
    )


def closed(conversation: Conversation, part: Json) -> Draft:
    return _state(conversation, part, "cx.interaction.ended.v1", "closed", "closed")


def reopened(conversation: Conversation, part: Json) -> Draft:
    """Also when a snooze ends: for the inbox it was away, and goes on."""
    kind = text(part.get("part_type")).lower()
    reason = kind if reopened in PART_TYPES.get(kind, ()) else conversation.notification.topic.rpartition(".")[2]
    return _state(conversation, part, "cx.interaction.resumed.v1", "resumed", reason)


def snoozed(conversation: Conversation, part: Json) -> Draft:
    until = micros(conversation.value.get("snoozed_until"))
    reason = f"snoozed until {format_time(until)}" if until else "snoozed"
    return _state(conversation, part, "cx.interaction.held.v1", "snoozed", reason)


def redacted(conversation: Conversation, part: Json) -> Draft:
    """Its words are gone. Who took them away is not told, and when only by the notification."""
    author = obj(part.get("author"))
    people = conversation.participants(author, conversation.speaker_of(author, "system"))
    id = conversation.id_of(part, "redacted")
    return conversation.draft("cx.message.deleted.v1", id, _now(part), people, message=Message(id=text(part.get("id"))))


def worded_assignment(conversation: Conversation, part: Json) -> Draft:
    """Words that go with an assignment: under a topic of replies Intercom says that they were sent. Otherwise they may
    be meant for the colleague (docs/references/1.0/rest-api/conversations/assigning-a-conversation-to-unassigned:
    "appears as note"), and are kept internal."""
    return said(conversation, part) if _is_reply(conversation.notification.topic) else noted(conversation, part)


PART_TYPES: Mapping[str, tuple[Aspect, ...]] = {
    # words
    "comment": (said,),
    "quick_reply": (said,),
    "note": (noted,),
    "note_and_reopen": (noted, reopened),
    # who has it
    "assignment": (worded_assignment, assigned),
    "assign_and_reopen": (worded_assignment, assigned, reopened),
    "assign_and_unsnooze": (worded_assignment, assigned, reopened),
    "default_assignment": (assigned,),
    "away_mode_assignment": (assigned,),
    "message_strategy_assignment": (assigned,),
    # whether it goes on
    "open": (said, reopened),
    "close": (said, closed),
    "snoozed": (snoozed,),
    "unsnoozed": (reopened,),
    "timer_unsnooze": (reopened,),
}

_WORDS = frozenset({said, noted, worded_assignment})
_ALWAYS_SAID = frozenset({"comment", "quick_reply"})
"""Something was said also where the API shows no words, as of what it does not support."""


# --- what a topic tells ----------------------------------------------------------------------------------------------


def began(notification: Notification) -> Iterator[Outcome]:
    """A new conversation: that it began, and with which words."""
    conversation = read_conversation(notification)
    if conversation is None:
        yield notification.lost(NO_ID)
        return
    opening = conversation.opening
    author = obj(opening.get("author"))
    role = conversation.speaker_of(author, _default_role(notification.topic))
    since = {"created_at": conversation.value.get("created_at")}
    yield conversation.draft(
        "cx.interaction.started.v1",
        f"{conversation.root}/started",
        since,
        conversation.participants(author, role),
        direction="inbound" if role == "customer" else "outbound",
        reason=text(opening.get("delivered_as")),
        url=text(opening.get("url")),
    )
    if has_words(opening):
        id = f"{conversation.root}/source/{id_part(text(opening.get('id')) or '0')}"
        # Its id is of another count than those of parts, and orders nothing.
        yield structs.replace(_message(conversation, {**opening, **since}, id, role), sequence=None)
    yield from _parts(conversation)


def told(notification: Notification, own: Aspect | None = None) -> Iterator[Outcome]:
    """What its parts did. ``own``: what the topic says happened, also where no part shows it."""
    conversation = read_conversation(notification)
    if conversation is None:
        yield notification.lost(NO_ID)
        return
    outcomes = list(_parts(conversation, own))
    if not any(isinstance(each, Draft | Unmapped) for each in outcomes):
        yield notification.lost("no part with words")
    yield from outcomes


def state(own: Aspect) -> Callable[[Notification], Iterator[Outcome]]:
    return partial(told, own=own)


def read(notification: Notification) -> Iterator[Outcome]:
    """The customer saw all up to then; about what was sent, and so outbound."""
    conversation = read_conversation(notification)
    if conversation is None:
        yield notification.lost(NO_ID)
        return
    id = f"{conversation.root}/read/{id_part(notification.id)}"
    yield conversation.draft("cx.message.read.v1", id, {}, conversation.customers(), direction="outbound")


def rated(notification: Notification) -> Iterator[Outcome]:
    """``conversation_rating`` ``{rating: 1 to 5, remark, created_at, contact, teammate}``; its ``created_at`` is when
    the customer was asked (docs/references/2.11/rest-api/api.intercom.io/models/conversation_parts)."""
    conversation = read_conversation(notification)
    if conversation is None:
        yield notification.lost(NO_ID)
        return
    names = ("conversation_rating", "ticket_rating", "rating")
    rating = next(
        (each for name in names if (each := obj(conversation.value.get(name)) or obj(notification.item.get(name)))), {}
    )
    score = number(rating.get("rating"))
    if score is None or not 1 <= score <= _BEST_RATING:
        yield notification.lost(f"no rating from 1 to {_BEST_RATING}")
        return
    remark = text(rating.get("remark"))
    asked, by = text(rating.get("created_at")), obj(rating.get("teammate"))
    answer = sha256_hex(json.dumps([score, remark]).encode())[:16]
    rater = obj(rating.get("contact")) or obj(rating.get("customer"))
    people = conversation.customers(text(rater.get("id")))
    yield conversation.draft(
        "cx.survey.answered.v1",
        f"{conversation.root}/rating/{id_part(asked or '0')}/{answer}",
        {},
        [*people, staff(by, "agent")] if text(by.get("id")) else people,
        direction="inbound",
        survey=Survey(metric="csat", score=score, comment=remark),
    )


def taken_back(notification: Notification) -> Iterator[Outcome]:
    """The part says ``redacted``; older versions of the API leave that out, and carry this part alone."""
    conversation = read_conversation(notification)
    if conversation is None:
        yield notification.lost(NO_ID)
        return
    pieces = [*conversation.parts, conversation.opening]
    flagged = [each for each in pieces if each.get("redacted") is True]
    found = [each for each in flagged or conversation.parts if text(each.get("id"))]
    if not found:
        yield notification.lost("no part with an id")
    for part in found:
        yield redacted(conversation, part)


def deleted(notification: Notification) -> Iterator[Outcome]:
    """Only its id is told. What was said stays a fact here; that it is over is another."""
    conversation = read_conversation(notification)
    if conversation is None:
        yield notification.lost(NO_ID)
        return
    yield conversation.draft(
        "cx.interaction.ended.v1", f"{conversation.root}/deleted", {}, conversation.customers(), reason="deleted"
    )


def tagged(notification: Notification) -> Iterator[Outcome]:
    """The part was told when it was said; what is new are the tags."""
    conversation = read_conversation(notification)
    if conversation is None:
        yield notification.lost(NO_ID)
        return
    tag = obj(notification.item.get("tag"))
    tags = (
        [tag]
        if tag
        else listed(conversation.value.get("tags_added"), "tags") or listed(conversation.value.get("tags"), "tags")
    )
    part = conversation.parts[-1] if conversation.parts else {}
    found = [each for each in tags if text(each.get("id")) or text(each.get("name"))]
    if not found:
        yield notification.lost("no tag")
    for each in found:
        name = first(each.get("name"), each.get("id"))
        id = conversation.id_of(part, f"tag/{id_part(first(each.get('id'), name))}")
        yield conversation.draft(
            "cx.customer.fact.v1", id, _now(part), conversation.customers(), topic="tag", note=f"tagged: {name}"
        )  # fmt: skip


def prioritised(notification: Notification) -> Iterator[Outcome]:
    """``priority`` or ``not_priority``."""
    conversation = read_conversation(notification)
    if conversation is None:
        yield notification.lost(NO_ID)
        return
    priority = text(conversation.value.get("priority"))
    note = PRIORITIES.get(priority, f"priority: {priority or 'unknown'}")
    id = f"{conversation.root}/priority/{id_part(notification.id)}"
    yield conversation.draft("cx.customer.fact.v1", id, {}, conversation.customers(), topic="priority", note=note)


# --- tickets ---------------------------------------------------------------------------------------------------------


def ticket_began(notification: Notification) -> Iterator[Outcome]:
    """Its title and description are what a form was filled in with, by whom is not told."""
    conversation = read_conversation(notification)
    if conversation is None:
        yield notification.lost(NO_ID)
        return
    written = obj(conversation.value.get("ticket_attributes"))
    lines = [plain(written, name) for name in ("_default_title_", "_default_description_")]
    yield conversation.draft(
        "cx.interaction.started.v1",
        f"{conversation.root}/started",
        {"created_at": conversation.value.get("created_at")},
        conversation.customers(),
        reason=first(
            obj(conversation.value.get("ticket_type")).get("name"), conversation.value.get("category"), "ticket"
        ),
        note="\n".join(filter(None, lines)),
    )
    yield from _parts(conversation)


def ticket_moved(notification: Notification) -> Iterator[Outcome]:
    """``ticket_state`` is a category (2.8 to 2.11), or an object with category and labels (from 2.12)."""
    conversation = read_conversation(notification)
    if conversation is None:
        yield notification.lost(NO_ID)
        return
    given = conversation.value.get("ticket_state")
    category = first(given, obj(given).get("category")).lower()
    label = first(obj(given).get("external_label"), obj(given).get("internal_label"), category, "unknown")
    part = conversation.parts[-1] if conversation.parts else {}
    id = conversation.id_of(part, "state")
    note = f"ticket state: {label.replace('_', ' ')}"
    yield conversation.draft("cx.customer.fact.v1", id, part, conversation.customers(), topic="ticket", note=note)
    if category == "resolved":
        yield _resolved(conversation, part)


def ticket_resolved(notification: Notification) -> Iterator[Outcome]:
    """Told beside ``ticket.state.updated``: the same event, where both carry the same part or time of change."""
    conversation = read_conversation(notification)
    if conversation is None:
        yield notification.lost(NO_ID)
        return
    yield _resolved(conversation, conversation.parts[-1] if conversation.parts else {})


# --- parts of the above ----------------------------------------------------------------------------------------------


def _parts(conversation: Conversation, own: Aspect | None = None) -> Iterator[Outcome]:
    steps = [(part, _aspects(conversation, part)) for part in conversation.parts]
    if own is not None and not any(own in aspects for _, aspects in steps):
        steps = _with_own(steps, own)
    for part, aspects in steps:
        if aspects:
            yield from (aspect(conversation, part) for aspect in aspects)
        else:
            yield _left_out(conversation, part)


def _with_own(steps: list[tuple[Json, tuple[Aspect, ...]]], own: Aspect) -> list[tuple[Json, tuple[Aspect, ...]]]:
    """What the topic says is newer than the part that comes with it: the end of a snooze carries its beginning."""
    *before, (last, aspects) = steps or [({}, ())]
    if own in _WORDS:
        return [*before, (last, (own,))] if has_words(last) else steps
    words = tuple(each for each in aspects if each in _WORDS)
    return [*before, *([(last, words)] if words else []), (_now(last), (own,))]


def _aspects(conversation: Conversation, part: Json) -> tuple[Aspect, ...]:
    if part.get("redacted") is True:
        return (redacted,)
    kind = text(part.get("part_type")).lower()
    known = PART_TYPES.get(kind)
    if known is None:
        # The topic says that somebody replied, and here are words.
        return (said,) if _is_reply(conversation.notification.topic) and has_words(part) else ()
    if kind in _ALWAYS_SAID or has_words(part):
        return known
    return tuple(aspect for aspect in known if aspect not in _WORDS)


def _left_out(conversation: Conversation, part: Json) -> Outcome:
    if not has_words(part):
        return Ignored(OTHER_PART, NO_WORDS)
    id = text(part.get("id")) or conversation.notification.id
    return Unmapped(
        id, f"unknown-kind: a part of type {text(part.get('part_type'))[:64]!r}", conversation.notification.raw
    )


def _message(conversation: Conversation, part: Json, id: str, role: Role) -> Draft:
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


def _resolved(conversation: Conversation, part: Json) -> Draft:
    id = conversation.id_of(part, "resolved")
    return conversation.draft("cx.conversation.resolved.v1", id, part, conversation.customers(), reason="resolved")


def _agent(conversation: Conversation, author: Json) -> Named | None:
    acts = conversation.speaker_of(author, "system") == "agent" and text(author.get("id"))
    return agent(author) if acts else None


def _assignee(conversation: Conversation, part: Json) -> Json:
    """The part says whom it went to, else the conversation who has it now; API 2.x writes 0 for nobody."""
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


def _default_role(topic: str) -> Role:
    """Whose words those are where an author is blank."""
    if ".user." in topic or ".contact." in topic:
        return "customer"
    return "bot" if ".operator." in topic else "agent"


def _now(part: Json) -> Json:
    """The part, but as of the notification: what is told is newer than it."""
    return {name: value for name, value in part.items() if name != "created_at"}
