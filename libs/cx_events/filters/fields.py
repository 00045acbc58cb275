"""Name the fields that a filter may use, by topic, and what each holds.

Fields of ``data`` are those of ``cx_events.envelope``. Below a free object (``data.attributes``, ``data.raw``) any name
goes, and so does any name in quotes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from msgspec import Struct

from cx_events.dead_letters import DeadLetter
from cx_events.envelope import Data, Event
from cx_events.filters.rendering import render_path
from cx_events.filters.syntax import BadFilter, Comparison, Name
from cx_events.log import CONTEXT_CHANGES, DEAD_LETTERS, INTERACTIONS
from cx_events.spelling import nearest

Kind = Literal["text", "time", "number", "boolean", "any", "object"]

TIMES = frozenset({"time", "recordedtime", "recorded"})
PLACES: Mapping[str, Kind] = {"partition": "number", "offset": "number", "stored": "time"}
"""What a record has without its value. ``stored``: when the log stored it."""
RECORD_FIELDS: Mapping[str, Kind] = {"tenant": "text", **PLACES}
"""The fields of any topic."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a filter. ``text``: as it is written. ``steps``: where its values lie in the JSON of a record, empty
    for a field of ``PLACES``."""

    text: str
    kind: Kind
    steps: tuple[str, ...]


def _kinds_of(model: type[Struct], *without: str) -> dict[str, Kind]:
    return {
        name: "time" if name in TIMES else "text" for name in model.__struct_fields__ if name not in ("data", *without)
    }


_FIELDS: Mapping[str, Mapping[str, Kind]] = {
    INTERACTIONS: {**RECORD_FIELDS, **_kinds_of(Event)},
    DEAD_LETTERS: {**RECORD_FIELDS, **_kinds_of(DeadLetter, "original", "headers", "settled", "discarded")},
    CONTEXT_CHANGES: {
        **RECORD_FIELDS,
        "customer": "text",
        "version": "number",
        "merged_into": "text",
        "agents": "text",
        "queues": "text",
    },
}

_OVERDUE: Mapping[str, Kind] = {
    **{f"overdue.{name}": "text" for name in ("conversation", "interaction", "channel", "queue", "queue_name")},
    **{f"overdue.{name}": "time" for name in ("waiting_since", "due_at", "noticed_at")},
    "overdue.answer_within": "number",
    "overdue.late": "boolean",
}
"""What ``cx.context-changes`` says of overdue waits."""


def find_field(comparison: Comparison, topic: str) -> Field:
    """Return the field that a comparison names, of the records of a topic. Raises ``BadFilter``."""
    first, *rest = comparison.path
    text = render_path(comparison.path)
    if topic == INTERACTIONS and first.text == "data":
        return Field(text, _kind_of_data(comparison, rest), tuple(name.text for name in comparison.path))
    if topic == CONTEXT_CHANGES and text in _OVERDUE:
        return Field(text, _OVERDUE[text], tuple(name.text for name in comparison.path))
    known = _FIELDS.get(topic, RECORD_FIELDS)
    kind = known.get(first.text)
    if kind is None or rest:
        named = [*known, "data"] if topic == INTERACTIONS else list(known)
        named += _OVERDUE if topic == CONTEXT_CHANGES else ()
        raise BadFilter(comparison.at, f"there is no field {text[:64]}{_hint(text, first.text, named, topic)}")
    if first.text in PLACES:
        return Field(text, kind, ())
    return Field(text, kind, ("tenantid" if topic == INTERACTIONS and first.text == "tenant" else first.text,))


def _hint(text: str, first: str, known: Sequence[str], topic: str) -> str:
    """Return the nearest name, or all of them. A field of ``data`` named without that is found there."""
    if topic == INTERACTIONS and first in Data.__struct_fields__:
        return f"; did you mean data.{text[:64]}?"
    near = nearest(first, known)
    return f"; did you mean {near}?" if near else f"; there are {', '.join(sorted(known))}"


def _kind_of_data(comparison: Comparison, names: Sequence[Name]) -> Kind:
    at = msgspec.inspect.type_info(Data)
    path = "data"
    for name in names:
        fields = _fields_in(at)
        if fields is None:
            if not _is_open(at) and not name.is_quoted:
                raise BadFilter(comparison.at, f"{path} is no object; it has no field {name.text[:64]}")
            return "any"
        if name.text not in fields:
            if name.is_quoted:
                return "any"
            near = nearest(name.text, fields)
            hint = f"did you mean {path}.{near}?" if near else f"{path} has {', '.join(sorted(fields))}."
            raise BadFilter(
                comparison.at,
                f'there is no field {path}.{name.text[:64]}; {hint} Other names stand in quotes: data."x"',
            )
        at = fields[name.text]
        path += f".{name.text}"
    return _kind_of(at)


def _parts_of(at: Any) -> list[Any]:
    """Return the types that a value may have, those of a list's items included."""
    if isinstance(at, msgspec.inspect.UnionType):
        return [part for each in at.types for part in _parts_of(each)]
    if isinstance(at, msgspec.inspect.ListType):
        return _parts_of(at.item_type)
    if isinstance(at, msgspec.inspect.TupleType):
        return [part for each in at.item_types for part in _parts_of(each)]
    return [at]


def _fields_in(at: Any) -> dict[str, Any] | None:
    for part in _parts_of(at):
        if isinstance(part, msgspec.inspect.StructType):
            return {field.name: field.type for field in part.fields}
    return None


def _is_open(at: Any) -> bool:
    free = (msgspec.inspect.DictType, msgspec.inspect.AnyType, msgspec.inspect.RawType)
    return any(isinstance(part, free) for part in _parts_of(at))


def _kind_of(at: Any) -> Kind:
    kinds: set[Kind] = set()
    for part in _parts_of(at):
        match part:
            case msgspec.inspect.NoneType():
                pass
            case msgspec.inspect.StructType() | msgspec.inspect.DictType():
                kinds.add("object")
            case msgspec.inspect.BoolType():
                kinds.add("boolean")
            case msgspec.inspect.IntType() | msgspec.inspect.FloatType():
                kinds.add("number")
            case msgspec.inspect.StrType() | msgspec.inspect.LiteralType():
                kinds.add("text")
            case _:
                kinds.add("any")
    return kinds.pop() if len(kinds) == 1 else "any"
