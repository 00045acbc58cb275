"""Read a client's event at once where it is as nearly all are: every member known and of the right shape.

``client_attributes`` and ``client_data`` look at one member after the other, so that they can tell what is wrong with
it, and ``typos`` asks what its names may stand for. Of an event that ``read_usual_event`` returns, neither would have
anything to say: msgspec has looked at all of it in one go.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from types import UnionType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from cx_events.catalogue import catalogue
from cx_events.client_attributes import MAX_ATTRIBUTE, MAX_NAME, MAX_TYPE, STAMPED, is_free_source
from cx_events.envelope import Data, Event
from cx_events.json_types import Json
from cx_events.typos import WORDS

_SEEN_CLOSELY = frozenset((*STAMPED, "sequence"))
"""Attributes that few clients send: who may state them, and in which form, is told elsewhere."""

_Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
_Attribute = Annotated[str, Meta(max_length=MAX_ATTRIBUTE)]


class _Attributes(Event, kw_only=True, gc=False, forbid_unknown_fields=True):
    """The attributes of a usual event; what the hub stamps is still to come."""

    specversion: Literal["1.0"]
    id: _Name
    source: _Name
    type: Annotated[str, Meta(min_length=1, max_length=MAX_TYPE)]
    time: _Attribute = ""
    tenantid: str = ""
    recordedtime: str = ""
    partitionkey: str = ""
    subject: _Attribute = ""
    datacontenttype: _Attribute = ""
    dataschema: _Attribute = ""
    traceparent: _Attribute = ""
    causationid: _Attribute = ""
    correlationid: _Attribute = ""


def read_usual_event(value: Json) -> Event | None:
    """Return a client's event, or None for one that must be looked at closely: it may be wrong or misspelt, or merely
    rare. Its ``data.raw`` is any JSON value; ``time`` is empty where it states none."""
    if not _SEEN_CLOSELY.isdisjoint(value):
        return None
    try:
        event: Event = msgspec.convert(value, _UsualEvent)
    except msgspec.ValidationError:
        return None
    if event.type not in catalogue() or event.data.handoff is not None or not (event.time or "time" not in value):
        return None
    texts = (
        f"{event.id}{event.source}{event.type}{event.time}{event.subject}{event.datacontenttype}{event.dataschema}"
        f"{event.traceparent}{event.causationid}{event.correlationid}{event.data.interaction}"
    )
    is_usual = texts.isprintable() and len(event.data.interaction) <= MAX_NAME and is_free_source(event.source)
    return event if is_usual else None


def _closed(of: type[Struct], array: str = "") -> type[Struct]:
    """Return a subclass of a struct that takes no other members, and only the words that the hub has a use for.

    ``array``: the member in whose list it stands.
    """
    fields: list[Any] = []
    for field in msgspec.structs.fields(of):
        words = WORDS.get((array, field.name))
        kind = field.type if words is None else _one_of(words)
        if field.name == "raw":
            kind = Any
        elif words is None:
            kind = _closed_inside(kind, field.name)
        if field.required:
            fields.append((field.name, kind))
        elif field.default is not msgspec.NODEFAULT:
            fields.append((field.name, kind, field.default))
        else:
            fields.append((field.name, kind, msgspec.field(default_factory=field.default_factory)))
    return msgspec.defstruct(of.__name__, fields, bases=(of,), kw_only=True, gc=False, forbid_unknown_fields=True)


def _closed_inside(kind: Any, array: str) -> Any:
    """Return a type with the structs inside of it closed."""
    if isinstance(kind, type) and issubclass(kind, Struct):
        return _closed(kind, array)
    origin, inside = get_origin(kind), get_args(kind)
    if origin not in (list, tuple, Union, UnionType):
        return kind
    closed = tuple(_closed_inside(each, array) for each in inside)
    return reduce(or_, closed) if origin in (Union, UnionType) else origin[closed]


def _one_of(words: frozenset[str]) -> Any:
    return cast(Any, Literal)[tuple(sorted(words))]


_UsualEvent: Any = msgspec.defstruct(
    "_UsualEvent",
    [("data", _closed(Data))],
    bases=(_Attributes,),
    kw_only=True,
    gc=False,
    forbid_unknown_fields=True,
)
