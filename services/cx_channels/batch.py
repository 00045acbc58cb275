"""Collect what one request stores: contents of the blob store first, then all records of the log in one append."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from cx_channels.dead_letters import MappingFailure, dead_letter_of
from cx_channels.provider import Connection, Request
from cx_events.blob import blob_name
from cx_events.dead_letters import encode_dead_letter
from cx_events.envelope import Draft
from cx_events.facts import connection_source
from cx_events.ids import IdSpace
from cx_events.log import DEAD_LETTERS, INTERACTIONS, Record
from cx_events.stamp import StampedEvent
from cx_events.timestamps import Micros, format_time

LARGE = 256 << 10
"""Bytes above which an original lies in the blob store; the log then holds its name."""


@dataclass(slots=True)
class Batch:
    """The blobs by name, and the records, of one request."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)

    def add_blob(self, content: bytes) -> str:
        """Add a content and return its name."""
        name = blob_name(content)
        self.blobs[name] = content
        return name

    def add_event(self, stamped: StampedEvent) -> None:
        """Add the record of an event."""
        self.records.append(Record(INTERACTIONS, stamped.key, stamped.raw))

    def add_dead_letters(
        self,
        failures: Iterable[MappingFailure],
        request: Request,
        connection: Connection,
        recorded: Micros,
        ids: IdSpace,
    ) -> None:
        """Add a dead letter for each failure; a large original becomes a blob."""
        source = connection_source(connection.tenant, connection.id)
        for failure in failures:
            blob = self.add_blob(failure.original) if len(failure.original) > LARGE else ""
            record = dead_letter_of(failure, request, connection, source, format_time(recorded), blob)
            key = ids.lone_event(source, record.id).hex().encode()
            self.records.append(Record(DEAD_LETTERS, key, encode_dead_letter(record)))


def separate_original(draft: Draft) -> tuple[Draft, bytes]:
    """Return the draft and its original. Where that is large, the draft returned refers to it by name."""
    raw = draft.data.raw
    original = b"" if raw is msgspec.UNSET else bytes(raw)
    if len(original) <= LARGE:
        return draft, original
    reference = msgspec.Raw(msgspec.json.encode({"blob": blob_name(original)}))
    return msgspec.structs.replace(draft, data=msgspec.structs.replace(draft.data, raw=reference)), original
