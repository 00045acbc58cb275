"""Records of the log into facts: pure, and done while the database works on the batch before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field
from hashlib import blake2b

import msgspec
from msgspec import Struct

from cx_context.fold import makes_part, unusable
from cx_context.store.writer import EventRow
from cx_events.codec import decode_leniently, decode_to_read, same_content
from cx_events.dead_letters import DeadLetter, decode_dead_letter, original_of
from cx_events.envelope import Event
from cx_events.errors import Refused
from cx_events.facts import Fact
from cx_events.ids import IdSpace, NodeId
from cx_events.log import DEAD_LETTERS, LogRecord, Partition
from cx_events.timestamps import format_time
from cx_identity.facts import decision_of


class Incoming(Struct, gc=False):
    """A fact to be applied. ``home``: where it is stored; ``problem``: what of it no fold can use."""

    fact: Fact
    home: NodeId
    problem: str | None = None


@dataclass(slots=True)
class Batch:
    """What some records say.

    ``facts``: by event key, of several copies the one that counts; ``copies``: those whose content
    differs; ``positions``: where to go on; ``latest``: ms since 1970, when the log took the last record.
    """

    facts: dict[bytes, Incoming] = field(default_factory=dict)
    copies: list[tuple[bytes, str, int, bytes]] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    positions: dict[Partition, int] = field(default_factory=dict)
    records: int = 0
    latest: int = 0

    def rows(self) -> list[EventRow]:
        """The facts as they are stored, in order of their keys."""
        found: list[EventRow] = []
        for key in sorted(self.facts):
            incoming = self.facts[key]
            fact = incoming.fact
            found.append(
                (
                    key,
                    fact.event.tenantid,
                    incoming.home,
                    fact.anchor,
                    fact.effective,
                    fact.recorded,
                    incoming.problem,
                    fact.raw,
                )
            )
        return found

    def by_tenant(self, new: Set[bytes]) -> dict[str, list[Fact]]:
        """The facts whose keys are new, tenants in order."""
        found: dict[str, list[Fact]] = {}
        for key, incoming in self.facts.items():
            if key in new:
                fact = incoming.fact
                tenant = fact.event.tenantid
                if tenant in found:
                    found[tenant].append(fact)
                else:
                    found[tenant] = [fact]
        return dict(sorted(found.items()))


IdsOf = Callable[[str], IdSpace | None]
"""The ids of a tenant, or None for one that is not configured."""


def read_batch(records: Iterable[LogRecord], ids_of: IdsOf) -> Batch:
    """Total: a record that is no event becomes a dead letter, one that no fold can use is stored and marked."""
    batch = Batch()
    read_into(batch, records, ids_of)
    return batch


def read_into(batch: Batch, records: Iterable[LogRecord], ids_of: IdsOf) -> None:
    """Some more records, later than those before."""
    positions: dict[tuple[str, int], int] = {}
    for record in records:
        batch.records += 1
        positions[record.topic, record.partition] = record.offset + 1
        batch.latest = max(batch.latest, record.timestamp)
        if record.topic == DEAD_LETTERS:
            _read_dead_letter(batch, record)
        else:
            _read_event(batch, record, ids_of)
    for (topic, number), position in positions.items():
        batch.positions[Partition(topic, number)] = position


def _read_dead_letter(batch: Batch, record: LogRecord) -> None:
    try:
        batch.letters.append(storable(decode_dead_letter(record.value)))
    except RecursionError as error:
        batch.letters.append(_letter_of_record(record, Refused("undecodable", str(error))))
    except Refused as error:
        batch.letters.append(_letter_of_record(record, error))


def _read_event(batch: Batch, record: LogRecord, ids_of: IdsOf) -> None:
    try:
        incoming = incoming_of(record.value, ids_of)
    except Refused as error:
        batch.letters.append(_letter_of_record(record, error))
        return
    fact = incoming.fact
    if record.key != fact.event.partitionkey.encode():
        # A part has one writer, the owner of its home's partition: an event of another partition would make two.
        batch.letters.append(
            _letter_of_record(record, Refused("wrong-key", "the record's key is not its partitionkey"))
        )
        return
    if incoming.problem is not None:
        batch.letters.append(letter_of_problem(fact, incoming.problem, _place(record)))
    if fact.key in batch.facts:
        add(batch, incoming)
    else:
        batch.facts[fact.key] = incoming


def incoming_of(raw: bytes, ids_of: IdsOf) -> Incoming:
    """The fact in some bytes. ``Refused`` if the envelope is broken or its tenant unknown."""
    problem = None
    try:
        event = decode_to_read(raw)
        if event.type.startswith("cx."):
            problem = unusable(event.data) or None
    except Refused as error:
        event, problems = decode_leniently(raw)
        if event.type.startswith("cx."):
            problem = _plain("; ".join(problems) or error.detail, MOST_DETAIL)
    ids = ids_of(event.tenantid)
    if ids is None:
        raise Refused("unknown-tenant", f"there is no tenant {event.tenantid[:64]!r}")
    try:
        fact = Fact(event, raw, ids)
    except ValueError as error:
        raise Refused("undecodable", f"partitionkey or sequence: {error}") from None
    if makes_part(event.type):
        return Incoming(fact, fact.home, problem)
    try:
        decision_of(fact, ids)
    except Refused as error:
        problem = _plain(error.detail, MOST_DETAIL)
    return Incoming(fact, ids.tenant_node(), problem)


def add(batch: Batch, incoming: Incoming) -> None:
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
    if not _same_content(fact.raw, other.fact.raw):
        batch.copies += [copy_row(fact), copy_row(other.fact)]


def _same_content(one: bytes, other: bytes) -> bool:
    """What a provider sent may hold numbers that no reader takes; then nobody can tell, and both copies are kept."""
    try:
        return same_content(one, other)
    except msgspec.MsgspecError:
        return False


def copy_row(fact: Fact) -> tuple[bytes, str, int, bytes]:
    return (fact.key, fact.event.tenantid, fact.recorded, fact.raw)


def letter_of_problem(fact: Fact, problem: str, place: str) -> DeadLetter:
    """The notice of an event that is stored and counted, but whose matter no fold can use."""
    event: Event = fact.event
    return storable(
        DeadLetter(
            tenant=event.tenantid,
            source=event.source,
            id=event.id,
            stage="fold",
            reason="unusable-data",
            detail=problem,
            recorded=event.recordedtime,
            original=original_of(fact.raw),
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


def _name(text: str) -> str:
    whole = text.encode()
    if len(whole) > MOST_NAME_BYTES:
        digest = blake2b(whole, digest_size=16).hexdigest()
        text = f"{whole[: MOST_NAME_BYTES - len(digest) - 1].decode(errors='ignore')}~{digest}"
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _plain(text: str, most: int) -> str:
    return text[:most].replace("\0", "\N{REPLACEMENT CHARACTER}")


def _place(record: LogRecord) -> str:
    return f"{record.topic}/{record.partition}/{record.offset}"


def _letter_of_record(record: LogRecord, error: Refused) -> DeadLetter:
    try:
        recorded = format_time(record.timestamp * 1000)
    except Refused:  # Kafka takes whatever time a producer claims
        recorded = format_time(0)
    return DeadLetter(
        tenant="",
        source=record.topic,
        id=blake2b(record.value, digest_size=16).hexdigest(),
        stage="decode",
        reason=error.reason,
        detail=_plain(error.detail, MOST_DETAIL),
        recorded=recorded,
        original=original_of(record.value),
        place=_place(record),
    )


def lag(positions: Mapping[Partition, int], ends: Mapping[Partition, int]) -> dict[Partition, int]:
    """How many records each partition has that are not applied."""
    return {partition: max(end - positions.get(partition, 0), 0) for partition, end in ends.items()}
