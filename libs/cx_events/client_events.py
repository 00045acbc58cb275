"""Check CloudEvents 1.0 that clients send, and stamp them for the log.

``accept`` takes an event in structured form (``http_binding`` reads it out of a request) and returns the bytes for the
log. Whatever has no field here is kept: unknown attributes, unknown fields of ``data``, unknown types.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import msgspec

from cx_events.catalogue import catalogue, missing_fields
from cx_events.client_attributes import (
    REPLACED,
    check_core,
    check_writable,
    kind_of,
    read_attributes,
    recorded_time,
)
from cx_events.client_data import decode_base64_data, read_data, references_in_json, with_normal_forms
from cx_events.directory_facts import check_entry
from cx_events.envelope import Data, Event, Reference
from cx_events.errors import Refused
from cx_events.event_type import EventType
from cx_events.facts import stream_id_of
from cx_events.ids import IdSpace
from cx_events.junk import DEFAULT_JUNK, Junk
from cx_events.stamp import StampedEvent, prepare_data
from cx_events.timestamps import Micros, format_time, parse_time

MAX_EVENT_BYTES = (1 << 20) - 4096
"""The largest event on the log: 1 MiB, with room for what the log's own framing adds."""

_encode = msgspec.json.Encoder().encode

Recogniser = Callable[[Data], list[Reference]]
"""Finds continuity tokens in an event's data, as ``cx_events.tokens.recognise_tokens`` does."""


def accept(
    value: Any,
    *,
    ids: IdSpace,
    recorded: Micros,
    importing: bool = False,
    region: str | None = None,
    recognise: Recogniser | None = None,
    scopes: Collection[str] = (),
    writer: str = "",
    junk: Junk = DEFAULT_JUNK,
) -> StampedEvent:
    """Return the stamped event that a client's value becomes. Pure, but for ``recognise``.

    ``recognise`` replaces continuity tokens by references with their ids; it is not asked about an import, whose
    references hold ids already. ``scopes``: of the client's key; the event's type may need some
    (``catalogue.permit_of``), and identifiers with the weight *proved* or *asserted* need ``identity:prove`` or
    ``identity:assert``. ``writer``: ``key/ID``. ``junk``: the tenant's.

    ``importing``: the client may state ``tenantid`` and ``recordedtime``. An event that states its recorded time may
    also be one that otherwise only the hub writes (an event of a connection, a decision about identity). A stated
    ``writer`` is replaced: the hub vouches for who wrote to it, not for who wrote elsewhere.

    Raises ``Refused``: each reason names one fault, the detail its place.
    """
    value = decode_base64_data(value)
    if not isinstance(value, dict):
        raise Refused("not-an-event", f"an event is a JSON object, not {kind_of(value)}")
    attributes = read_attributes(value)
    imported = importing and "recordedtime" in attributes
    check_core(attributes, ids.tenant, imported)
    event_type = catalogue().get(attributes["type"])
    check_writable(attributes["type"], scopes, imported)
    recorded_at = recorded_time(attributes, ids.tenant, recorded, importing)
    time = attributes.get("time")
    data, members = read_data(value, event_type)
    if recognise is not None and not imported and event_type is not None and event_type.kind == "interaction":
        references = recognise(data)
        if references is not data.references:
            members["data"] = {
                **members["data"],
                "references": references_in_json(references, data, members["data"]),
            }
            data = msgspec.structs.replace(data, references=references)
    event = Event(
        specversion="1.0",
        id=attributes["id"],
        source=attributes["source"],
        type=attributes["type"],
        time=format_time(recorded_at if time is None else parse_time(time)),
        tenantid=ids.tenant,
        recordedtime=format_time(recorded_at),
        partitionkey="",
        data=prepare_data(data, attributes["type"], region=region, scopes=scopes, junk=junk),
        subject=attributes.get("subject", ""),
        writer=writer,
    )
    if event_type is not None:
        _check_needs(event, event_type)
    event.partitionkey = stream_id_of(event, ids).hex()
    if event.data is not data:
        members["data"] = with_normal_forms(members["data"], event.data)
    raw = _encode(_whole(event, attributes, members))
    if len(raw) > MAX_EVENT_BYTES:
        raise Refused("too-large", f"the event has {len(raw)} bytes; {MAX_EVENT_BYTES} are allowed", 413)
    return StampedEvent(event.source, event.id, event.partitionkey.encode(), raw)


def _check_needs(event: Event, event_type: EventType) -> None:
    lacking = missing_fields(event, event_type.needs)
    if lacking:
        needed = ", ".join(f"data.{need.replace('|', ' or data.')}" for need in lacking)
        raise Refused("missing-data", f"{event.type} needs {needed}")
    if event.data.directory is not None:
        check_entry(event.data.directory)
    for path in event_type.times:
        text: Any = event.data
        for name in path.split("."):
            text = getattr(text, name) if text is not None else None
        if text:
            _check_time(f"data.{path}", text)


def _check_time(path: str, text: str) -> None:
    try:
        parse_time(text)
    except Refused as error:
        raise Refused("bad-time", f"{path}: {error.detail}") from None


def _whole(event: Event, attributes: dict[str, Any], members: dict[str, Any]) -> dict[str, Any]:
    """Return the event as it is stored: what the hub stamps, then what the client sent."""
    whole = {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "time": event.time,
        "tenantid": event.tenantid,
        "recordedtime": event.recordedtime,
        "partitionkey": event.partitionkey,
        **{name: item for name, item in attributes.items() if name not in REPLACED},
        **members,
    }
    if event.writer:
        whole["writer"] = event.writer
    return whole
