"""Read part headers, parts without the words in them, and the words without the rest.

Deciding about threads needs the header alone, which costs a third of reading a part. Of a customer with ten thousand
contacts the document shows the words of a few. What a header leaves out reads as empty; whoever is given headers is
given a way to the words, too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, cast, get_type_hints

import msgspec
from msgspec import structs

from cx_context.parts.keyed_parts import KeyedPart
from cx_context.parts.merge import MERGE_RULES, PART_FIELDS, PartFields
from cx_context.parts.model import Part
from cx_context.parts.rules import WORDS

_NOTHING: Mapping[Any, Any] = {dict: MappingProxyType({}), list: ()}
"""Shared by all headers, unlike a part's own: most of a header's fields are empty, and nobody adds to one."""

_words = frozenset(
    name for name, hint in get_type_hints(Part, include_extras=True).items() if WORDS in hint.__metadata__
)


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


HEADER_NAMES = frozenset(MERGE_RULES) - _words
WORD_FIELDS = PartFields(field for field in PART_FIELDS if field.name in _words)
HEADER_FIELDS = PartFields(field for field in PART_FIELDS if field.name in HEADER_NAMES)
PartHeader = _struct("PartHeader", HEADER_NAMES)
PartWords = _struct("PartWords", _words)
PartRead = _struct("PartRead", MERGE_RULES.keys())
"""A whole part that nobody adds to."""

ReadWords = Callable[[bytes], Part]
"""Return, for a part id, a part of which only the words are asked for: ``PartWords``, or a whole one at hand."""


class PartHeaders(NamedTuple):
    """A customer's parts without their words, or whole where they were at hand, and a way to the words."""

    parts: list[KeyedPart]
    words: ReadWords
