"""Make of a record what a receiver gets: a CloudEvent in structured JSON, under an id that never changes. Pure."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from cx_context.change_notifications import ContextChange
from cx_events.json_types import Json
from cx_events.log import INTERACTIONS, LogRecord
from cx_events.log.headers import CHANGE_TYPE, OVERDUE_TYPE, change_id, change_source, overdue_source
from cx_events.timestamps import format_time
from cx_runtime.outbound.signatures import message_id


class Message(NamedTuple):
    """``id``: the same at every attempt and for every copy of the same thing. ``body``: JSON."""

    id: str
    body: bytes


class _Named(msgspec.Struct):
    tenantid: str
    source: str
    id: str


_decode_named = msgspec.json.Decoder(_Named).decode
_decode_change = msgspec.json.Decoder(ContextChange).decode


class Kind(NamedTuple):
    """A record's tenant, and whether it is the notice of an overdue wait: both are asked before any filter."""

    tenant: str
    is_overdue: bool


def kind_of_record(record: LogRecord) -> Kind:
    """Return whose a record is and what it tells; nobody's for what can't be read, which is a dead letter elsewhere."""
    try:
        if record.topic == INTERACTIONS:
            return Kind(_decode_named(record.value).tenantid, False)
        change = _decode_change(record.value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Kind("", False)
    return Kind(change.tenant, change.overdue is not None)


def key_text(record: LogRecord) -> str:
    """Return the key of a record as text: the hex digits of a customer's stream, or of a customer."""
    text = record.key.decode("ascii", "replace")
    if record.topic == INTERACTIONS and text.isascii() and text.isalnum():
        return text
    return f"x-{record.key.hex()}" if record.topic == INTERACTIONS else record.key.hex()


def message_of(record: LogRecord) -> Message:
    """Return the message for a record that could be read. An event is sent byte for byte as it lies on the log."""
    if record.topic == INTERACTIONS:
        named = _decode_named(record.value)
        return Message(message_id(named.source, named.id), record.value)
    change = _decode_change(record.value)
    event = _change_event(change, record.timestamp)
    return Message(message_id(event["source"], event["id"]), msgspec.json.encode(event))


def _change_event(change: ContextChange, timestamp: int) -> Json:
    """Return the notice of a change, or of an overdue wait, known by the same names as on the log."""
    id, source, type = change_id(change.customer, change.version, change.merged_into), change_source, CHANGE_TYPE
    if change.overdue is not None:
        id, source, type = change.overdue.id, overdue_source, OVERDUE_TYPE
    return {
        "specversion": "1.0",
        "id": id,
        "source": source(change.tenant),
        "type": type,
        "subject": change.customer,
        "time": format_time(timestamp * 1000),
        "datacontenttype": "application/json",
        "tenantid": change.tenant,
        "data": msgspec.to_builtins(change),
    }
