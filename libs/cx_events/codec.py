"""Bytes to events and back: the only room that turns an event into what lies on the log and the reverse."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from cx_events.envelope import Data, Event
from cx_events.errors import Refused
from cx_events.upcasts import upcast

_decode_event = msgspec.json.Decoder(Event).decode
_encode = msgspec.json.Encoder().encode
_decode_any = msgspec.json.Decoder().decode


class _Envelope(Event, kw_only=True):
    """The attributes alone; ``data`` whatever it is."""

    data: Any = None


_decode_envelope = msgspec.json.Decoder(_Envelope).decode


def encode(event: Event) -> bytes:
    """The canonical bytes of an event."""
    return _encode(event)


def decode(raw: bytes) -> Event:
    """The event in some bytes from the log, brought to the current version of its type.

    Raises ``Refused("undecodable")`` naming the place, where the envelope or a field of ``data`` is not of its shape.
    """
    try:
        event = _decode_event(raw)
        newer = upcast(event.type)
        if newer is not None:
            event = msgspec.convert(newer(_decode_any(raw)), Event)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("undecodable", str(error)) from None
    return event


def decode_leniently(raw: bytes) -> tuple[Event, list[str]]:
    """As ``decode``, but fields of ``data`` that are not of their shape are left out, and named in the second value.

    For types that we don't know, whose data is the client's own affair. Raises ``Refused`` if the envelope is broken.
    """
    try:
        return decode(raw), []
    except Refused:
        pass
    try:
        envelope = _decode_envelope(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("undecodable", str(error)) from None
    data, problems = lenient_data(envelope.data)
    attributes = {name: getattr(envelope, name) for name in Event.__struct_fields__ if name != "data"}
    return Event(**attributes, data=data), problems


def lenient_data(value: object) -> tuple[Data, list[str]]:
    """What of some JSON value can be read as ``Data``, and why the rest can't."""
    if not isinstance(value, dict):
        return Data(), ["data is not an object"] if value is not None else []
    fields: dict[str, Any] = {}
    problems = []
    for name in Data.__struct_fields__:
        if name in value and name != "raw":
            try:
                fields[name] = getattr(msgspec.convert({name: value[name]}, Data), name)
            except msgspec.ValidationError as error:
                problems.append(str(error))
    return Data(**fields), problems


def same_content(one: bytes, other: bytes) -> bool:
    """Whether two copies of an event say the same, apart from when each was recorded."""
    if one == other:
        return True
    first, second = _decode_any(one), _decode_any(other)
    first.pop("recordedtime", None)
    second.pop("recordedtime", None)
    return json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)
