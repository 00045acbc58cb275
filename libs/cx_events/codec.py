"""Bytes to events and back: the only room that turns an event into what lies on the log and the reverse."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import Struct

from cx_events.envelope import Data, Event, Identifier, Participant, Reference, TranscriptLine
from cx_events.errors import Refused
from cx_events.upcasts import UPCASTS, Upcast, find_upcast

_decode_event = msgspec.json.Decoder(Event).decode
_EMPTY: Any = ()
_EMPTY_OBJECT: Any = MappingProxyType({})


class _LeanData(Data, kw_only=True, gc=False):
    """``Data`` whose absent lists and objects are shared ones: a projector has tens of thousands of events in hand, and
    six empty containers of each would be made, looked through for garbage and freed."""

    participants: list[Participant] = _EMPTY
    references: list[Reference] = _EMPTY
    transcript: list[TranscriptLine] = _EMPTY
    links: list[tuple[Identifier, Identifier]] = _EMPTY
    preferences: dict[str, Any] = _EMPTY_OBJECT
    attributes: dict[str, Any] = _EMPTY_OBJECT


class _LeanEvent(Event, kw_only=True, gc=False):
    data: _LeanData


_decode_lean = msgspec.json.Decoder(_LeanEvent).decode
_encode = msgspec.json.Encoder().encode
_decode_any = msgspec.json.Decoder().decode


class _Envelope(Event, kw_only=True):
    """The attributes alone; ``data`` whatever it is."""

    data: Any = None


class _Type(Struct):
    type: str


_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_type = msgspec.json.Decoder(_Type).decode
_BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def encode(event: Event) -> bytes:
    """The canonical bytes of an event."""
    return _encode(event)


def decode(raw: bytes, steps: Mapping[str, Upcast] = UPCASTS) -> Event:
    """The event in some bytes from the log, brought to the current version of its type.

    Raises ``Refused("undecodable")`` naming the place, where the envelope or a field of ``data`` is not of its shape,
    or where an old version is not of the shape that its upcast expects.
    """
    return _decoded(raw, steps, _decode_event)


def decode_read_only(raw: bytes, steps: Mapping[str, Upcast] = UPCASTS) -> Event:
    """As ``decode``, cheaper, for who only reads the event: its empty lists and objects can't be added to, and it
    equals no event that is made otherwise."""
    return _decoded(raw, steps, _decode_lean)


def _decoded(raw: bytes, steps: Mapping[str, Upcast], decoder: Callable[[bytes], Event]) -> Event:
    try:
        if steps:
            # An old version may not have today's shape, so its type must be known before it is read.
            newer = find_upcast(_decode_type(raw).type, steps)
            if newer is not None:
                raw = _upcast(newer, raw)
        return decoder(raw)
    except _BROKEN as error:
        raise Refused("undecodable", str(error)) from None


def _upcast(newer: Upcast, raw: bytes) -> bytes:
    """By way of bytes, since ``data.raw`` can only be read from bytes."""
    old = _decode_any(raw)
    name = old["type"]
    try:
        return _encode(newer(old))
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise Refused("undecodable", f"{name} can't be brought to the current version: {error!r}") from None


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
    except _BROKEN as error:
        raise Refused("undecodable", str(error)) from None
    data, problems = decode_data_leniently(envelope.data)
    attributes = {name: getattr(envelope, name) for name in Event.__struct_fields__ if name != "data"}
    return Event(**attributes, data=data), problems


def decode_data_leniently(value: object) -> tuple[Data, list[str]]:
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
    """Return whether two copies of an event say the same, apart from when each was recorded and who wrote it,
    and from the original of a mail that came by a connection.

    The time of an event whose provider tells none is the recorded time; then that is not compared either. Copies that
    can't be compared differ: those that are nested too deeply, or hold numbers that no reader takes, as what a provider
    sent may.
    """
    if one == other:
        return True
    try:
        return _same(one, other)
    except _BROKEN:
        return False


def _is_delivered_mail(copy: Any) -> bool:
    """Return whether this is a mail that came by a connection. Its original has other fields at each delivery, of the
    hosts on the way; the event's id holds a digest of what was written (``cx_channels.kit.mail.mime.digest``)."""
    data = copy.get("data")
    return isinstance(data, dict) and data.get("channel") == "email" and "/connections/" in str(copy.get("source"))


def _same(one: bytes, other: bytes) -> bool:
    first, second = _decode_any(one), _decode_any(other)
    told_no_time = all(copy.get("time") == copy.get("recordedtime") for copy in (first, second))
    for copy in (first, second):
        copy.pop("recordedtime", None)
        copy.pop("writer", None)
        if told_no_time:
            copy.pop("time", None)
        if _is_delivered_mail(copy):
            copy["data"].pop("raw", None)
    return json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)
