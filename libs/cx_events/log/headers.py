"""Make the headers of records: what makes them CloudEvents on Kafka. Pure.

By the Kafka protocol binding of CloudEvents 1.0.2
(https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md). An event is in
structured mode (section 3.3): the value is the event, and the header ``content-type`` says so. A change notification is
in binary mode (section 3.2): the value is the event's data, and its attributes are headers. Dead letters and
announcements of stores are plain JSON.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import msgspec
from msgspec import Struct

from cx_events.log.port import CONTEXT_CHANGES, DEAD_LETTERS, INTERACTIONS, STORES, Headers, LogRecord, Record

CONTENT_TYPE = "content-type"
TRACEPARENT = "traceparent"
"""The trace of a record (W3C Trace Context)."""

CHANGE_TYPE = "cx.context.changed.v1"
"""The type of a change notification."""

OVERDUE_TYPE = "cx.wait.overdue.v1"
"""The type of a notice that a customer waits for longer than is allowed."""

# Lists, since aiokafka takes no other sequence. They are shared by all records.
_NONE: Headers = []
_EVENT: Headers = [(CONTENT_TYPE, b"application/cloudevents+json")]
_JSON: Headers = [(CONTENT_TYPE, b"application/json")]
_OF_TOPIC = {INTERACTIONS: _EVENT, DEAD_LETTERS: _JSON, STORES: _JSON}


class _Overdue(Struct):
    id: str


class _Change(Struct):
    tenant: str
    customer: str
    version: int
    merged_into: str = ""
    overdue: _Overdue | None = None


_decode_own = msgspec.json.Decoder(list[tuple[str, str]]).decode
_decode_change = msgspec.json.Decoder(_Change).decode


def change_source(tenant: str) -> str:
    """Return the ``source`` of a tenant's change notifications."""
    return f"//throughline/{tenant}/contexts"


def overdue_source(tenant: str) -> str:
    """Return the ``source`` of a tenant's notices of overdue waits."""
    return f"//throughline/{tenant}/waits"


def change_id(customer: str, version: int, merged_into: str) -> str:
    """Return the ``id`` of a change notification. Relayed twice, it has the same: a version names one state."""
    return f"{customer}/{version}/{merged_into}" if merged_into else f"{customer}/{version}"


def headers_of(record: Record) -> Headers:
    """Return the headers with which a record is written: its own, else those of its topic, and its trace."""
    topic, _, value, traceparent, own = record
    headers = own or _OF_TOPIC.get(topic) or topic_headers(topic, value)
    return _traced(headers, traceparent) if traceparent else headers


def encode_own(headers: Headers) -> str | None:
    """Return headers that a record has instead of its topic's as text for a file; None where it has no such."""
    if not headers:
        return None
    return msgspec.json.encode([(name, value.decode("latin-1")) for name, value in headers]).decode()


def stored_headers(topic: str, value: bytes, traceparent: str, own: str | None) -> Headers:
    """Return the headers of a record in a file. Those of its topic follow from it and are not kept, so that a file of
    before there were any tells them, too. ``own``: what ``encode_own`` made."""
    found = [(name, text.encode("latin-1")) for name, text in _decode_own(own)] if own else topic_headers(topic, value)
    return _traced(found, traceparent)


def _traced(headers: Headers, traceparent: str) -> Headers:
    return [*headers, (TRACEPARENT, traceparent.encode())] if traceparent else headers


def topic_headers(topic: str, value: bytes) -> Headers:
    """Return the headers that each record of a topic has. None for a topic that is not the product's, and for a change
    notification that can't be read."""
    return _change_headers(value) if topic == CONTEXT_CHANGES else _OF_TOPIC.get(topic, _NONE)


def copied_headers(record: LogRecord) -> Headers:
    """Return the headers of a copy on another topic: those of a record as it is written today, also where the record is
    older than them, without its trace."""
    return topic_headers(record.topic, record.value) or [each for each in record.headers if each[0] != TRACEPARENT]


def _change_headers(value: bytes) -> Headers:
    try:
        change = _decode_change(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _NONE
    of_tenant = _tenant_headers(change.tenant)
    if change.overdue is None:
        id = change_id(change.customer, change.version, change.merged_into)
        source, type = of_tenant.change_source, _CHANGE
    else:
        id, source, type = change.overdue.id, of_tenant.overdue_source, _OVERDUE
    subject = ("ce_subject", change.customer.encode())
    return [*_JSON, _SPECVERSION, ("ce_id", id.encode()), source, type, subject, of_tenant.id]


_Header = tuple[str, bytes]
_SPECVERSION: _Header = ("ce_specversion", b"1.0")
_CHANGE: _Header = ("ce_type", CHANGE_TYPE.encode())
_OVERDUE: _Header = ("ce_type", OVERDUE_TYPE.encode())


class _TenantHeaders(NamedTuple):
    """The headers that all notices of a tenant have."""

    id: _Header
    change_source: _Header
    overdue_source: _Header


@lru_cache(1024)
def _tenant_headers(tenant: str) -> _TenantHeaders:
    return _TenantHeaders(
        ("ce_tenantid", tenant.encode()),
        ("ce_source", change_source(tenant).encode()),
        ("ce_source", overdue_source(tenant).encode()),
    )
