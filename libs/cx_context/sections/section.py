"""Define a section of the context: its fields, handlers, view, provenance and schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cx_context.parts.model import Part
from cx_context.parts.values import At
from cx_events.facts import Fact
from cx_events.json_types import Json

Path = tuple[str, ...]
"""A value's place in the body, ``*`` for any item of a list."""

Handler = Callable[[Part, Fact, At], None]
"""Add what a fact says to its part, in place. ``At``: the fact's place.

It reads no clock and no random numbers, and makes what it makes of the event before it looks at the part: an event that
raises must raise whatever its part holds.
"""


@dataclass(frozen=True, slots=True)
class Provenance:
    """The origin of a value of the document: how it comes about, and of which fields of parts.

    A row may name too many fields, which costs time, but never too few: an event whose absence changes none of them is
    not tried. ``threaded``: the value depends on which interactions are one conversation, too. ``identity``: it comes
    from who is who. ``summed``: it counts events, each of which is needed.
    """

    rule: str
    fields: frozenset[str] = frozenset()
    threaded: bool = False
    identity: bool = False
    summed: bool = False


def made_of(
    rule: str, *fields: str, threaded: bool = False, identity: bool = False, summed: bool = False
) -> Provenance:
    """Return the provenance of a value that is made of these fields."""
    return Provenance(rule, frozenset(fields), threaded, identity, summed)


@dataclass(frozen=True, slots=True)
class Section:
    """One topic of the context: all that is to know of it stands in one module, whose ``Fields`` parts hold.

    ``handlers``: what events of a type add to a part. ``member_handlers``: what any event adds whose ``data`` has this
    member. ``provenance``: of the values that the section shows, by their path. ``not_shown``: fields that no value is
    made of, and what they are for. ``schema``: the JSON Schema of the member of the body that the section's ``view``
    makes, if any. ``components``: schemas that have a name in the API's document.
    """

    handlers: Mapping[str, Handler] = field(default_factory=dict)
    member_handlers: Mapping[str, Handler] = field(default_factory=dict)
    provenance: Mapping[Path, Provenance] = field(default_factory=dict)
    not_shown: Mapping[str, str] = field(default_factory=dict)
    schema: Json | None = None
    components: Mapping[str, Json] = field(default_factory=dict)
