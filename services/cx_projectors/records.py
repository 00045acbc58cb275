"""Read log records into a batch: classified events, dead letters, and the offsets to go on at. Pure.

Done while the database works on the batch before.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field

from cx_context.fold_faults import NOT_FOLDED, told
from cx_context.store.dead_letters import LetterKey
from cx_context.store.events import EventRow
from cx_events.codec import same_content
from cx_events.dead_letters import NOT_APPLIED, DeadLetter, decode_dead_letter
from cx_events.errors import Refused
from cx_events.facts import Fact
from cx_events.ids import IdSpace
from cx_events.log import DEAD_LETTERS, INTERACTIONS, LogRecord, Partition, ends_of
from cx_projectors.classify import ClassifiedEvent, IdsOf, read_event
from cx_projectors.dead_letters import key_of_letter, letter_of_problem, letter_of_record, place_of, storable

MAX_BATCH_BYTES = 16 << 20
"""Values of the records in one batch; a batch may hold one record more."""

TOPICS = (INTERACTIONS, DEAD_LETTERS)
"""The topics that a projector reads: events, and what no adapter could use."""

CopyRow = tuple[bytes, str, int, bytes]
"""(event key, tenant, recorded, raw) of one copy of an event."""


@dataclass(slots=True)
class Batch:
    """Some log records, read.

    ``events``: by event key, of several copies the one that counts.
    ``copies``: copies of an event whose content differs, both of them.
    ``names``: (key of source and id, event key) of the mails, whose event key is another one.
    ``undecodable``: dead letters of records that are no events, and dead letters that others wrote to the log.
    ``settled``: dead letters that were taken back, each with the length of ``undecodable`` at that point.
    ``discarded``: dead letters that somebody discarded.
    ``offsets``: where each partition goes on.
    ``latest``: when the log took its newest record, ms since 1970.
    """

    events: dict[bytes, ClassifiedEvent] = field(default_factory=dict)
    copies: list[CopyRow] = field(default_factory=list)
    names: set[tuple[bytes, bytes]] = field(default_factory=set)
    undecodable: list[DeadLetter] = field(default_factory=list)
    settled: dict[LetterKey, int] = field(default_factory=dict)
    discarded: list[DeadLetter] = field(default_factory=list)
    offsets: dict[Partition, int] = field(default_factory=dict)
    records: list[LogRecord] = field(default_factory=list)
    latest: int = 0

    @property
    def letters(self) -> list[DeadLetter]:
        """Return every dead letter that the batch leaves if all its events are new."""
        return self.unsettled + self.problems_of(self.events)

    @property
    def unsettled(self) -> list[DeadLetter]:
        """Return those of ``undecodable`` that were not settled later."""
        if not self.settled:
            return list(self.undecodable)
        return [each for at, each in enumerate(self.undecodable) if at >= self.settled.get(key_of_letter(each), 0)]

    def problems_of(self, keys: Container[bytes]) -> list[DeadLetter]:
        """Return the dead letters of those of these events that have a problem."""
        problems = [(key, event) for key, event in self.events.items() if event.problem is not None]
        return [letter_of_event(event) for key, event in problems if key in keys]

    def rows(self) -> list[EventRow]:
        """Return the rows of ``events``, in order of their keys."""
        return [row_of(self.events[key]) for key in sorted(self.events)]

    def leave_out_unfoldable(self, ids_of: IdsOf) -> None:
        """Mark the events that can't be folded. It costs more than folding all of them, so it is done where a batch
        failed."""
        for key, event in self.events.items():
            self.events[key] = event.checked(_ids(event, ids_of))

    def leave_out_all(self, why: BaseException, ids_of: IdsOf) -> None:
        """Mark every event as one that could not be applied."""
        for key, event in self.events.items():
            if event.left_out is None:
                self.events[key] = event.left_out_for(NOT_APPLIED, NOT_FOLDED + told(why), _ids(event, ids_of))


def _ids(event: ClassifiedEvent, ids_of: IdsOf) -> IdSpace:
    ids = ids_of(event.fact.event.tenantid)
    assert ids is not None, "an event of a tenant that is not configured is not in a batch"
    return ids


def row_of(event: ClassifiedEvent) -> EventRow:
    """Return the row of ``events``."""
    fact = event.fact
    return (
        fact.key,
        fact.event.tenantid,
        event.stream_id,
        fact.part_id,
        fact.effective,
        fact.recorded,
        event.problem,
        fact.raw,
    )


def letter_of_event(event: ClassifiedEvent) -> DeadLetter:
    """Return the dead letter of an event that has a problem."""
    place = event.place or (place_of(event.record) if event.record is not None else "")
    return letter_of_problem(event.fact, event.left_out, event.problem, place)


def read_batch(records: Iterable[LogRecord], ids_of: IdsOf) -> Batch:
    """Read records. Raises nothing: a record that is no event becomes a dead letter, an event that can't be folded is
    left out."""
    batch = Batch()
    read_into(batch, records, ids_of)
    return batch


def read_into(batch: Batch, records: Iterable[LogRecord], ids_of: IdsOf) -> None:
    """Read some more records, later than those before."""
    records = list(records)
    batch.records += records
    for record in records:
        if record.topic == DEAD_LETTERS:
            _read_dead_letter(batch, record)
        else:
            _read_event(batch, record, ids_of)
    batch.offsets |= ends_of(records)
    batch.latest = max([batch.latest, *[record.timestamp for record in records]])


def _read_dead_letter(batch: Batch, record: LogRecord) -> None:
    try:
        letter = storable(decode_dead_letter(record.value))
        if letter.discarded:
            batch.discarded.append(letter)
        elif letter.settled:
            batch.settled[key_of_letter(letter)] = len(batch.undecodable)
        else:
            batch.undecodable.append(letter)
    except RecursionError as error:
        batch.undecodable.append(letter_of_record(record, Refused("undecodable", str(error))))
    except Refused as error:
        batch.undecodable.append(letter_of_record(record, error))


def _read_event(batch: Batch, record: LogRecord, ids_of: IdsOf) -> None:
    try:
        event = read_event(record.value, ids_of, record)
    except Refused as error:
        batch.undecodable.append(letter_of_record(record, error))
        return
    fact = event.fact
    if record.key != fact.event.partitionkey.encode():
        # A part has one writer, the owner of its stream's partition: an event of another partition would make two.
        wrong_key = Refused("wrong-key", "the record's key is not its partitionkey")
        batch.undecodable.append(letter_of_record(record, wrong_key))
        return
    if fact.name != fact.key:
        batch.names.add((fact.name, fact.key))
    if fact.key in batch.events:
        _add_copy(batch, event)
    else:
        batch.events[fact.key] = event


def _add_copy(batch: Batch, event: ClassifiedEvent) -> None:
    """Add a copy of an event: the least by ``Fact.copy_order`` counts, copies with other content are kept."""
    fact, other = event.fact, batch.events[event.fact.key].fact
    if other.raw == fact.raw:
        return
    if fact.copy_order < other.copy_order:
        batch.events[fact.key] = event
    batch.copies += differing_copies(fact, other)


def differing_copies(one: Fact, other: Fact) -> list[CopyRow]:
    """Return both copies of an event, to be kept, if their content differs; nothing if it does not."""
    return [] if same_content(one.raw, other.raw) else [copy_row(one), copy_row(other)]


def copy_row(fact: Fact) -> CopyRow:
    """Return the copy of an event as ``write_copies`` takes it."""
    return (fact.key, fact.event.tenantid, fact.recorded, fact.raw)


def lag(offsets: Mapping[Partition, int], ends: Mapping[Partition, int]) -> dict[Partition, int]:
    """Return the number of records of each partition that are not applied."""
    return {partition: max(end - offsets.get(partition, 0), 0) for partition, end in ends.items()}
