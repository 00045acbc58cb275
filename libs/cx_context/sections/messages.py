"""What was said in a conversation, as it was edited since, with the files that came with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cx_context.parts.adding import later_register
from cx_context.parts.model import Part
from cx_context.parts.places import order_of
from cx_context.parts.values import At, Register, hash_name
from cx_context.sections.attachments import kept_attachments_view
from cx_context.threading.contact_model import Contact
from cx_events.json_types import Json
from cx_events.timestamps import format_time

MESSAGES_SHOWN = 6
DELETED_TEXT = "(deleted)"


def messages_view(contacts: Sequence[Contact]) -> list[Json]:
    """Return the latest messages, newest first, each with its attachments; a deleted one shows none."""
    messages = [
        (order_of(contact.part, at), role, name, text, contact.part, at)
        for contact in contacts
        for at, role, name, text in _edited_words(contact)
    ]
    messages.sort(key=lambda item: item[0], reverse=True)
    return [
        {
            "time": format_time(order[0]),
            "channel": part.channel[1] if part.channel is not None else None,
            "interaction": part.interaction,
            "role": role,
            "name": name or None,
            "text": text,
            **(_files(part, at) if part.files and text != DELETED_TEXT else {}),
        }
        for order, role, name, text, part, at in messages[:MESSAGES_SHOWN]
    ]


def first_words(contacts: Sequence[Contact]) -> str | None:
    """Return the customer's earliest words that are still at hand: the summary of what no model summed up."""
    words = [
        (order_of(contact.part, at), text)
        for contact in contacts
        for at, role, _, text in _edited_words(contact)
        if role == "customer" and text and text != DELETED_TEXT
    ]
    return min(words)[1] if words else None


def _edited_words(contact: Contact) -> Iterable[tuple[At, str, str, str]]:
    """Yield (at, role, name, text) of each message that is at hand, with its latest text."""
    for at, role, name, text, message_id in contact.part.said:
        if message_id:
            edit = _edit_of(contact, message_id)
            deleted = contact.deleted.get(hash_name(message_id))
            if deleted is not None and (edit is None or deleted > edit[0]):
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


def _files(part: Part, at: At) -> Json:
    """Return the attachments of the message that was written at this place."""
    kept = next((kept for kept in part.files if kept[0] == at), None)
    return kept_attachments_view(kept) if kept is not None else {}
