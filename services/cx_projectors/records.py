"""Records of the log into facts: pure, and done while the database works on the batch before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field
from hashlib import blake2b

import msgspec
from msgspec import Struct

from cx_context.fold import unusable
from cx_context.fold_faults import NOT_FOLDED, fault_of, told
from cx_context.parts.event_kinds import makes_part
from cx_context.store.dead_letters import LetterKey
from cx_context.store.events import EventRow
from cx_events.codec import decode_leniently, decode_read_only, same_content
from cx_events.dead_letters import (
    FOLD,
    NOT_APPLIED,
    UNFOLDABLE,
    DeadLetter,
    decode_dead_letter,
    encode_original,
)
from cx_events.envelope import Event
from cx_events.errors import Refused
from cx_events.facts import Fact
from cx_events.ids import IdSpace, NodeId
from cx_events.log import DEAD_LETTERS, INTERACTIONS, LogRecord, Partition
from cx_events.timestamps import format_time
from cx_identity.decisions import decision_of

TOPICS = (INTERACTIONS, DEAD_LETTERS)
"""What a projector reads: what happened, and what no adapter could use."""


class ClassifiedEvent(Struct, gc=False):
    """A fact to be applied. ``stream``: where it is stored; ``problem``: what of it no fold can use; ``record``: what
    it was read from; ``place``: where it lies on the log, if not there. ``left_out``: it is stored and nothing is made
    of it; the reason, one of ``dead_letters.LEFT_OUT``."""

    fact: Fact
    stream_id: NodeId
    problem: str | None = None
    record: LogRecord | None = None
    place: str = ""
    left_out: str | None = None

    def mark(self, ids: IdSpace, not_applied: str | None = None) -> None:
        """Note whether anything is made of the event. ``not_applied``: the problem under which it was set aside."""
        fault = fault_of(self.fact, ids)
        if fault is not None:
            self.leave_out(UNFOLDABLE, fault, ids)
        elif not_applied is not None:
            self.leave_out(NOT_APPLIED, not_applied, ids)

    def leave_out(self, reason: str, problem: str, ids: IdSpace) -> None:
        """What is stored at the tenant's own node is in nobody's history, as decisions are."""
        self.left_out = reason
        self.problem = _plain(problem, MOST_DETAIL)
        self.stream_id = ids.tenant_node()


@dataclass(slots=True)
class Batch:
    """What some records say.

    ``facts``: by event key, of several copies the one that counts; ``copies``: those whose content differs;
    ``undecodable``: dead letters of records that are no events, and those that others wrote; ``settled``: what is none
    any more, each with how many of ``undecodable`` came before; ``offsets``: where to go on; ``latest``: ms since
    1970, when the log took the last record.
    """

    facts: dict[bytes, ClassifiedEvent] = field(default_factory=dict)
    copies: list[tuple[bytes, str, int, bytes]] = field(default_factory=list)
    undecodable: list[DeadLetter] = field(default_factory=list)
    settled: dict[LetterKey, int] = field(default_factory=dict)
    offsets: dict[Partition, int] = field(default_factory=dict)
    records: list[LogRecord] = field(default_factory=list)
    latest: int = 0

    @property
    def letters(self) -> list[DeadLetter]:
        """All dead letters that the batch leaves if its events are new."""
        return self.unsettled + self.problems_of(self.facts)

    @property
    def unsettled(self) -> list[DeadLetter]:
        """Of ``undecodable`` those that nobody settled later."""
        if not self.settled:
            return list(self.undecodable)
        return [each for at, each in enumerate(self.undecodable) if at >= self.settled.get(key_of_letter(each), 0)]

    def problems_of(self, keys: Iterable[bytes]) -> list[DeadLetter]:
        """The dead letters of those of these events that have a problem."""
        found = (self.facts[key] for key in keys)
        return [letter_of_problem(incoming) for incoming in found if incoming.problem is not None]

    def rows(self) -> list[EventRow]:
        """The facts as they are stored, in order of their keys."""
        return [row_of(self.facts[key]) for key in sorted(self.facts)]

    def by_tenant(self, new: Set[bytes]) -> dict[str, list[Fact]]:
        """The facts whose keys are new and of which something is made, tenants in order."""
        found: dict[str, list[Fact]] = {}
        for key, incoming in self.facts.items():
            if key in new and incoming.left_out is None:
                fact = incoming.fact
                tenant = fact.event.tenantid
                if tenant in found:
                    found[tenant].append(fact)
                else:
                    found[tenant] = [fact]
        return dict(sorted(found.items()))

    def leave_out_unfoldable(self, ids_of: IdsOf) -> None:
        """Mark the events that can't be folded. Costs more than folding all: done where a batch failed."""
        for incoming in self.facts.values():
            ids = ids_of(incoming.fact.event.tenantid)
            assert ids is not None
            incoming.mark(ids)

    def leave_out_all(self, why: BaseException, ids_of: IdsOf) -> None:
        """Mark every event as one that could not be applied."""
        for incoming in self.facts.values():
            ids = ids_of(incoming.fact.event.tenantid)
            assert ids is not None
            if incoming.left_out is None:
                incoming.leave_out(NOT_APPLIED, NOT_FOLDED + told(why), ids)


def row_of(incoming: ClassifiedEvent) -> EventRow:
    """The row of ``events``."""
    fact = incoming.fact
    return (
        fact.key,
        fact.event.tenantid,
        incoming.stream_id,
        fact.part_id,
        fact.effective,
        fact.recorded,
        incoming.problem,
        fact.raw,
    )


IdsOf = Callable[[str], IdSpace | None]
"""The ids of a tenant, or None for one that is not configured."""


def read_batch(records: Iterable[LogRecord], ids_of: IdsOf) -> Batch:
    """Total: a record that is no event becomes a dead letter, one that no fold can use is stored and marked."""
    batch = Batch()
    read_into(batch, records, ids_of)
    return batch


def read_into(batch: Batch, records: Iterable[LogRecord], ids_of: IdsOf) -> None:
    """Some more records, later than those before."""
    offsets: dict[tuple[str, int], int] = {}
    for record in records:
        batch.records.append(record)
        offsets[record.topic, record.partition] = record.offset + 1
        batch.latest = max(batch.latest, record.timestamp)
        if record.topic == DEAD_LETTERS:
            _read_dead_letter(batch, record)
        else:
            _read_event(batch, record, ids_of)
    for (topic, number), position in offsets.items():
        batch.offsets[Partition(topic, number)] = position


def _read_dead_letter(batch: Batch, record: LogRecord) -> None:
    try:
        letter = storable(decode_dead_letter(record.value))
        if letter.settled:
            batch.settled[key_of_letter(letter)] = len(batch.undecodable)
        else:
            batch.undecodable.append(letter)
    except RecursionError as error:
        batch.undecodable.append(letter_of_record(record, Refused("undecodable", str(error))))
    except Refused as error:
        batch.undecodable.append(letter_of_record(record, error))


def _read_event(batch: Batch, record: LogRecord, ids_of: IdsOf) -> None:
    try:
        incoming = read_event(record.value, ids_of)
    except Refused as error:
        batch.undecodable.append(letter_of_record(record, error))
        return
    fact = incoming.fact
    if record.key != fact.event.partitionkey.encode():
        # A part has one writer, the owner of its stream's partition: an event of another partition would make two.
        batch.undecodable.append(
            letter_of_record(record, Refused("wrong-key", "the record's key is not its partitionkey"))
        )
        return
    incoming.record = record
    if fact.key in batch.facts:
        add(batch, incoming)
    else:
        batch.facts[fact.key] = incoming


def read_event(raw: bytes, ids_of: IdsOf) -> ClassifiedEvent:
    """The fact in some bytes. ``Refused`` if the envelope is broken or its tenant unknown."""
    event, problem = _event_of(raw)
    ids = ids_of(event.tenantid)
    if ids is None:
        raise Refused("unknown-tenant", f"there is no tenant {event.tenantid[:64]!r}")
    try:
        fact = Fact(event, raw, ids)
    except (ValueError, RecursionError) as error:
        raise Refused("undecodable", f"partitionkey, sequence or data: {error}") from None
    if makes_part(event.type):
        return ClassifiedEvent(fact, fact.stream_id, problem)
    incoming = ClassifiedEvent(fact, ids.tenant_node(), problem)
    try:
        decision_of(fact, ids)
    except Refused as error:
        incoming.problem = _plain(error.detail, MOST_DETAIL)
    except Exception as error:
        incoming.leave_out(UNFOLDABLE, NOT_FOLDED + told(error), ids)
    return incoming


def _event_of(raw: bytes) -> tuple[Event, str | None]:
    """The event, and what of its data no fold can use."""
    try:
        event = decode_read_only(raw)
    except Refused as error:
        event, problems = decode_leniently(raw)
        told_of = event.type.startswith("cx.")
        return event, _plain("; ".join(problems) or error.detail, MOST_DETAIL) if told_of else None
    return event, (unusable(event.data) or None) if event.type.startswith("cx.") else None


def add(batch: Batch, incoming: ClassifiedEvent) -> None:
    """Of several copies of one event the least counts; others with other content are kept beside it."""
    fact = incoming.fact
    other = batch.facts.get(fact.key)
    if other is None:
        batch.facts[fact.key] = incoming
        return
    if other.fact.raw == fact.raw:
        return
    if fact.copy_order < other.fact.copy_order:
        batch.facts[fact.key] = incoming
    if not same_content(fact.raw, other.fact.raw):
        batch.copies += [copy_row(fact), copy_row(other.fact)]


def copy_row(fact: Fact) -> tuple[bytes, str, int, bytes]:
    return (fact.key, fact.event.tenantid, fact.recorded, fact.raw)


def letter_of_problem(incoming: ClassifiedEvent) -> DeadLetter:
    """The notice of an event that is stored, but of which some matter, or all, can't be used."""
    event = incoming.fact.event
    place = incoming.place or (place_of(incoming.record) if incoming.record is not None else "")
    return storable(
        DeadLetter(
            tenant=event.tenantid,
            source=event.source,
            id=event.id,
            stage=FOLD,
            reason=incoming.left_out or "unusable-data",
            detail=incoming.problem or "",
            recorded=event.recordedtime,
            original=encode_original(incoming.fact.raw),
            place=place,
            content_type="application/cloudevents+json",
        )
    )


MOST_DETAIL = 1000
MOST_NAME_BYTES = 512


def storable(letter: DeadLetter) -> DeadLetter:
    """The dead letter with names that fit an index (a row of PostgreSQL's B-trees has 2704 bytes at most) and texts
    that a column takes. A name that is too long is cut and told from its like by a hash of the whole."""
    names = {name: _name(getattr(letter, name)) for name in ("tenant", "source", "id", "stage", "reason", "recorded")}
    return msgspec.structs.replace(letter, **names, detail=_plain(letter.detail, MOST_DETAIL))


def letter_key(tenant: str, source: str, id: str, stage: str) -> LetterKey:
    """What the dead letter of something with these names is stored by."""
    return (_name(tenant), _name(source), _name(id), _name(stage))


def key_of_letter(letter: DeadLetter) -> LetterKey:
    """What a dead letter is stored by."""
    return letter_key(letter.tenant, letter.source, letter.id, letter.stage)


def _name(text: str) -> str:
    whole = text.encode()
    if len(whole) > MOST_NAME_BYTES:
        digest = blake2b(whole, digest_size=16).hexdigest()
        text = f"{whole[: MOST_NAME_BYTES - len(digest) - 1].decode(errors='ignore')}~{digest}"
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _plain(text: str, most: int) -> str:
    return text[:most].replace("\0", "\N{REPLACEMENT CHARACTER}")


def place_of(record: LogRecord) -> str:
    return f"{record.topic}/{record.partition}/{record.offset}"


def digest_of(raw: bytes) -> str:
    """Return the id of the dead letter of a record that is no event."""
    return blake2b(raw, digest_size=16).hexdigest()


def letter_of_record(record: LogRecord, error: Refused) -> DeadLetter:
    try:
        recorded = format_time(record.timestamp * 1000)
    except Refused:  # Kafka takes whatever time a producer claims
        recorded = format_time(0)
    return DeadLetter(
        tenant="",
        source=record.topic,
        id=digest_of(record.value),
        stage="decode",
        reason=error.reason,
        detail=_plain(error.detail, MOST_DETAIL),
        recorded=recorded,
        original=encode_original(record.value),
        place=place_of(record),
    )


def lag(offsets: Mapping[Partition, int], ends: Mapping[Partition, int]) -> dict[Partition, int]:
    """How many records each partition has that are not applied."""
    return {partition: max(end - offsets.get(partition, 0), 0) for partition, end in ends.items()}
