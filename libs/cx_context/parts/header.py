"""A part without the words in it: all that deciding about threads needs, at a third of the cost of reading it; and the
words without the rest.

Of a customer with ten thousand contacts the document shows the words of a few. What an outline leaves out reads as
empty; whoever is given outlines is given a way to the words, too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, cast

import msgspec
from msgspec import structs

from cx_context.parts.merge import PART_FIELDS
from cx_context.parts.model import Part
from cx_context.parts.places import KeyedPart

WORDS = frozenset(
    {
        "said", "files", "notes", "turns", "slots", "surveys", "summary", "disposition", "direction", "queue",
        "handoff", "accepted", "offered", "passed", "shown", "first_answered", "first_shown",
    }
)  # fmt: skip
"""What only the summary of a shown conversation is made of, and what is told of the interaction of now."""


_NOTHING: Mapping[Any, Any] = {dict: MappingProxyType({}), list: ()}
"""Shared by all outlines, unlike a part's own: of an outline's fields most are empty, and nobody adds to one."""


def _default(field: Any) -> Any:
    return field.default if field.default is not msgspec.NODEFAULT else _NOTHING[field.default_factory]


def _struct(name: str, kept: Collection[str]) -> type[Part]:
    """Return a type with every attribute of a part, of which only some are fields that are read."""
    fields = structs.fields(Part)
    made = msgspec.defstruct(
        name,
        [(field.name, field.type, _default(field)) for field in fields if field.name in kept],
        namespace={field.name: _default(field) for field in fields if field.name not in kept},
        gc=False,
        kw_only=True,
        rename={field.name: field.encode_name for field in fields},
    )
    return cast(type[Part], made)


WORD_FIELDS = [field for field in PART_FIELDS if field.name in WORDS]
HEADER_FIELDS = [field for field in PART_FIELDS if field.name not in WORDS]
PartHeader = _struct("Outline", {field.name for field in HEADER_FIELDS})
PartWords = _struct("OnlyWords", WORDS)

ReadWords = Callable[[bytes], Part]
"""Of an part id a part of which only the words are asked for: ``ONLY_WORDS``, or a whole one that was at hand."""


class PartHeaders(NamedTuple):
    """``parts``: outlines, or parts where they were at hand."""

    parts: list[KeyedPart]
    words: ReadWords
