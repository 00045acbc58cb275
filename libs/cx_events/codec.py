"""Encode events for the log and decode them. No other module does."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import Struct

from cx_events.envelope import Data, Event, Identifier, Participant, Reference, TranscriptLine
from cx_events.errors import Refused
from cx_events.mail_copies import content_key
from cx_events.upcasts import UPCASTS, Upcast, find_upcast

_decode_event = msgspec.json.Decoder(Event).decode
_EMPTY: Any = ()
_EMPTY_OBJECT: Any = MappingProxyType({})


class _LeanData(Data, kw_only=True, gc=False):
    """``Data`` whose absent lists and objects are shared, immutable ones.

    A projector holds tens of thousands of events; six empty containers for each would cost allocation and garbage
    collection.
    """

    participants: list[Participant] = _EMPTY
    references: list[Reference] = _EMPTY
    transcript: list[TranscriptLine] = _EMPTY
    links: list[tuple[Identifier, Identifier]] = _EMPTY
    preferences: dict[str, Any] = _EMPTY_OBJECT
    attributes: dict[str, Any] = _EMPTY_OBJECT


class _LeanEvent(Event, kw_only=True, gc=False):
    """An event to read only, see ``decode_read_only``."""

    data: _LeanData


_decode_lean = msgspec.json.Decoder(_LeanEvent).decode
_encode = msgspec.json.Encoder().encode
_decode_any = msgspec.json.Decoder().decode


class _Envelope(Event, kw_only=True):
    """The attributes, with ``data`` as any JSON."""

    data: Any = None


class _Type(Struct):
    """An event's type alone."""

    type: str


_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_type = msgspec.json.Decoder(_Type).decode
_BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def encode(event: Event) -> bytes:
    """Return the canonical bytes of an event."""
    return _encode(event)


def decode(raw: bytes, steps: Mapping[str, Upcast] = UPCASTS) -> Event:
    """Return the event in bytes from the log, brought to the current version of its type.

    Raises ``Refused("undecodable")``, naming the place, where the envelope or a field of ``data`` has another shape, or
    where an upcast can't read the old version.
    """
    return _decoded(raw, steps, _decode_event)


def decode_read_only(raw: bytes, steps: Mapping[str, Upcast] = UPCASTS) -> Event:
    """Return the event as ``decode`` does, at less cost, to be read only.

    Its empty lists and objects are immutable, and it never equals an event that ``decode`` returns.
    """
    return _decoded(raw, steps, _decode_lean)


def _decoded(raw: bytes, steps: Mapping[str, Upcast], decoder: Callable[[bytes], Event]) -> Event:
    try:
        if steps:
            # An old version may have another shape, so its type must be known before it is decoded.
            newer = find_upcast(_decode_type(raw).type, steps)
            if newer is not None:
                raw = _upcast(newer, raw)
        return decoder(raw)
    except _BROKEN as error:
        raise Refused("undecodable", str(error)) from None


def _upcast(newer: Upcast, raw: bytes) -> bytes:
    """Return the current version of an event, in bytes, since ``data.raw`` can only be decoded from bytes."""
    old = _decode_any(raw)
    name = old["type"]
    try:
        return _encode(newer(old))
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise Refused("undecodable", f"{name} can't be brought to the current version: {error!r}") from None


def decode_leniently(raw: bytes) -> tuple[Event, list[str]]:
    """Return the event without the fields of ``data`` that have another shape, and an error text for each of them.

    For unknown types, whose data clients define. Raises ``Refused("undecodable")`` if the envelope is broken.
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
    """Return what of a JSON value can be read as ``Data``, and an error text for each field that can't."""
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
    """Return whether two copies of an event have the same content.

    Not compared are the recorded time, the writer, a replay's mark, and the original of a mail that came by a
    connection; nor the time, where it equals the recorded time in both copies, since the provider stated none. Copies
    of a mail whose key is of its content (``mail_copies``) say the same, by one connection or two: else which of three
    were in conflict depended on the order in which they came.
    Copies that can't be decoded differ: a provider's JSON may be nested too deeply, or hold numbers out of range.
    """
    if one == other:
        return True
    try:
        return _same(one, other)
    except (Refused, *_BROKEN):
        return False


def _is_one_mail(one: bytes, other: bytes) -> bool:
    key = content_key(decode_leniently(one)[0])
    return key is not None and key == content_key(decode_leniently(other)[0])


def _is_delivered_mail(copy: Any) -> bool:
    """Return whether this is a mail that came by a connection.

    The header of its original differs with each delivery (trace fields of the hosts on the way); the event's id holds a
    digest of the content (``cx_channels.kit.mail``).
    """
    data = copy.get("data")
    return isinstance(data, dict) and data.get("channel") == "email" and "/connections/" in str(copy.get("source"))


def _same(one: bytes, other: bytes) -> bool:
    first, second = _decode_any(one), _decode_any(other)
    if _is_delivered_mail(first) and _is_delivered_mail(second) and _is_one_mail(one, other):
        return True
    no_time_stated = all(copy.get("time") == copy.get("recordedtime") for copy in (first, second))
    for copy in (first, second):
        copy.pop("recordedtime", None)
        copy.pop("writer", None)
        copy.pop("replayid", None)
        if no_time_stated:
            copy.pop("time", None)
        if _is_delivered_mail(copy):
            copy["data"].pop("raw", None)
    return json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)
