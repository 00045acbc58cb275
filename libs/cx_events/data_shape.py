"""Describe the shape of an event's ``data`` as a tree: which members there are, and what an enumerated one may be.

``DATA`` is that of ``envelope.Data``. Members whose names a client chooses (``attributes``, ``bot.slots``) have no
shape; of a handoff's packet those names are known that the hub shows by themselves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from cx_events.envelope import Data
from cx_events.spelling import nearest

PACKET_MEMBERS = ("summary", "tried", "slots", "open_questions")

_STEP = re.compile(r"\.(\w+)|\[")
_GIVEN = re.compile(r"^Invalid enum value '(.*)'$", re.DOTALL)
_FEW = 6
"""How many members an object may have for an error to list them."""
_NO_OBJECT = re.compile(r"^Expected `object(?: \| null)?`, got ")


@dataclass(frozen=True, slots=True)
class Shape:
    """``members``: of an object, each with its shape; ``names``: theirs; ``items``: of an array; ``allowed``: of a
    word that is enumerated."""

    members: Mapping[str, Shape] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    items: Shape | None = None
    allowed: tuple[str, ...] = ()

    def at(self, place: str) -> Shape | None:
        """Return the shape at a place such as ``.participants[0].role``."""
        found: Shape | None = self
        for step in _STEP.finditer(place):
            if found is None:
                return None
            found = found.members.get(step[1]) if step[1] else found.items
        return found


PACKET = Shape({name: Shape() for name in PACKET_MEMBERS}, frozenset(PACKET_MEMBERS))
"""A handoff's packet: it may hold anything, of which these are shown together with what the hub knows."""


def explained(error: msgspec.ValidationError, shape: Shape, root: str = "") -> str:
    """Return what msgspec refused as ``PLACE: WHAT``, with what may stand there instead: words, or an object's members.

    ``shape``: that of the whole value, whose name in places is ``root``.
    """
    what, _, at = str(error).partition(" - at `$")
    at = at.rstrip("`")
    place = f"{root}{at}" if root else at.removeprefix(".")
    return f"{place}: {what}{_instead(shape.at(at), what)}".removeprefix(": ")


def _instead(shape: Shape | None, what: str) -> str:
    if shape is not None and shape.allowed:
        given = _GIVEN.search(what)
        near = nearest(given[1], shape.allowed) if given else None
        return f"; allowed are {', '.join(shape.allowed)}" + (f"; did you mean {near!r}?" if near else "")
    if shape is not None and 0 < len(shape.members) <= _FEW and _NO_OBJECT.search(what):
        return f"; an object with {', '.join(shape.members)}"
    return ""


def shape_of(type: object) -> Shape:
    """Return the shape of a type that msgspec knows."""
    return _shape(msgspec.inspect.type_info(type))


def _shape(of: msgspec.inspect.Type) -> Shape:
    if isinstance(of, msgspec.inspect.UnionType):
        known = [each for each in of.types if not isinstance(each, msgspec.inspect.NoneType)]
        return _shape(known[0]) if len(known) == 1 else Shape()
    if isinstance(of, msgspec.inspect.StructType):
        members = {each.encode_name: _OPEN.get(each.encode_name) or _shape(each.type) for each in of.fields}
        return Shape(members, frozenset(members))
    if isinstance(of, msgspec.inspect.ListType):
        return Shape(items=_shape(of.item_type))
    if isinstance(of, msgspec.inspect.TupleType):
        return Shape(items=_shape(of.item_types[0]))
    if isinstance(of, msgspec.inspect.LiteralType):
        return Shape(allowed=tuple(str(each) for each in of.values if each))
    return Shape()


_OPEN: Mapping[str, Shape] = {"packet": PACKET}

DATA = shape_of(Data)
