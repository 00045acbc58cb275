"""Pick records of the log by what they say. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from cx_events.facts import connection_source
from cx_events.filters import Filter
from cx_events.log import DEAD_LETTERS, INTERACTIONS
from cx_events.stamp import connection_writer
from cx_ops.log_browsing.records import BrowsedRecord, key_text

RecordTest = Callable[[BrowsedRecord], bool]


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Conditions that a record must meet, all of them; empty ones count as met.

    ``type``: the beginning of an event's type, or a pattern with ``*``. ``text``: any text of the value contains it,
    whatever the case. ``key``: the record's key as it is shown. ``connection``: by which it came. ``source``, ``id``:
    of the event, or of what lies in the dead letters. ``where``: a filter of the topic.
    """

    tenant: str = ""
    key: str = ""
    type: str = ""
    interaction: str = ""
    connection: str = ""
    source: str = ""
    id: str = ""
    text: str = ""
    stage: str = ""
    reason: str = ""
    where: Filter | None = None

    @property
    def reads_content(self) -> bool:
        """Return whether anything but the key and the tenant is asked for."""
        return self.where is not None or any(
            (self.type, self.interaction, self.connection, self.source, self.id, self.text, self.stage, self.reason)
        )

    def matches(self, record: BrowsedRecord) -> bool:
        """Return whether a record meets all conditions. Raises ``Refused("filter-too-costly")``."""
        return (
            (not self.tenant or record.tenant == self.tenant)
            and (not self.key or key_text(record.record.key) == self.key)
            and self._names_match(record)
            and (not self.type or _type_matches(record.text("type"), self.type))
            and (not self.interaction or record.data.get("interaction") == self.interaction)
            and (not self.connection or came_by(record, self.connection))
            and (not self.text or self.text.casefold() in record.words)
            and (self.where is None or self.where.matches(record.record))
        )

    def _names_match(self, record: BrowsedRecord) -> bool:
        asked = (("source", self.source), ("id", self.id), ("stage", self.stage), ("reason", self.reason))
        return all(not value or record.text(name) == value for name, value in asked)


def _type_matches(type: str, asked: str) -> bool:
    return fnmatchcase(type, asked) if "*" in asked else type.startswith(asked)


def came_by(record: BrowsedRecord, connection: str) -> bool:
    """Return whether an event, or what became a dead letter, came by this connection."""
    if record.record.topic == DEAD_LETTERS:
        return record.text("connection") == connection
    if record.record.topic != INTERACTIONS:
        return False
    source = connection_source(record.tenant, connection)
    return record.text("writer") == connection_writer(connection) or record.text("source") == source
