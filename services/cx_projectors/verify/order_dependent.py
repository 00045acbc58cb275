"""State what the tables must hold in which the order of arrival, the batches or the clock leave a trace. Pure."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Table

from cx_context.store import epochs, operations_tables, tables
from cx_context.store.dead_letters import letter_row
from cx_context.store.discarded_letters import discard_row
from cx_context.store.epochs import StoreEpoch
from cx_context.store.events import stored_copy_row
from cx_context.store.outbox import ID_BYTES, customers_in
from cx_context.store.versions import REFOLD_STRIPE
from cx_events.codec import same_content
from cx_events.dead_letters import DeadLetter
from cx_events.facts import Fact
from cx_events.ids import NodeId
from cx_events.log import INTERACTIONS, Partition
from cx_projectors.conflicts import letter_of as letter_of_conflict
from cx_projectors.epoch_announcements import faults_of
from cx_projectors.records import copy_row, letter_of_event
from cx_projectors.verify.comparison import Expectation, Key, Report, Row, by_key, shown
from cx_projectors.verify.expected import Expected, Whole
from cx_projectors.verify.log_contents import UNKNOWN_TENANT, EventCopies


def copies(of: Expected) -> Expectation:
    """Check the copies of events that say different things: one of each kind is kept besides the one that counts; which
    one of those that say the same depends on the order of arrival."""
    log = of.log
    allowed: dict[Key, Row] = {}
    kinds: dict[bytes, list[set[Key]]] = {}
    for key, others in log.others.items():
        copies = [log.counting[key].fact, *(other.fact for other in others)]
        rows = [stored_copy_row(*copy_row(copy)) for copy in copies]
        allowed |= by_key([0, 1], rows)
        kinds[key] = _kinds_apart(copies, [(row[0], row[1]) for row in rows])
    seen: set[Key] = set()

    def fault(row: Row) -> str | None:
        if allowed.get((row[0], row[1])) != row:
            return "the log has no such copy"
        seen.add((row[0], row[1]))
        return None

    def at_end(say: Report) -> None:
        for groups in kinds.values():
            for group in groups:
                if not group & seen:
                    say(f"copies {shown(min(group))}: the row is missing, and none that says the same is there")

    return Expectation(tables.COPIES, fault_of=fault, at_end=at_end)


def _kinds_apart(copies: list[Fact], keys: list[Key]) -> list[set[Key]]:
    """Return groups of copies with the same content, directly or by way of others, without the group of the first."""
    groups: list[list[int]] = []
    for at, copy in enumerate(copies):
        like = [group for group in groups if any(same_content(copies[other].raw, copy.raw) for other in group)]
        groups = [group for group in groups if group not in like] + [[at, *(each for group in like for each in group)]]
    return [{keys[at] for at in group} for group in groups if 0 not in group]


def versions(of: Expected) -> Expectation:
    """Check that every customer has a version; how high it is depends on how the events came in batches."""
    partitions = 1 + max((partition.number for partition in of.ends), default=0)
    raised: set[NodeId] = set()

    def fault(row: Row) -> str | None:
        customer, stripe, n = row
        raised.add(customer)
        if n < 1:
            return f"n is {n}, and a version only rises"
        if not REFOLD_STRIPE <= stripe < partitions:
            return f"there is no stripe {stripe}"
        return of.fault_of_id(customer)

    def at_end(say: Report) -> None:
        for one in of.tenants.values():
            for customer in sorted(one.whole.known.keys() - raised):
                say(f"versions {shown((customer,))}: the row is missing")

    return Expectation(tables.VERSIONS, fault_of=fault, at_end=at_end)


def store_epoch(of: Whole) -> Expectation:
    """Require the epoch that the log gave to this store, once anything was applied."""
    seen: list[Row] = []

    def fault(row: Row) -> str | None:
        one, store, epoch = row
        if one != epochs.ONLY:
            return "there is one row alone"
        seen.append(row)
        faults = faults_of(StoreEpoch(store, epoch), of.announced) if of.announced is not None else ()
        return next((fault.removeprefix("store_epoch: ") for fault in faults), None)

    def at_end(say: Report) -> None:
        if of.has_events and not seen:
            say(f"store_epoch {epochs.ONLY}: the row is missing")

    return Expectation(tables.STORE_EPOCH, fault_of=fault, at_end=at_end)


def partitions(of: Whole) -> Expectation:
    """Require a row of each of the log's partitions. The rest depends on the order of arrival and the clock."""
    seen: set[Partition] = set()

    def fault(row: Row) -> str | None:
        topic, number, position, epoch, _owner, leased_until, moved_at = row
        end = of.ends.get(Partition(topic, number))
        if end is None:
            return "the log has no such partition"
        seen.add(Partition(topic, number))
        if not 0 <= position <= end:
            return f"was applied up to {position}, but the log ends at {end}"
        if epoch < 0 or not leased_until >= 0 or not moved_at >= 0:
            return "epoch, leased_until or moved_at is negative"
        return None

    def at_end(say: Report) -> None:
        begun = {partition.topic for partition in seen} | ({INTERACTIONS} if of.has_events else set())
        for partition in sorted(of.ends.keys() - seen):
            if partition.topic in begun:
                say(f"partitions {shown(partition)}: the row is missing")

    return Expectation(tables.PARTITIONS, fault_of=fault, at_end=at_end)


def workers(of: Whole) -> Expectation:
    """Check the form alone: the rows depend on the clock, not on the facts."""
    return Expectation(tables.WORKERS, fault_of=lambda row: None if row[0] and row[1] >= 0 else "seen_until is no time")


def rebuilds(of: Whole) -> Expectation:
    """Check nothing: what operators asked for is no fact."""
    return Expectation(operations_tables.REBUILDS, fault_of=lambda row: None)


def fold_versions(of: Whole) -> Expectation:
    """Check the form alone: no event says which code applied it."""

    def fault(row: Row) -> str | None:
        return None if row[0] >= 0 and row[1] >= 0 else "version or since is below zero"

    return Expectation(operations_tables.FOLD_VERSIONS, fault_of=fault)


def id_keys(of: Whole) -> Expectation:
    """Check the form alone: every start holds them against the configuration."""
    return Expectation(
        operations_tables.ID_KEYS,
        fault_of=lambda row: None if row[0] and row[1] and row[2] >= 0 else "tenant or digest is empty",
    )


def lag_samples(of: Whole) -> Expectation:
    """Check the form alone: the rows depend on the clock, not on the facts."""
    return Expectation(
        operations_tables.LAG_SAMPLES,
        fault_of=lambda row: (
            None if row[0] > 0 and row[3] >= 0 and row[4] >= 0 else "a minute or an offset is negative"
        ),
    )


def worker_reports(of: Whole) -> Expectation:
    """Check nothing: what a worker said of itself is no fact."""
    return Expectation(operations_tables.WORKER_REPORTS, fault_of=lambda row: None)


def subscriptions(table: Table) -> Callable[[Whole], Expectation]:
    """Check nothing: what receivers took, and what operators asked for, is no fact."""
    return lambda of: Expectation(table, fault_of=lambda row: None)


def pollers(of: Whole) -> Expectation:
    """Check nothing: how far a vendor was asked is no fact."""
    return Expectation(operations_tables.POLLERS, fault_of=lambda row: None)


def short_lived(of: Whole) -> Expectation:
    """Check nothing: who is signed out or present is no fact."""
    return Expectation(operations_tables.SHORT_LIVED, fault_of=lambda row: None)


def outbox(of: Whole) -> Expectation:
    """Check what the relay has not taken yet; which customers a batch changed depends on the batches."""

    def fault(row: Row) -> str | None:
        _id, tenant, body, packed = row
        if tenant not in of.tenants:
            return None if tenant in of.unknown_tenants else "there is no such tenant"
        try:
            concerned = customers_in(bytes(packed))
        except ValueError as error:  # msgspec's are such, too
            return f"desks can't be read: {error}"
        customers = {bytes(body[at : at + ID_BYTES]) for at in range(0, len(body), ID_BYTES)}
        if not customers or len(body) % ID_BYTES or not concerned <= customers:
            return "body or desks do not name the customers of a batch"
        return next((fault for each in sorted(customers) if (fault := of.fault_of_id(each)) is not None), None)

    return Expectation(tables.OUTBOX, fault_of=fault)


def letters_of_events(log: EventCopies) -> list[DeadLetter]:
    """Return the dead letters that projectors derive: of events with a problem, and of events that have copies with
    other content."""
    letters = [letter_of_event(event) for event in log.counting.values() if event.problem is not None]
    for key, others in log.others.items():
        copies = ((other.fact.recorded, other.fact.raw) for other in others)
        conflict = letter_of_conflict(log.counting[key].fact.raw, copies)
        if conflict is not None:
            letters.append(conflict)
    return letters


def dead_letters(of: Whole) -> Expectation:
    """Require the dead letters on the log, and those that projectors derive. Of several with one key the one stands
    that was applied first."""
    letters = of.letters
    unknown = of.of_unknown_tenants
    may = {key: {letter_row(letter) for letter in found} for key, found in letters.items()}
    # Of a tenant that was configured when its event came there is none; the event is stored then.
    missing = {key for key in letters if not (key in unknown and unknown[key].key in of.stored)}

    def fault(row: Row) -> str | None:
        key = (row[0], row[1], row[2], row[3])
        missing.discard(key)
        if row[4] == UNKNOWN_TENANT and key not in may:
            return None  # the tenant is configured now; which records these are was looked up before
        return None if row in may.get(key, ()) else "neither the log nor an event says so"

    def at_end(say: Report) -> None:
        for key in sorted(missing):
            say(f"dead_letters {shown(key)}: the row is missing")

    return Expectation(operations_tables.DEAD_LETTERS, fault_of=fault, at_end=at_end)


def discarded_letters(of: Whole) -> Expectation:
    """Require the discards on the log; of several of one dead letter, one."""
    may = {key: {discard_row(each) for each in found} for key, found in of.discards.items()}
    missing = set(may)

    def fault(row: Row) -> str | None:
        key = (row[0], row[1], row[2], row[3])
        missing.discard(key)
        return None if row in may.get(key, ()) else "the log has no such discard"

    def at_end(say: Report) -> None:
        for key in sorted(missing):
            say(f"discarded_letters {shown(key)}: the row is missing")

    return Expectation(operations_tables.DISCARDED_LETTERS, fault_of=fault, at_end=at_end)
