"""Read the words of contacts that were made of part headers."""

from __future__ import annotations

from msgspec import structs

from cx_context.parts.header import HEADER_FIELDS, WORD_FIELDS, ReadWords
from cx_context.parts.merge import combine_fields
from cx_context.parts.model import Part
from cx_context.threading.contact_model import Contact
from cx_context.threading.conversations import Conversation


def with_words(contact: Contact, words: ReadWords) -> Contact:
    """Return a contact of outlines with all that was said in it. Its pieces stay outlines."""
    part = Part()
    combine_fields(part, [contact.part], HEADER_FIELDS)
    combine_fields(part, [words(piece.part_id) for piece in contact.pieces], WORD_FIELDS)
    return structs.replace(contact, part=part)


def conversation_with_words(conversation: Conversation, words: ReadWords) -> Conversation:
    return structs.replace(conversation, members=[with_words(member, words) for member in conversation.members])
