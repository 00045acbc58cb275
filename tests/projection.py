"""Histories through the real projector into a real store, in any batching and interleaving, without a log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import msgspec

from cx_context.change_notifications import StoreOpened
from cx_context.document import context_body, encode_body
from cx_context.store import Store, epochs, leases, offsets
from cx_context.store.context_loader import load_known
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.customer_lookup import find_node
from cx_context.store.epochs import StoreEpoch
from cx_context.store.leases import Fenced, Lease, advanced
from cx_events.ids import IdSpace, NodeId
from cx_events.log import DEAD_LETTERS, INTERACTIONS, STORES, Log, LogRecord, Partition
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME
from cx_identity.rules import Rules
from cx_projectors.listing.refresh import Terms
from cx_projectors.listing.worker import Lists
from cx_projectors.records import read_batch
from cx_projectors.retrying_applier import RetryingApplier
from cx_projectors.tenancy import Tenancy
from cx_projectors.verify import Findings, How, verify

HOUR = 3_600_000_000
WINDOW = 72 * HOUR
RULES = Rules.parse(
    {
        "shared_after": {"phone": 1, "email": 2, "cookie": 2},
        "exclusive": ["crm"],
        "never_link": ["email:noreply@example.com"],
    }
)
OTHER = IdSpace("other", b"another example key")
TENANTS = {"acme": Tenancy(ACME, RULES), "other": Tenancy(OTHER, RULES)}
WITHOUT_A_LOG = StoreEpoch(bytes(16), 1)
"""The epoch of a store that was not opened."""

CHECKED = {name: (tenancy, WINDOW) for name, tenancy in TENANTS.items()}


def ids_of(tenant: str) -> IdSpace | None:
    return TENANTS[tenant].ids if tenant in TENANTS else None


def in_partitions(history: Sequence[StampedEvent], count: int) -> list[list[LogRecord]]:
    """As a log would lay them out: equal keys in one partition, in order."""
    logs: list[list[LogRecord]] = [[] for _ in range(count)]
    for stamped in history:
        number = sum(stamped.key) % count
        logs[number].append(LogRecord(INTERACTIONS, number, len(logs[number]), stamped.key, stamped.raw, 0))
    return logs


class ListedLog:
    """A log of some lists of records, for reading."""

    def __init__(self, logs: Sequence[Sequence[LogRecord]], dead_letters: Sequence[LogRecord] = ()) -> None:
        self._logs: dict[Partition, Sequence[LogRecord]] = {
            Partition(INTERACTIONS, number): records for number, records in enumerate(logs)
        }
        if dead_letters:
            self._logs[Partition(DEAD_LETTERS, 0)] = dead_letters
        opened = msgspec.json.encode(StoreOpened(WITHOUT_A_LOG.store.hex()))
        self._logs[Partition(STORES, 0)] = [LogRecord(STORES, 0, 0, b"", opened, 0)]

    def reader(self) -> ListedReader:
        return ListedReader(self._logs)

    async def end_offsets(self, topic: str) -> dict[int, int]:
        return {number: len(records) for (of, number), records in self._logs.items() if of == topic}

    async def begin_offsets(self, topic: str) -> dict[int, int]:
        return {number: 0 for (of, number) in self._logs if of == topic}


class ListedReader:
    def __init__(self, logs: Mapping[Partition, Sequence[LogRecord]]) -> None:
        self._logs = logs
        self._at: dict[Partition, int] = {}

    def assign(self, offsets: Mapping[Partition, int]) -> None:
        self._at = dict(offsets)

    async def read(self, max_records: int, *, max_bytes: int = 16 << 20, wait: float = 0.5) -> list[LogRecord]:
        found: list[LogRecord] = []
        for partition, at in self._at.items():
            some = self._logs[partition][at : at + max_records]
            self._at[partition] = at + len(some)
            found += some
        return found

    async def close(self) -> None:
        return None


async def verified(
    store: Store, logs: Sequence[Sequence[LogRecord]], dead_letters: Sequence[LogRecord] = ()
) -> Findings:
    """What ``cx verify`` says of a store that such a log was applied to. Whatever has nothing to do with each other is
    checked apart."""
    return await verify(store, cast(Log, ListedLog(logs, dead_letters)), CHECKED, how=How(bucket_events=1))


@dataclass(repr=False)
class Worker:
    """Owns some partitions and applies their records in batches of a given size."""

    store: Store
    name: str
    logs: list[list[LogRecord]]
    owned: dict[Partition, Lease] = field(default_factory=dict)
    configured: Mapping[str, Tenancy] = field(default_factory=lambda: TENANTS)

    def __post_init__(self) -> None:
        self.applier = RetryingApplier(self.store, self.name, TENANTS)

    async def take(self) -> None:
        async with self.store.writing() as tx:
            self.owned = await leases.take(tx, self.name, 3600)
        self.applier.cache.clear()

    def __repr__(self) -> str:
        return self.name

    @property
    def behind(self) -> int:
        return sum(len(self.logs[p.number]) - held.next_offset for p, held in self.owned.items())

    async def step(self, size: int, numbers: Sequence[int] | None = None) -> None:
        """Apply up to ``size`` records of the owned partitions (or of some of them), as one batch."""
        records: list[LogRecord] = []
        for partition, own in sorted(self.owned.items()):
            if numbers is None or partition.number in numbers:
                log = self.logs[partition.number]
                records += log[own.next_offset : own.next_offset + size - len(records)]
        if not records:
            return
        batch = read_batch(records, lambda name: self.configured[name].ids if name in self.configured else None)
        held = {partition: self.owned[partition] for partition in batch.offsets}
        try:
            await self.applier.apply(batch, held)
        except Fenced:
            await self.take()
        else:
            self.owned |= advanced(held, batch.offsets)


async def workers(store: Store, logs: list[list[LogRecord]], count: int) -> list[Worker]:
    """Workers that share the partitions. A store that was not opened is given an epoch, without a log."""
    async with store.writing() as tx:
        if await epochs.stored(tx) is None:
            await epochs.write(tx, WITHOUT_A_LOG)
        await offsets.announce(tx, [Partition(INTERACTIONS, number) for number in range(len(logs))])
    found = [Worker(store, f"worker-{number}", logs) for number in range(count)]
    for _ in range(2):
        for worker in found:
            await worker.take()
    return found


async def bodies(store: Store, nodes: Sequence[NodeId]) -> dict[NodeId, bytes]:
    """The context of each node as a reader gets it; nodes that nobody knows are left out."""
    read = {}
    async with store.reading() as tx:
        for node in nodes:
            found = await find_node(CurrentGraph(tx, "acme"), node)
            if found is not None:
                known = await load_known(tx, ACME, found.customer)
                read[node] = encode_body(context_body(known, WINDOW))
    return read


LISTING_TERMS = {name: Terms(tenancy.ids, WINDOW) for name, tenancy in TENANTS.items()}


def lists_of(store: Store, owner: str = "lists") -> Lists:
    """What keeps the lists of a store."""
    return Lists(store, LISTING_TERMS, owner)
