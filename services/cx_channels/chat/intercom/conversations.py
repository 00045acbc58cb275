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

from cx_channels.chat.intercom.notification import Notice
from cx_channels.chat.intercom.people import agent, staff
from cx_channels.chat.intercom.talk import Talk, talk_of
from cx_channels.chat.intercom.values import listed, micros
from cx_channels.chat.intercom.words import has_words, message, note_of, plain
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import Json, first, number, obj, text
from cx_channels.kit.signing import sha256_hex
from cx_channels.provider import Ignored, Unmapped
from cx_events.envelope import Draft, Message, Named, Participant, Role, Survey
from cx_events.timestamps import format_time

Outcome = Draft | Ignored | Unmapped
Aspect = Callable[[Talk, Json], Draft]
"""One thing that a part does."""

OTHER_PART = "part/other"
NO_WORDS = "a part without words that changes neither who has the conversation nor whether it goes on"
NOBODY = ("", "0")
PRIORITIES = {"priority": "made a priority", "not_priority": "no longer a priority"}
NO_ID = "the item names neither a conversation nor a ticket"
_BEST_RATING = 5


# --- what a part does ------------------------------------------------------------------------------------------------


def said(talk: Talk, part: Json) -> Draft:
    author = obj(part.get("author"))
    role = talk.speaker_of(author, _default_role(talk.notice.topic))
    return _message(talk, part, talk.id_of(part), role)


def noted(talk: Talk, part: Json) -> Draft:
    """For colleagues alone."""
    author = obj(part.get("author"))
    return talk.draft(
        "cx.conversation.note.v1",
        talk.id_of(part, "note"),
        part,
        talk.participants(author, talk.speaker_of(author, "agent")),
        direction="internal",
        agent=_agent(talk, author),
        note=note_of(part),
    )


def assigned(talk: Talk, part: Json) -> Draft:
    """To oneself: taken. To somebody else, a team or a bot: routed. To nobody: it waits again."""
    author, to = obj(part.get("author")), _assignee(talk, part)
    kind, id = text(to.get("type")).lower(), text(to.get("id"))
    role = talk.speaker_of(author, "system")
    people = talk.participants(author, role)
    event_type, queue, taker = "cx.interaction.routed.v1", None, None
    if id in NOBODY or kind == "nobody_admin":
        event_type = "cx.interaction.queued.v1"
    elif kind == "team":
        queue = agent(to)
    elif kind == "bot":
        people = [*people, staff(to, "bot")]
    elif kind == "admin":
        taker = Named(id=id, name=_name_of(talk, id, to, author))
        if role == "agent" and id == text(author.get("id")):
            event_type = "cx.interaction.answered.v1"
        else:
            people = [*people, Participant(role="agent", id=id, name=taker.name)]
    reason = text(part.get("part_type"))
    return talk.draft(event_type, talk.id_of(part, "assigned"), part, people, agent=taker, queue=queue, reason=reason)


def closed(talk: Talk, part: Json) -> Draft:
    return _state(talk, part, "cx.interaction.ended.v1", "closed", "closed")


def reopened(talk: Talk, part: Json) -> Draft:
    """Also when a snooze ends: for the inbox it was away, and goes on."""
    kind = text(part.get("part_type")).lower()
    reason = kind if reopened in PART_TYPES.get(kind, ()) else talk.notice.topic.rpartition(".")[2]
    return _state(talk, part, "cx.interaction.resumed.v1", "resumed", reason)


def snoozed(talk: Talk, part: Json) -> Draft:
    until = micros(talk.value.get("snoozed_until"))
    reason = f"snoozed until {format_time(until)}" if until else "snoozed"
    return _state(talk, part, "cx.interaction.held.v1", "snoozed", reason)


def redacted(talk: Talk, part: Json) -> Draft:
    """Its words are gone. Who took them away is not told, and when only by the notification."""
    author = obj(part.get("author"))
    people = talk.participants(author, talk.speaker_of(author, "system"))
    id = talk.id_of(part, "redacted")
    return talk.draft("cx.message.deleted.v1", id, _now(part), people, message=Message(id=text(part.get("id"))))


def worded_assignment(talk: Talk, part: Json) -> Draft:
    """Words that go with an assignment: under a topic of replies Intercom says that they were sent. Otherwise they may
    be meant for the colleague (docs/references/1.0/rest-api/conversations/assigning-a-conversation-to-unassigned:
    "appears as note"), and are kept internal."""
    return said(talk, part) if _is_reply(talk.notice.topic) else noted(talk, part)


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


def began(notice: Notice) -> Iterator[Outcome]:
    """A new conversation: that it began, and with which words."""
    talk = talk_of(notice)
    if talk is None:
        yield notice.lost(NO_ID)
        return
    opening = talk.opening
    author = obj(opening.get("author"))
    role = talk.speaker_of(author, _default_role(notice.topic))
    since = {"created_at": talk.value.get("created_at")}
    yield talk.draft(
        "cx.interaction.started.v1",
        f"{talk.root}/started",
        since,
        talk.participants(author, role),
        direction="inbound" if role == "customer" else "outbound",
        reason=text(opening.get("delivered_as")),
        url=text(opening.get("url")),
    )
    if has_words(opening):
        id = f"{talk.root}/source/{id_part(text(opening.get('id')) or '0')}"
        # Its id is of another count than those of parts, and orders nothing.
        yield structs.replace(_message(talk, {**opening, **since}, id, role), sequence=None)
    yield from _parts(talk)


def told(notice: Notice, own: Aspect | None = None) -> Iterator[Outcome]:
    """What its parts did. ``own``: what the topic says happened, also where no part shows it."""
    talk = talk_of(notice)
    if talk is None:
        yield notice.lost(NO_ID)
        return
    outcomes = list(_parts(talk, own))
    if not any(isinstance(each, Draft | Unmapped) for each in outcomes):
        yield notice.lost("no part with words")
    yield from outcomes


def state(own: Aspect) -> Callable[[Notice], Iterator[Outcome]]:
    return partial(told, own=own)


def read(notice: Notice) -> Iterator[Outcome]:
    """The customer saw all up to then; about what was sent, and so outbound."""
    talk = talk_of(notice)
    if talk is None:
        yield notice.lost(NO_ID)
        return
    id = f"{talk.root}/read/{id_part(notice.id)}"
    yield talk.draft("cx.message.read.v1", id, {}, talk.customers(), direction="outbound")


def rated(notice: Notice) -> Iterator[Outcome]:
    """``conversation_rating`` ``{rating: 1 to 5, remark, created_at, contact, teammate}``; its ``created_at`` is when
    the customer was asked (docs/references/2.11/rest-api/api.intercom.io/models/conversation_parts)."""
    talk = talk_of(notice)
    if talk is None:
        yield notice.lost(NO_ID)
        return
    names = ("conversation_rating", "ticket_rating", "rating")
    rating = next((each for name in names if (each := obj(talk.value.get(name)) or obj(notice.item.get(name)))), {})
    score = number(rating.get("rating"))
    if score is None or not 1 <= score <= _BEST_RATING:
        yield notice.lost(f"no rating from 1 to {_BEST_RATING}")
        return
    remark = text(rating.get("remark"))
    asked, by = text(rating.get("created_at")), obj(rating.get("teammate"))
    answer = sha256_hex(json.dumps([score, remark]).encode())[:16]
    rater = obj(rating.get("contact")) or obj(rating.get("customer"))
    people = talk.customers(text(rater.get("id")))
    yield talk.draft(
        "cx.survey.answered.v1",
        f"{talk.root}/rating/{id_part(asked or '0')}/{answer}",
        {},
        [*people, staff(by, "agent")] if text(by.get("id")) else people,
        direction="inbound",
        survey=Survey(metric="csat", score=score, comment=remark),
    )


def taken_back(notice: Notice) -> Iterator[Outcome]:
    """The part says ``redacted``; older versions of the API leave that out, and carry this part alone."""
    talk = talk_of(notice)
    if talk is None:
        yield notice.lost(NO_ID)
        return
    pieces = [*talk.parts, talk.opening]
    flagged = [each for each in pieces if each.get("redacted") is True]
    found = [each for each in flagged or talk.parts if text(each.get("id"))]
    if not found:
        yield notice.lost("no part with an id")
    for part in found:
        yield redacted(talk, part)


def deleted(notice: Notice) -> Iterator[Outcome]:
    """Only its id is told. What was said stays a fact here; that it is over is another."""
    talk = talk_of(notice)
    if talk is None:
        yield notice.lost(NO_ID)
        return
    yield talk.draft("cx.interaction.ended.v1", f"{talk.root}/deleted", {}, talk.customers(), reason="deleted")


def tagged(notice: Notice) -> Iterator[Outcome]:
    """The part was told when it was said; what is new are the tags."""
    talk = talk_of(notice)
    if talk is None:
        yield notice.lost(NO_ID)
        return
    tag = obj(notice.item.get("tag"))
    tags = [tag] if tag else listed(talk.value.get("tags_added"), "tags") or listed(talk.value.get("tags"), "tags")
    part = talk.parts[-1] if talk.parts else {}
    found = [each for each in tags if text(each.get("id")) or text(each.get("name"))]
    if not found:
        yield notice.lost("no tag")
    for each in found:
        name = first(each.get("name"), each.get("id"))
        id = talk.id_of(part, f"tag/{id_part(first(each.get('id'), name))}")
        yield talk.draft(
            "cx.customer.fact.v1", id, _now(part), talk.customers(), topic="tag", note=f"tagged: {name}"
        )  # fmt: skip


def prioritised(notice: Notice) -> Iterator[Outcome]:
    """``priority`` or ``not_priority``."""
    talk = talk_of(notice)
    if talk is None:
        yield notice.lost(NO_ID)
        return
    priority = text(talk.value.get("priority"))
    note = PRIORITIES.get(priority, f"priority: {priority or 'unknown'}")
    id = f"{talk.root}/priority/{id_part(notice.id)}"
    yield talk.draft("cx.customer.fact.v1", id, {}, talk.customers(), topic="priority", note=note)


# --- tickets ---------------------------------------------------------------------------------------------------------


def ticket_began(notice: Notice) -> Iterator[Outcome]:
    """Its title and description are what a form was filled in with, by whom is not told."""
    talk = talk_of(notice)
    if talk is None:
        yield notice.lost(NO_ID)
        return
    written = obj(talk.value.get("ticket_attributes"))
    lines = [plain(written, name) for name in ("_default_title_", "_default_description_")]
    yield talk.draft(
        "cx.interaction.started.v1",
        f"{talk.root}/started",
        {"created_at": talk.value.get("created_at")},
        talk.customers(),
        reason=first(obj(talk.value.get("ticket_type")).get("name"), talk.value.get("category"), "ticket"),
        note="\n".join(filter(None, lines)),
    )
    yield from _parts(talk)


def ticket_moved(notice: Notice) -> Iterator[Outcome]:
    """``ticket_state`` is a category (2.8 to 2.11), or an object with category and labels (from 2.12)."""
    talk = talk_of(notice)
    if talk is None:
        yield notice.lost(NO_ID)
        return
    given = talk.value.get("ticket_state")
    category = first(given, obj(given).get("category")).lower()
    label = first(obj(given).get("external_label"), obj(given).get("internal_label"), category, "unknown")
    part = talk.parts[-1] if talk.parts else {}
    id = talk.id_of(part, "state")
    note = f"ticket state: {label.replace('_', ' ')}"
    yield talk.draft("cx.customer.fact.v1", id, part, talk.customers(), topic="ticket", note=note)
    if category == "resolved":
        yield _resolved(talk, part)


def ticket_resolved(notice: Notice) -> Iterator[Outcome]:
    """Told beside ``ticket.state.updated``: the same event, where both carry the same part or time of change."""
    talk = talk_of(notice)
    if talk is None:
        yield notice.lost(NO_ID)
        return
    yield _resolved(talk, talk.parts[-1] if talk.parts else {})


# --- parts of the above ----------------------------------------------------------------------------------------------


def _parts(talk: Talk, own: Aspect | None = None) -> Iterator[Outcome]:
    steps = [(part, _aspects(talk, part)) for part in talk.parts]
    if own is not None and not any(own in aspects for _, aspects in steps):
        steps = _with_own(steps, own)
    for part, aspects in steps:
        if aspects:
            yield from (aspect(talk, part) for aspect in aspects)
        else:
            yield _left_out(talk, part)


def _with_own(steps: list[tuple[Json, tuple[Aspect, ...]]], own: Aspect) -> list[tuple[Json, tuple[Aspect, ...]]]:
    """What the topic says is newer than the part that comes with it: the end of a snooze carries its beginning."""
    *before, (last, aspects) = steps or [({}, ())]
    if own in _WORDS:
        return [*before, (last, (own,))] if has_words(last) else steps
    words = tuple(each for each in aspects if each in _WORDS)
    return [*before, *([(last, words)] if words else []), (_now(last), (own,))]


def _aspects(talk: Talk, part: Json) -> tuple[Aspect, ...]:
    if part.get("redacted") is True:
        return (redacted,)
    kind = text(part.get("part_type")).lower()
    known = PART_TYPES.get(kind)
    if known is None:
        # The topic says that somebody replied, and here are words.
        return (said,) if _is_reply(talk.notice.topic) and has_words(part) else ()
    if kind in _ALWAYS_SAID or has_words(part):
        return known
    return tuple(aspect for aspect in known if aspect not in _WORDS)


def _left_out(talk: Talk, part: Json) -> Outcome:
    if not has_words(part):
        return Ignored(OTHER_PART, NO_WORDS)
    id = text(part.get("id")) or talk.notice.id
    return Unmapped(id, f"unknown-kind: a part of type {text(part.get('part_type'))[:64]!r}", talk.notice.raw)


def _message(talk: Talk, part: Json, id: str, role: Role) -> Draft:
    author = obj(part.get("author"))
    inbound = role == "customer"
    return talk.draft(
        "cx.message.received.v1" if inbound else "cx.message.sent.v1",
        id,
        part,
        talk.participants(author, role),
        direction="inbound" if inbound else "outbound",
        agent=agent(author) if role == "agent" and text(author.get("id")) else None,
        message=message(part),
    )


def _state(talk: Talk, part: Json, event_type: str, what: str, reason: str) -> Draft:
    author = obj(part.get("author"))
    people = talk.participants(author, talk.speaker_of(author, "system"))
    return talk.draft(
        event_type, talk.id_of(part, what), part, people, agent=_agent(talk, author), reason=reason or what
    )  # fmt: skip


def _resolved(talk: Talk, part: Json) -> Draft:
    id = talk.id_of(part, "resolved")
    return talk.draft("cx.conversation.resolved.v1", id, part, talk.customers(), reason="resolved")


def _agent(talk: Talk, author: Json) -> Named | None:
    acts = talk.speaker_of(author, "system") == "agent" and text(author.get("id"))
    return agent(author) if acts else None


def _assignee(talk: Talk, part: Json) -> Json:
    """The part says whom it went to, else the conversation who has it now; API 2.x writes 0 for nobody."""
    value = talk.value
    to = obj(part.get("assigned_to")) or obj(value.get("assignee"))
    if to:
        return to
    admin, team = text(value.get("admin_assignee_id")), text(value.get("team_assignee_id"))
    if team not in ("", "0") and (admin in ("", "0") or ".team." in talk.notice.topic):
        return {"type": "team", "id": team}
    return {"type": "admin", "id": admin}


def _name_of(talk: Talk, id: str, *named: Json) -> str:
    known = [*named, obj(talk.value.get("assignee"))]
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
