"""Fold and show what was said in a conversation, as it was edited since, with the files that came with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Annotated

from msgspec import Struct

from cx_context.parts.adding import keep_greatest, keep_latest, later_register
from cx_context.parts.keyed_parts import order_of
from cx_context.parts.model import Part
from cx_context.parts.rules import WORDS, SumByKey, greatest_by_key, last_by_key, latest
from cx_context.parts.speakers import RECEIVED, SENT, name_of_role, speaker, speaker_of_line
from cx_context.parts.values import MESSAGES_KEPT, TEXT_KEPT, At, Register, hash_name, shorten_name
from cx_context.sections.attachments import (
    ATTACHMENT_MEMBERS,
    FILES_KEPT,
    kept_attachments,
    kept_attachments_view,
    note_stored_files,
)
from cx_context.sections.contact_state import note_speaker
from cx_context.sections.handoffs import note_agent_answer
from cx_context.sections.join_fields import THREADING
from cx_context.sections.proofs import OPEN_CHANNELS, note_customer_activity
from cx_context.sections.section import Section, made_of
from cx_context.sections.sentiment import add_transcript
from cx_context.threading.contact_model import Contact
from cx_events.facts import Fact, Order
from cx_events.json_types import Json
from cx_events.schema_shapes import TEXT, TEXT_OR_NONE, TIME, named
from cx_events.timestamps import format_time
from cx_events.types.media import STORED

EDITS_KEPT = 16
DELETIONS_KEPT = 256
OTHERS_KEPT = 128
MESSAGES_SHOWN = 6
DELETED_TEXT = "(deleted)"


WORD_FIELDS = frozenset({"latest_messages", "edits", "deletions", "channel"})
"""The fields that the words of a message are made of."""

Message = tuple[At, str, str, str, str]
"""(at, role, name, text, message id)"""

Said = tuple[Order, str, str, str, Contact]
"""(place among the customer's events, role, name, latest text, contact) of a message."""

_order = itemgetter(0)


class Fields(Struct):
    latest_messages: Annotated[list[Message], latest(MESSAGES_KEPT), WORDS] = []
    """The latest messages, the latest first."""
    edits: Annotated[dict[str, Register], last_by_key(EDITS_KEPT)] = {}
    """The texts of edited messages, by message id."""
    deletions: Annotated[dict[str, At], greatest_by_key(DELETIONS_KEPT)] = {}
    """When each message was deleted, by a hash of its id."""
    spoken: SumByKey = {}
    """How many messages and lines of transcripts each role wrote or spoke."""
    messages_by_others: Annotated[dict[str, int], greatest_by_key(OTHERS_KEPT)] = {}
    """When somebody else than the customer wrote a message, by a hash of its id. Of more the latest count."""


def _received(part: Part, fact: Fact, at: At) -> None:
    _add_message(part, fact, at, RECEIVED)


def _sent(part: Part, fact: Fact, at: At) -> None:
    _add_message(part, fact, at, SENT)


def _posted(part: Part, fact: Fact, at: At) -> None:
    _add_message(part, fact, at, "")


def _add_message(part: Part, fact: Fact, at: At, type: str) -> None:
    """Add a message. ``type``: whose it is where no direction says so; "" for a post, where anybody can write."""
    data = fact.event.data
    role = speaker(type, data)
    if role == "customer" or data.direction == "inbound":  # also what only says that a machine wrote it
        note_customer_activity(part, at, is_open=type == "" or data.channel in OPEN_CHANNELS)
    message = data.message
    if message is None:
        return
    part.messages += 1
    id = shorten_name(message.id)
    _say(part, at, role, name_of_role(data, role), message.text, id)
    if role != "customer" and id:
        keep_greatest(part.messages_by_others, hash_name(id), at[0], OTHERS_KEPT)
    if role == "agent":
        note_agent_answer(part, data, at)
    if message.attachments:
        # As many files are kept as messages, so of the latest messages that came with a file nothing is missing.
        part.files = keep_latest(part.files, kept_attachments(at, fact.key, message.attachments), FILES_KEPT)


def _say(part: Part, at: At, role: str, name: str, text: str, message_id: str) -> None:
    part.spoken[role] = part.spoken.get(role, 0) + 1
    part.latest_messages = keep_latest(
        part.latest_messages, (at, role, name, text[:TEXT_KEPT], message_id), MESSAGES_KEPT
    )
    note_speaker(part, role, at)


def _edited(part: Part, fact: Fact, at: At) -> None:
    message = fact.event.data.message
    if message is None or not message.id:
        return
    id, text = shorten_name(message.id), message.text[:TEXT_KEPT]
    old = part.edits.get(id)
    if old is None or at > old[0]:
        part.edits[id] = (at, text)
    if len(part.edits) > EDITS_KEPT:
        del part.edits[min(part.edits.items(), key=lambda item: (item[1][0], item[0]))[0]]


def _stored(part: Part, fact: Fact, at: At) -> None:
    """Note a file that was fetched; the words of a whole mail take the place of what was known before."""
    message = fact.event.data.message
    if note_stored_files(part, fact, at) and message is not None and message.text:
        _edited(part, fact, at)


def _deleted(part: Part, fact: Fact, at: At) -> None:
    message = fact.event.data.message
    if message is not None and message.id:
        keep_greatest(part.deletions, hash_name(shorten_name(message.id)), at, DELETIONS_KEPT)


def _transcribed(part: Part, fact: Fact, at: At) -> None:
    data = fact.event.data
    # An id may hold any printable character, so no other event's place can be one of these.
    places = [(at[0], at[1], at[2], at[3], f"{at[4]}\n{index:06d}") for index in range(len(data.transcript))]
    for line, place in zip(data.transcript, places, strict=True):
        _say(part, place, speaker_of_line(line, data), "", line.text, "")
    add_transcript(part, data, places)


def messages_view(said: Sequence[Said]) -> list[Json]:
    """Return the latest messages, newest first, each with its attachments; a deleted one shows none. ``said``: as
    ``said_in`` returns it."""
    return [
        {
            "time": format_time(order[0]),
            "channel": contact.part.channel[1] if contact.part.channel is not None else None,
            "interaction": contact.part.interaction,
            "role": role,
            "name": name or None,
            "text": text,
            **(_files(contact.part, order) if contact.part.files and text != DELETED_TEXT else {}),
        }
        for order, role, name, text, contact in said[:MESSAGES_SHOWN]
    ]


def first_words(said: Sequence[Said]) -> str | None:
    """Return the customer's earliest words that are still at hand: the summary of what no model summed up."""
    return next((text for _, role, _, text, _ in reversed(said) if role == "customer" and is_there(text)), None)


def is_there(text: str) -> bool:
    """Return whether a message says something and was not deleted."""
    return bool(text) and text != DELETED_TEXT


def said_in(contacts: Iterable[Contact]) -> list[Said]:
    """Return each message that is at hand in some contacts, with its latest text, the latest first."""
    found = [
        (order_of(contact.part, at), role, name, text, contact)
        for contact in contacts
        for at, role, name, text in _edited_words(contact)
    ]
    found.sort(key=_order, reverse=True)
    return found


def _edited_words(contact: Contact) -> Iterable[tuple[At, str, str, str]]:
    """Yield (at, role, name, text) of each message that is at hand, with its latest text."""
    part, deleted, elsewhere = contact.part, contact.deleted, contact.edits
    changed = deleted or part.edits or elsewhere.last  # few are
    for at, role, name, text, message_id in part.latest_messages:
        if changed and message_id:
            edit = _edit_of(contact, message_id)
            gone = deleted.get(hash_name(message_id)) if deleted else None
            if gone is not None and (edit is None or gone > edit[0]):
                text = DELETED_TEXT
            elif edit is not None:
                text = edit[1]
        yield at, role, name, text


def _edit_of(contact: Contact, message_id: str) -> Register | None:
    """Return the latest edit of a message. In an endless interaction it may lie in another stretch."""
    own, elsewhere = contact.part.edits.get(message_id), contact.edits.of(message_id)
    if own is None or elsewhere is None:
        return elsewhere if own is None else own
    return later_register(own, elsewhere)


def _files(part: Part, order: Order) -> Json:
    """Return the attachments of the message that was written at this place."""
    at = (order[0], *order[2:])
    kept = next((kept for kept in part.files if kept[0] == at), None)
    return kept_attachments_view(kept, part.stored_files) if kept is not None else {}


MESSAGE = named(
    "MessageShown",
    {
        "time": TIME,
        "channel": TEXT_OR_NONE,
        "interaction": TEXT,
        "role": TEXT,
        "name": TEXT_OR_NONE,
        "text": TEXT,
    },
    ATTACHMENT_MEMBERS,
)
"""The schema of an item of ``messages_view``."""

SECTION = Section(
    handlers={
        RECEIVED: _received,
        SENT: _sent,
        "cx.message.edited.v1": _edited,
        STORED: _stored,
        "cx.message.deleted.v1": _deleted,
        "cx.call.transcript.v1": _transcribed,
        "cx.social.mention.v1": _posted,
        "cx.social.post.v1": _posted,
        "cx.social.comment.v1": _posted,
        "cx.social.review.v1": _posted,
    },
    provenance={
        ("conversations", "*", "messages"): made_of(
            "the latest words, as edited since, and the files that came with them",
            *WORD_FIELDS, "files", "stored_files", *THREADING, threaded=True,
        ),
    },
    not_shown={"spoken": "what a customer's journey counts"},
)  # fmt: skip
