"""Histories through the real projector into a real store, in any batching and interleaving, without a log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cx_context.finish import context_body, encode_body
from cx_context.store import Store, epochs, leases, reader
from cx_context.store.epochs import StoreEpoch
from cx_context.store.leases import Fenced, Held
from cx_events.ids import NodeId
from cx_events.log import INTERACTIONS, LogRecord, Partition
from cx_events.stamp import Stamped
from cx_events.testing.builders import ACME
from cx_identity.rules import Rules
from cx_projectors.applier import Applier
from cx_projectors.apply import Tenancy
from cx_projectors.batch import read_batch

HOUR = 3_600_000_000
WINDOW = 72 * HOUR
RULES = Rules.parse(
    {
        "shared_after": {"phone": 1, "email": 2, "cookie": 2},
        "exclusive": ["crm"],
        "never_link": ["email:noreply@example.com"],
    }
)
TENANTS = {"acme": Tenancy(ACME, RULES)}


def ids_of(tenant: str):  # type: ignore[no-untyped-def]
    return ACME if tenant == "acme" else None


def in_partitions(history: Sequence[Stamped], count: int) -> list[list[LogRecord]]:
    """As a log would lay them out: equal keys in one partition, in order."""
    logs: list[list[LogRecord]] = [[] for _ in range(count)]
    for stamped in history:
        number = sum(stamped.key) % count
        logs[number].append(LogRecord(INTERACTIONS, number, len(logs[number]), stamped.key, stamped.raw, 0))
    return logs


@dataclass(repr=False)
class Worker:
    """Owns some partitions and applies their records in batches of a given size."""

    store: Store
    name: str
    logs: list[list[LogRecord]]
    owned: dict[Partition, Held] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.applier = Applier(self.store, self.name, TENANTS)

    async def take(self) -> None:
        async with self.store.writing() as tx:
            self.owned = await leases.take(tx, self.name, 3600)
        self.applier.memory.clear()

    def __repr__(self) -> str:
        return self.name

    @property
    def behind(self) -> int:
        return sum(len(self.logs[p.number]) - held.position for p, held in self.owned.items())

    async def step(self, size: int, numbers: Sequence[int] | None = None) -> None:
        """Apply up to ``size`` records of the owned partitions (or of some of them), as one batch."""
        records: list[LogRecord] = []
        for partition, own in sorted(self.owned.items()):
            if numbers is None or partition.number in numbers:
                log = self.logs[partition.number]
                records += log[own.position : own.position + size - len(records)]
        if not records:
            return
        batch = read_batch(records, ids_of)
        held = {partition: self.owned[partition] for partition in batch.positions}
        try:
            await self.applier.apply(batch, held)
        except Fenced:
            await self.take()
        else:
            for partition, position in batch.positions.items():
                self.owned[partition] = Held(position, self.owned[partition].epoch)


async def workers(store: Store, logs: list[list[LogRecord]], count: int) -> list[Worker]:
    """Workers that share the partitions. A store that was not opened is given an epoch, without a log."""
    async with store.writing() as tx:
        if await epochs.stored(tx) is None:
            await epochs.write(tx, StoreEpoch(bytes(16), 1))
        await leases.announce(tx, [Partition(INTERACTIONS, number) for number in range(len(logs))])
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
            found = await reader.find_node(tx, "acme", node)
            if found is not None:
                known = await reader.load(tx, ACME, found.customer)
                read[node] = encode_body(context_body(known, WINDOW))
    return read
