"""Pollers at work on a real log, store and intake, and what a test's vendor must offer to be polled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from uuid import uuid4

import msgspec
from tests.channels import BreakableLog
from tests.patience import PATIENCE

from cx_channels.intake import Intake, wall_clock
from cx_channels.pollers.backoff import Pauses
from cx_channels.pollers.keeper import PollerKeeper
from cx_channels.pollers.run import Surroundings
from cx_channels.pollers.source import OpenSource, SourcePorts
from cx_channels.provider import Connection, Provider
from cx_channels.registry import providers
from cx_context.store import Store, poller_rows
from cx_events.blob.folder import FolderBlobs
from cx_events.codec import same_content
from cx_events.dead_letters import DeadLetter, decode_dead_letter
from cx_events.log import DEAD_LETTERS, INTERACTIONS, Log, Partition
from cx_runtime.health import Health
from cx_runtime.metrics import Metrics
from cx_runtime.tenants import ConnectionConfig, TenantConfig, Tenants

POLLED = "acme-polled"
QUICK = Pauses(0.05, 0.2)
"""Pauses of tests; what is slow by design gets others."""


@dataclass
class Faults:
    """What a vendor does wrong until it is told otherwise. ``drop``, ``stall``: after so many messages of a connection
    it hangs up in the middle of one, or falls silent. ``repeat``: it gives again what it gave. ``reorder``: it gives a
    message after a later one. ``refuse``: it does not let us in."""

    drop: int = 0
    stall: int = 0
    repeat: bool = False
    reorder: bool = False
    refuse: bool = False

    def silence(self, short: float) -> float:
        """Return the seconds of silence after which a source gives a connection up: ``short`` where the vendor stalls,
        or shows what it held back by the next connection alone; else so many that a loaded machine is no silent
        vendor."""
        return short if self.stall or self.repeat or self.reorder else max(short, 20.0)


class Vendor(Protocol):
    """A server of some kind, in this process. ``asked``: how often somebody has connected."""

    provider: Provider
    settings: dict[str, Any]
    secrets: tuple[str, ...]
    faults: Faults
    asked: int

    def open_source(self, connection: Connection, ports: SourcePorts) -> Any:
        """Return the source under trial."""

    def say(self, number: int) -> None:
        """Have a message that must become one event."""

    def number_of(self, event: dict[str, Any]) -> int:
        """Return the number of an event's message."""

    def cut(self) -> None:
        """Hang up on everybody."""


@dataclass
class Polled:
    """``more``: arguments of ``Surroundings`` for all keepers that are made here."""

    vendor: Vendor
    log: BreakableLog
    blobs: FolderBlobs
    store: Store
    intake: Intake
    metrics: Metrics
    health: Health
    more: dict[str, Any] = field(default_factory=dict)
    max_bytes: int = 30 << 20

    def keeper(self, **more: Any) -> PollerKeeper:
        """Return a keeper as another process would have it."""
        around = Surroundings(
            self.intake,
            self.store,
            self.metrics,
            self.health,
            SourcePorts(wall_clock, self.max_bytes),
            f"keeper-{uuid4()}",
            retries=QUICK,
            refusals=QUICK,
            storing=QUICK,
        )
        around = replace(around, **{"lease": 30.0, **self.more, **more})
        connection = self.intake.connection(POLLED)[0]
        open_sources: dict[str, OpenSource] = {connection.provider: self.vendor.open_source}
        return PollerKeeper({POLLED: connection}, open_sources, around)

    @asynccontextmanager
    async def polling(self, **more: Any) -> AsyncIterator[PollerKeeper]:
        """Run a keeper until the block ends, in good order."""
        keeper = self.keeper(**more)
        task = asyncio.create_task(keeper.run(self.health.progress(f"pollers-{uuid4()}")))
        try:
            yield keeper
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def events(self) -> list[bytes]:
        return await self._stored(INTERACTIONS)

    async def letters(self) -> list[DeadLetter]:
        return [decode_dead_letter(each) for each in await self._stored(DEAD_LETTERS)]

    async def _stored(self, topic: str) -> list[bytes]:
        """Return all records of a topic; nothing is deleted from it, so there are as many as its offsets count."""
        ends = await self.log.log.end_offsets(topic)
        reader = self.log.reader()
        reader.assign({Partition(topic, number): 0 for number in ends})
        found: list[bytes] = []
        async with asyncio.timeout(PATIENCE):
            while len(found) < sum(ends.values()):
                found += [record.value for record in await reader.read(1000, wait=0.05)]
        await reader.close()
        return found

    async def numbers(self) -> dict[int, list[bytes]]:
        """The copies of each message's event, by its number."""
        found: dict[int, list[bytes]] = {}
        for raw in await self.events():
            found.setdefault(self.vendor.number_of(msgspec.json.decode(raw)), []).append(raw)
        return found

    async def arrived(self, numbers: Sequence[int]) -> None:
        """Wait until all of these have; then nothing else may be there, and nothing under two ids."""
        async with asyncio.timeout(PATIENCE):
            while not set(numbers) <= (found := await self.numbers()).keys():
                await asyncio.sleep(0.05)
        assert found.keys() == set(numbers), found
        for number, copies in found.items():
            assert len({msgspec.json.decode(raw)["id"] for raw in copies}) == 1, number
            assert all(same_content(raw, copies[0]) for raw in copies), number

    async def cursor(self) -> bytes:
        async with self.store.reading() as tx:
            rows = await tx.fetch("SELECT cursor FROM pollers WHERE connection = :connection", connection=POLLED)
        return bytes(rows[0][0]) if rows else b""

    async def owner(self) -> str:
        async with self.store.reading() as tx:
            found = await poller_rows.standings(tx)
        return found[POLLED].owner if POLLED in found else ""


async def until(holds: Callable[[], object]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.02)


@asynccontextmanager
async def polled(
    vendor: Vendor, log: Log, store: Store, blobs: FolderBlobs, connections: dict[str, ConnectionConfig] | None = None
) -> AsyncIterator[Polled]:
    """A tenant with the vendor's connection on parts that are open already. ``connections``: more of them."""
    config = ConnectionConfig(provider=vendor.provider.name, secrets=vendor.secrets, settings=vendor.settings)
    tenants = Tenants(
        {"acme": TenantConfig(id_key="a lasting key of acme", connections={POLLED: config, **(connections or {})})}
    )
    metrics, breakable = Metrics(), BreakableLog(log)
    known = {**providers(), vendor.provider.name: vendor.provider}
    intake = Intake(breakable, blobs, tenants, known, metrics)
    with suppress(asyncio.CancelledError):
        yield Polled(vendor, breakable, blobs, store, intake, metrics, Health())
