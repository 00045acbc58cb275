"""Hold what a log says: every event and each of its copies, and what is no event. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cx_context.store.dead_letters import LetterKey
from cx_events.codec import decode_leniently
from cx_events.dead_letters import DeadLetter
from cx_events.errors import Refused
from cx_events.facts import key_of
from cx_events.log import INTERACTIONS, LogRecord
from cx_projectors.classify import ClassifiedEvent, read_event
from cx_projectors.dead_letters import key_of_letter
from cx_projectors.records import read_batch
from cx_projectors.tenancy import Tenancy, ids_of

UNKNOWN_TENANT = "unknown-tenant"


@dataclass(slots=True)
class UnknownTenantEvent:
    """An event of a tenant that is not configured. ``key``: the event's key."""

    tenant: str
    key: bytes


@dataclass(slots=True)
class EventCopies:
    """Events of a log. ``counting``: by event key, the copy of each that counts. ``others``: those that differ from it
    by a byte."""

    counting: dict[bytes, ClassifiedEvent] = field(default_factory=dict)
    others: dict[bytes, list[ClassifiedEvent]] = field(default_factory=dict)

    def add(self, event: ClassifiedEvent) -> None:
        """Add one more copy of an event."""
        key = event.fact.key
        known = self.counting.get(key)
        if known is None:
            self.counting[key] = event
            return
        others = self.others.get(key, [])
        if any(event.fact.raw == other.fact.raw for other in (known, *others)):
            return
        if event.fact.copy_order < known.fact.copy_order:
            self.counting[key], event = event, known
        self.others.setdefault(key, []).append(event)

    @property
    def all_copies(self) -> list[ClassifiedEvent]:
        """Return every copy of every event."""
        return [*self.counting.values(), *(other for others in self.others.values() for other in others)]

    def forget(self, key: bytes) -> None:
        """Forget an event that was not applied."""
        self.counting.pop(key, None)
        self.others.pop(key, None)


@dataclass(slots=True)
class OtherRecords:
    """Records that are no events of a known tenant, in order. ``letters``: dead letters by key, those of such records
    included; of several with one key the one that was applied first stands. ``discards``: of dead letters, by key.
    ``of_unknown_tenants``: by the key of their dead letters."""

    letters: dict[LetterKey, list[DeadLetter]] = field(default_factory=dict)
    discards: dict[LetterKey, list[DeadLetter]] = field(default_factory=dict)
    of_unknown_tenants: dict[LetterKey, UnknownTenantEvent] = field(default_factory=dict)

    def add(self, record: LogRecord, tenants: Mapping[str, Tenancy]) -> None:
        """Add one more record, read as a projector does."""
        batch = read_batch([record], ids_of(tenants))
        for key in batch.settled:
            self.letters.pop(key, None)
        for discard in batch.discarded:
            self.discards.setdefault(key_of_letter(discard), []).append(discard)
        for letter in batch.unsettled:
            key = key_of_letter(letter)
            self.letters.setdefault(key, []).append(letter)
            if letter.reason == UNKNOWN_TENANT and record.topic == INTERACTIONS:
                event, _ = decode_leniently(record.value)
                event_id = key_of(event)
                self.of_unknown_tenants[key] = UnknownTenantEvent(event.tenantid, event_id)

    @property
    def unknown_tenants(self) -> set[str]:
        """Return the tenants that are not configured and that the log has events of."""
        return {event.tenant for event in self.of_unknown_tenants.values()}


def event_in(record: LogRecord, tenants: Mapping[str, Tenancy]) -> ClassifiedEvent | None:
    """Return the event in a record; None where a projector finds none."""
    if record.topic != INTERACTIONS:
        return None
    try:
        event = read_event(record.value, ids_of(tenants), record)
    except Refused:
        return None
    return event if record.key == event.fact.event.partitionkey.encode() else None
