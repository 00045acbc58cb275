"""Take the values that a filter reads out of a record, and decode no others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

import msgspec

from cx_events.errors import Refused
from cx_events.filters.conditions import Scalar
from cx_events.filters.fields import Field
from cx_events.log import LogRecord
from cx_events.timestamps import parse_time

_BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_EMPTY: list[Scalar] = []
_decode_any = msgspec.json.Decoder().decode

Extraction = Callable[[LogRecord], dict[str, list[Scalar]]]


def extraction_of(fields: Collection[Field]) -> Extraction:
    """Return the function that takes the values of these fields out of a record.

    A value that can't be decoded has none; a record is then known by its place alone.
    """
    inside = [field for field in fields if field.steps]
    places = [field for field in fields if not field.steps]
    decode = _decoder({field.steps[0] for field in inside}, {f.steps[1] for f in inside if len(f.steps) > 1}, inside)

    def extract(record: LogRecord) -> dict[str, list[Scalar]]:
        values: dict[str, list[Scalar]] = {field.text: [_at(record, field.text)] for field in places}
        if inside:
            root = decode(record.value)
            for field in inside:
                values[field.text] = _values_at(root, field)
        return values

    return extract


def _at(record: LogRecord, place: str) -> int:
    if place == "stored":
        return record.timestamp * 1000
    return record.partition if place == "partition" else record.offset


def _decoder(members: set[str], of_data: set[str], fields: Collection[Field]) -> Callable[[bytes], Any]:
    """Return what decodes these members of an object and of its ``data``; all of it where it has another shape."""
    shape: dict[str, Any] = dict.fromkeys(sorted(members), Any)
    if of_data and ("data",) not in {field.steps for field in fields}:
        shape["data"] = _struct_of(dict.fromkeys(sorted(of_data), Any))
    decode_members = msgspec.json.Decoder(_struct_of(shape)).decode

    def decode(value: bytes) -> Any:
        try:
            return decode_members(value)
        except msgspec.ValidationError:  # no object, or its data is none
            pass
        except _BROKEN:
            return None
        try:
            return _decode_any(value)
        except _BROKEN:
            return None

    return decode


def _struct_of(shape: dict[str, Any]) -> type[msgspec.Struct]:
    """Return a struct with these members. Its own names are numbered: a member may be called anything."""
    own = {f"f{number}": name for number, name in enumerate(shape)}
    fields = [(mine, shape[name] | None, None) for mine, name in own.items()]
    return msgspec.defstruct("Members", fields, rename=own, gc=False)


def _values_at(root: Any, field: Field) -> list[Scalar]:
    found: list[Scalar] = []
    for each in _walk(root, field.steps):
        scalar = _scalar(each, field.kind)
        if scalar is not _DROPPED:
            found.append(scalar)
    return found or _EMPTY


def _walk(root: Any, steps: tuple[str, ...]) -> Iterator[Any]:
    """Yield what lies at a path, through lists, without JSON's null."""
    waiting = [(root, 0)]
    while waiting:
        at, step = waiting.pop()
        if isinstance(at, list):
            waiting += [(each, step) for each in reversed(at)]
        elif step == len(steps):
            if at is not None:
                yield at
        elif isinstance(at, dict):
            waiting.append((at.get(steps[step]), step + 1))
        elif isinstance(at, msgspec.Struct):
            waiting.append((_member(at, steps[step]), step + 1))


def _member(at: msgspec.Struct, name: str) -> Any:
    names = at.__struct_encode_fields__
    return getattr(at, at.__struct_fields__[names.index(name)]) if name in names else None


_DROPPED: Any = object()


def _scalar(value: Any, kind: str) -> Any:
    """Return a value as filters compare it: a time in µs, None for an object; ``_DROPPED`` for a text that is no
    time."""
    if kind == "time":
        try:
            return parse_time(value) if isinstance(value, str) else _DROPPED
        except Refused:
            return _DROPPED
    if isinstance(value, (dict, msgspec.Struct)):
        return None
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
        return float(value) if abs(value) < 1 << 1023 else _DROPPED
    return value
