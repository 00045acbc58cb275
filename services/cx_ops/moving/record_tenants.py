"""Tell whose a record of the log is, and which blobs it names. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from cx_events.blob.references import BlobReference, blobs_of_dead_letter, blobs_of_event
from cx_events.log import INTERACTIONS, LogRecord


class _Event(Struct):
    tenantid: str = ""


_decode = msgspec.json.Decoder(_Event).decode


def tenant_of_record(record: LogRecord) -> str:
    """Return the tenant that an event names, empty for any other record."""
    if record.topic != INTERACTIONS:
        return ""
    try:
        return _decode(record.value).tenantid
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""


def blobs_of(records: Iterable[LogRecord]) -> list[BlobReference]:
    """Return the blobs that records name, each once."""
    found: dict[BlobReference, None] = {}
    for record in records:
        read = blobs_of_event if record.topic == INTERACTIONS else blobs_of_dead_letter
        found |= dict.fromkeys(read(record.value))
    return list(found)
