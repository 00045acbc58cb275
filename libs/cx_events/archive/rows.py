"""Make a row of columns for analysts of a record of the log. Pure.

Key and value are there as they lie on the log; all other columns only repeat what they say, and are null where they say
nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from cx_events.errors import Refused
from cx_events.log.port import LogRecord
from cx_events.timestamps import Micros, parse_time

_CONNECTION = "connection/"


class Row(NamedTuple):
    """Times in microseconds since 1970. ``logged_at``: when the log took the record, in whole milliseconds.
    ``stream``: the event's ``partitionkey``, 32 hex digits. ``connection``: by which it came in, out of ``writer``."""

    topic: str
    partition: int
    offset: int
    logged_at: Micros
    id: str | None
    source: str | None
    type: str | None
    time: Micros | None
    recorded_at: Micros | None
    tenant: str | None
    subject: str | None
    stream: str | None
    writer: str | None
    connection: str | None
    channel: str | None
    interaction: str | None
    replay_id: str
    key: bytes
    value: bytes


class _Content(Struct):
    """The members of an event, a dead letter or a change notification that have columns."""

    id: str = ""
    source: str = ""
    type: str = ""
    time: str = ""
    recordedtime: str = ""
    recorded: str = ""
    tenantid: str = ""
    tenant: str = ""
    subject: str = ""
    customer: str = ""
    partitionkey: str = ""
    writer: str = ""
    data: Raw | UnsetType = UNSET


class _Data(Struct):
    channel: str = ""
    interaction: str = ""


_decode_content = msgspec.json.Decoder(_Content).decode
_decode_data = msgspec.json.Decoder(_Data).decode
_BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def row_of(record: LogRecord, replay: str) -> Row:
    """Return the row of a record. ``replay``: the id of the replay that makes it."""
    content, data = _content(record.value), _Data()
    if isinstance(content.data, Raw):
        data = _data(content.data)
    writer = content.writer
    return Row(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        logged_at=record.timestamp * 1000,
        id=content.id or None,
        source=content.source or None,
        type=content.type or None,
        time=_time(content.time),
        recorded_at=_time(content.recordedtime or content.recorded),
        tenant=content.tenantid or content.tenant or None,
        subject=content.subject or content.customer or None,
        stream=content.partitionkey or None,
        writer=writer or None,
        connection=writer.removeprefix(_CONNECTION) if writer.startswith(_CONNECTION) else None,
        channel=data.channel or None,
        interaction=data.interaction or None,
        replay_id=replay,
        key=record.key,
        value=record.value,
    )


def _content(value: bytes) -> _Content:
    try:
        return _decode_content(value)
    except _BROKEN:
        return _Content()


def _data(value: Raw) -> _Data:
    try:
        return _decode_data(value)
    except _BROKEN:
        return _Data()


def _time(text: str) -> Micros | None:
    try:
        return parse_time(text) if text else None
    except Refused:
        return None
