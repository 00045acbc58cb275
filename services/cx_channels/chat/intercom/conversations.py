"""Map notifications about conversations.

Everything that happens in a conversation is a *part*, whose ``part_type`` says what it does
(developers.intercom.com/docs/references/1.4/rest-api/conversations/conversation-part-model). One part may do several
things: a reply that also closes is a ``close`` with a body, without a ``comment`` beside it. Such a part comes under
two topics, ``conversation.admin.replied`` and ``.closed``. So parts are mapped by their type, and the topic decides
only where the type does not; the event ids are those of the parts, and the same under both topics.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial

from msgspec import structs

from cx_channels.chat.intercom.content import has_words
from cx_channels.chat.intercom.conversation import read_conversation
from cx_channels.chat.intercom.notification import Notification
from cx_channels.chat.intercom.parts import (
    Aspect,
    default_role,
    draft_message,
    draft_redaction,
    outcomes_of_parts,
    undated,
)
from cx_channels.chat.intercom.people import staff
from cx_channels.chat.intercom.values import listed
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, number, obj, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.signing import sha256_hex
from cx_channels.provider import Unmapped
from cx_events.envelope import Draft, Survey

PRIORITIES = {"priority": "made a priority", "not_priority": "no longer a priority"}


NO_ID = "the item names neither a conversation nor a ticket"


_BEST_RATING = 5


def map_created(notification: Notification) -> Iterator[Outcome]:
    """Map a new conversation: its start and its first message."""
    conversation = read_conversation(notification)
    if conversation is None:
        yield notification.lost(NO_ID)
        return
    opening = conversation.opening
    author = obj(opening.get("author"))
    role = conversation.speaker_of(author, default_role(notification.topic))
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
        yield structs.replace(draft_message(conversation, {**opening, **since}, id, role), sequence=None)
    yield from outcomes_of_parts(conversation)


def map_parts(notification: Notification, own: Aspect | None = None) -> Iterator[Outcome]:
    """Map what the parts of a notification did. ``own``: what the topic says happened, also where no part shows it."""
    conversation = read_conversation(notification)
    if conversation is None:
        yield notification.lost(NO_ID)
        return
    outcomes = list(outcomes_of_parts(conversation, own))
    if not any(isinstance(each, Draft | Unmapped) for each in outcomes):
        yield notification.lost("no part with words")
    yield from outcomes


def map_state(own: Aspect) -> Callable[[Notification], Iterator[Outcome]]:
    """Return a mapper of a topic that says what happened."""
    return partial(map_parts, own=own)


def map_read(notification: Notification) -> Iterator[Outcome]:
    """Map that the customer has read all messages so far. They were sent by the business, so this is outbound."""
    conversation = read_conversation(notification)
    if conversation is None:
        yield notification.lost(NO_ID)
        return
    id = f"{conversation.root}/read/{id_part(notification.id)}"
    yield conversation.draft("cx.message.read.v1", id, {}, conversation.customers(), direction="outbound")


def map_rating(notification: Notification) -> Iterator[Outcome]:
    """Map a rating: ``conversation_rating`` ``{rating: 1 to 5, remark, created_at, contact, teammate}``.

    ``created_at`` is when the customer was asked
    (docs/references/2.11/rest-api/api.intercom.io/models/conversation_parts).
    """
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


def map_redaction(notification: Notification) -> Iterator[Outcome]:
    """Map a redaction. The part says ``redacted``; older versions of the API leave that out and
    send this part alone."""
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
        yield draft_redaction(conversation, part)


def map_deletion(notification: Notification) -> Iterator[Outcome]:
    """Map a deleted conversation as its end. Intercom sends only its id; what was said stays on the log."""
    conversation = read_conversation(notification)
    if conversation is None:
        yield notification.lost(NO_ID)
        return
    yield conversation.draft(
        "cx.interaction.ended.v1",
        f"{conversation.root}/deleted",
        {},
        conversation.customers(),
        reason="deleted",
    )


def map_tags(notification: Notification) -> Iterator[Outcome]:
    """Map new tags of a part, which itself was mapped when it was written."""
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
            "cx.customer.fact.v1", id, undated(part), conversation.customers(), topic="tag", note=f"tagged: {name}"
        )  # fmt: skip


def map_priority(notification: Notification) -> Iterator[Outcome]:
    """Map a change of priority: ``priority`` or ``not_priority``."""
    conversation = read_conversation(notification)
    if conversation is None:
        yield notification.lost(NO_ID)
        return
    priority = text(conversation.value.get("priority"))
    note = PRIORITIES.get(priority, f"priority: {priority or 'unknown'}")
    id = f"{conversation.root}/priority/{id_part(notification.id)}"
    yield conversation.draft("cx.customer.fact.v1", id, {}, conversation.customers(), topic="priority", note=note)
