"""Check CloudEvents 1.0 that clients send, and stamp them for the log.

``accept`` takes an event in structured form (``http_binding`` reads it out of a request) and returns the bytes for the
log. Whatever has no field here is kept: unknown attributes, unknown fields of ``data``, unknown types.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from cx_events.blob import blob_name
from cx_events.catalogue import catalogue, missing_fields
from cx_events.client_attributes import (
    REPLACED,
    check_core,
    check_writable,
    kind_of,
    read_attributes,
    recorded_time,
)
from cx_events.client_blobs import oversized_raw
from cx_events.client_data import decode_base64_data, read_data, references_in_json, with_normal_forms
from cx_events.directory_facts import check_entry
from cx_events.envelope import Data, Event, Reference
from cx_events.errors import Refused
from cx_events.event_type import EventType
from cx_events.facts import stream_id_of
from cx_events.ids import IdSpace
from cx_events.json_types import Json
from cx_events.junk import DEFAULT_JUNK, Junk
from cx_events.stamp import StampedEvent, prepare_own_data
from cx_events.timestamps import Micros, format_time, parse_time, rewritten_time
from cx_events.usual_events import read_usual_event

MAX_EVENT_BYTES = (1 << 20) - 4096
"""The largest event on the log: 1 MiB, with room for what the log's own framing adds."""

_encode = msgspec.json.Encoder().encode
_recorded_text = lru_cache(16)(format_time)
"""Events of one request are recorded at the same time."""

Recogniser = Callable[[Data], list[Reference]]
"""Finds continuity tokens in an event's data, as ``cx_events.continuity_tokens.recognise_tokens`` does."""


class AcceptedEvent(StampedEvent, frozen=True, gc=False):
    """A client's event, ready for the log. ``is_usual``: it holds nothing that may be misspelt (``typos``).
    ``original``: the JSON of ``data.raw`` where the event names it as a blob; the blob is still to be stored."""

    is_usual: bool = False
    original: bytes = b""


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
    most_original: int | None = None,
) -> AcceptedEvent:
    """Return the stamped event that a client's value becomes. Pure, but for ``recognise``.

    ``recognise`` replaces continuity tokens by references with their ids; it is not asked about an import, whose
    references hold ids already. ``scopes``: of the client's key; the event's type may need some
    (``catalogue.permit_of``), and identifiers with the weight *proved* or *asserted* need ``identity:prove`` or
    ``identity:assert``. ``writer``: ``key/ID``. ``junk``: the tenant's. ``most_original``: bytes of
    ``data.raw``; a larger one is replaced by the name of a blob.

    ``importing``: the client may state ``tenantid`` and ``recordedtime``. An event that states its recorded time may
    also be one that otherwise only the hub writes (an event of a connection, a decision about identity). A stated
    ``writer`` is replaced: the hub vouches for who wrote to it, not for who wrote elsewhere.

    Raises ``Refused``: each reason names one fault, the detail its place.
    """
    read = _read(value, ids.tenant, recorded, scopes, importing)
    event, members = read.event, read.members
    event_type = catalogue().get(event.type)
    if recognise is not None and not read.is_imported and event_type is not None and event_type.kind == "interaction":
        _recognise_tokens(event, members, recognise)
    event.time = rewritten_time(event.time) if read.states_time else event.recordedtime
    event.writer = writer
    has_identifiers = prepare_own_data(event.data, event.type, region=region, scopes=scopes, junk=junk)
    if event_type is not None:
        _check_needs(event, event_type)
    event.partitionkey = stream_id_of(event, ids).hex()
    if has_identifiers:
        members["data"] = with_normal_forms(members["data"], event.data)
    raw, original = _encode(_whole(event, read.attributes, members)), None
    if most_original is not None and len(raw) > most_original:
        original = oversized_raw(members, most_original)
    if original is not None:
        members["data"] = {**members["data"], "raw": {"blob": blob_name(original)}}
        raw = _encode(_whole(event, read.attributes, members))
    if len(raw) > MAX_EVENT_BYTES:
        raise Refused("too-large", f"the event has {len(raw)} bytes; {MAX_EVENT_BYTES} are allowed", 413)
    return AcceptedEvent(event.source, event.id, event.partitionkey.encode(), raw, read.is_usual, original or b"")


class _Read(NamedTuple):
    """A client's event, of which the hub's stamps but tenant and recorded time are still to come, and how it was
    written: ``attributes`` as they are kept, and ``members`` beside them, ``data`` or ``data_base64``."""

    event: Event
    attributes: Mapping[str, Any]
    members: Json
    states_time: bool
    is_imported: bool
    is_usual: bool


def _read(value: Any, tenant: str, recorded: Micros, scopes: Collection[str], importing: bool) -> _Read:
    value = decode_base64_data(value)
    if not isinstance(value, dict):
        raise Refused("not-an-event", f"an event is a JSON object, not {kind_of(value)}")
    event = read_usual_event(value)
    if event is not None:
        check_writable(event.type, scopes, imported=False)
        event.tenantid = tenant
        event.recordedtime = _recorded_text(recorded)
        return _Read(event, value, {"data": value["data"]}, bool(event.time), is_imported=False, is_usual=True)
    attributes = read_attributes(value)
    imported = importing and "recordedtime" in attributes
    check_core(attributes, tenant, imported)
    check_writable(attributes["type"], scopes, imported)
    recorded_at = recorded_time(attributes, tenant, recorded, importing)
    data, members = read_data(value, catalogue().get(attributes["type"]))
    event = Event(
        specversion="1.0",
        id=attributes["id"],
        source=attributes["source"],
        type=attributes["type"],
        time=attributes.get("time", ""),
        tenantid=tenant,
        recordedtime=format_time(recorded_at),
        partitionkey="",
        data=data,
        subject=attributes.get("subject", ""),
    )
    return _Read(event, attributes, members, "time" in attributes, imported, is_usual=False)


def _recognise_tokens(event: Event, members: Json, recognise: Recogniser) -> None:
    """Replace continuity tokens in an event and its JSON by references with their ids."""
    references = recognise(event.data)
    if references is event.data.references:
        return
    in_json = references_in_json(references, event.data, members["data"])
    members["data"] = {**members["data"], "references": in_json}
    event.data.references = references


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


def _whole(event: Event, attributes: Mapping[str, Any], members: Json) -> Json:
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
    }
    whole |= {name: item for name, item in attributes.items() if name not in _WRITTEN_APART}
    whole |= members
    if event.writer:
        whole["writer"] = event.writer
    return whole


_WRITTEN_APART = REPLACED | {"data"}
