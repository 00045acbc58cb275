"""Read the data of CloudEvents 1.0 that clients send, and put normal forms into it."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from cx_events import strict_json
from cx_events.client_attributes import MAX_NAME, forbidden_character, kind_of
from cx_events.codec import decode_data_leniently
from cx_events.data_shape import DATA, explained
from cx_events.envelope import Data, Identifier, Reference
from cx_events.errors import Refused
from cx_events.event_type import EventType
from cx_events.json_types import Json

_JSON_DATA = strict_json.Limits(max_bytes=16 << 20)
"""Limits of JSON in ``data_base64``; the route bounds the whole request."""


def read_data(value: Mapping[str, Any], event_type: EventType | None) -> tuple[Data, Json]:
    """Return the typed view of an event's data, and ``data`` or ``data_base64`` as the client sent it.

    Data of an unknown type is read as far as it has the shape of ``Data``. Raises ``Refused``: ``bad-data``,
    ``bad-interaction``.
    """
    if "data" in value and "data_base64" in value:
        raise Refused("bad-data", "an event has data or data_base64, not both")
    if "data_base64" in value:
        members = {"data_base64": value["data_base64"]}
        _decode_base64(members["data_base64"])
    else:
        members = {"data": value["data"]} if "data" in value else {}
    content = members.get("data")
    if event_type is None:
        data, _ = decode_data_leniently(content)
    elif not isinstance(content, dict):
        raise Refused("bad-data", f"data of {event_type.name} must be a JSON object; it is {_fault(value, members)}")
    else:
        data = _typed(content)
    _check_interaction(data.interaction)
    return data, members


def _fault(value: Mapping[str, Any], members: Json) -> str:
    """Return what data is that is not a JSON object."""
    if not members:
        return "absent"
    if "data_base64" in members:
        return f"data_base64 of the content type {str(value.get('datacontenttype'))[:64]!r}, which is not JSON"
    content = members["data"]
    if isinstance(content, str) and content.lstrip().startswith("{"):
        return "a string: put the object into data itself, not its text (CloudEvents JSON format, section 3.1.1)"
    return kind_of(content)


def _typed(content: Json) -> Data:
    """Return the data without ``raw``, which may be any JSON."""
    typed = content
    if "raw" in content:
        typed = content.copy()
        del typed["raw"]
    try:
        return msgspec.convert(typed, Data)
    except msgspec.ValidationError as error:
        raise Refused("bad-data", explained(error, DATA, "data")) from None


def _check_interaction(name: str) -> None:
    if len(name) > MAX_NAME:
        raise Refused("bad-interaction", f"data.interaction has {len(name)} characters; {MAX_NAME} are allowed")
    forbidden = forbidden_character(name)
    if forbidden:
        raise Refused("bad-interaction", f"data.interaction contains {forbidden}, which no id may contain")


def _decode_base64(text: object) -> bytes:
    try:
        return b64decode(text if isinstance(text, str) else "!", validate=True)
    except ValueError:
        raise Refused("bad-data", "data_base64 is not base64 (RFC 4648, section 4)") from None


def references_in_json(references: Iterable[Reference], data: Data, content: Json) -> list[Any]:
    """Return references in JSON: those that the client sent with all their members.

    ``data``: as it was read from ``content``.
    """
    sent = {id(known): one for known, one in zip(data.references, content.get("references", ()), strict=True)}
    return [sent.get(id(one)) or msgspec.to_builtins(one) for one in references]


def with_normal_forms(content: Json, data: Data) -> Json:
    """Return the client's data with its identifiers in their normal form, and all else as it was.

    ``data``: what ``stamp.prepare_data`` made of it.
    """
    if not data.participants and not data.links:
        return content
    content = dict(content)
    if data.participants:
        content["participants"] = [
            {**given, "identifiers": _normal_forms(given["identifiers"], participant.identifiers)}
            if participant.identifiers
            else given
            for given, participant in zip(content["participants"], data.participants, strict=True)
        ]
    if data.links:
        content["links"] = [
            _normal_forms(given, pair) for given, pair in zip(content["links"], data.links, strict=True)
        ]
    return content


def _normal_forms(given: Iterable[Json], normal: Iterable[Identifier]) -> list[Json]:
    merged = []
    for before, after in zip(given, normal, strict=True):
        one = before.copy()
        one["kind"], one["value"] = after.kind, after.value
        if after.weight:
            one["weight"] = after.weight
        else:
            one.pop("weight", None)
        # Most have just a kind, a value and the weight that they get, so nothing has to be removed.
        if len(one) > 3 or after.scope or after.given or after.unusable:
            for name, text in (("scope", after.scope), ("given", after.given), ("unusable", after.unusable)):
                if text:
                    one[name] = text
                else:
                    one.pop(name, None)
            if not after.verified and one.get("verified"):
                del one["verified"]
        merged.append(one)
    return merged


def decode_base64_data(value: Any) -> Any:
    """Return the event with JSON in ``data_base64`` as its ``data``; everything else as it is.

    A writer whose data is a sequence of bytes has to put it into ``data_base64``, also where ``datacontenttype`` says
    that the bytes are JSON (CloudEvents JSON format 1.0.2, section 3.1.1; absent, it is ``application/json``). One
    event in two forms must be one event. Raises ``Refused("bad-data")`` where the bytes are not base64 or not JSON, and
    a ``value`` that is a ``Refused`` itself: that of an event that could not be read (``http_binding.read``).
    """
    if isinstance(value, Refused):
        raise value
    if not isinstance(value, dict) or "data_base64" not in value:
        return value
    if value["data_base64"] is None or value.get("data", ...) is None:  # null is not set (JSON format, section 2.2)
        absent = "data_base64" if value["data_base64"] is None else "data"
        value = {name: item for name, item in value.items() if name != absent}
    if "data_base64" not in value or "data" in value:
        return value
    content_type = value.get("datacontenttype")
    if content_type is not None and not (isinstance(content_type, str) and strict_json.is_json(content_type)):
        return value
    content = _decode_base64(value["data_base64"])
    try:
        data = strict_json.decode(content, _JSON_DATA)
    except Refused as refused:
        if content_type is None:
            return value  # bytes without a content type need not be JSON
        detail = f"datacontenttype names JSON, but data_base64 is not JSON: {refused.detail}"
        raise Refused("bad-data", detail) from None
    return {**{name: item for name, item in value.items() if name != "data_base64"}, "data": data}
