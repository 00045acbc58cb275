"""A part without the words in it: all that deciding about threads needs, at a third of the cost of reading it.

Of a customer with ten thousand contacts the document shows the words of a few. What an outline leaves out reads as
empty; whoever is given outlines is given a way to the whole parts, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, cast

import msgspec
from msgspec import structs

from cx_context.contacts import combined
from cx_context.model import Part
from cx_context.threading import AnchoredPart, Contact, Conversation

WORDS = frozenset(
    {
        "said", "notes", "turns", "slots", "surveys", "summary", "disposition", "direction", "queue",
        "handoff", "accepted", "offered", "passed", "shown", "first_answered", "first_shown",
    }
)  # fmt: skip
"""What only the summary of a shown conversation is made of, and what is told of the interaction of now."""


_NOTHING: Mapping[Any, Any] = {dict: MappingProxyType({}), list: ()}
"""Shared by all outlines, unlike a part's own: of an outline's fields most are empty, and nobody adds to one."""


def _default(field: Any) -> Any:
    return field.default if field.default is not msgspec.NODEFAULT else _NOTHING[field.default_factory]


def _outline() -> type[Part]:
    fields = structs.fields(Part)
    made = msgspec.defstruct(
        "Outline",
        [(field.name, field.type, _default(field)) for field in fields if field.name not in WORDS],
        namespace={field.name: _default(field) for field in fields if field.name in WORDS},
        gc=False,
        kw_only=True,
    )
    return cast(type[Part], made)  # it has every attribute


OUTLINE = _outline()

WholePart = Callable[[bytes], Part]
"""Of an anchor its part with all that was said."""


class Outlines(NamedTuple):
    """``parts``: outlines, or parts where they were at hand."""

    parts: list[AnchoredPart]
    whole: WholePart


def whole_contact(contact: Contact, whole: WholePart) -> Contact:
    pieces = [AnchoredPart(piece.anchor, whole(piece.anchor)) for piece in contact.pieces]
    return structs.replace(contact, part=combined(pieces), pieces=pieces)


def whole_conversation(conversation: Conversation, whole: WholePart) -> Conversation:
    return structs.replace(conversation, members=[whole_contact(member, whole) for member in conversation.members])
