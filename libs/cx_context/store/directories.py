"""Keep the directories of agents and queues up to date: what the configuration says, with what events tell.

What is told of agents and queues has a stream of its own (``IdSpace.directory_node``). It is read whole when something
was added or another copy of an event counts: a roster's changes are few, and a look that finds none costs one statement
for all tenants.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from cx_context.store.port import Store
from cx_context.store.sql import Tx
from cx_events.codec import decode_leniently
from cx_events.directory import Directory
from cx_events.directory_facts import (
    ConfiguredDirectory,
    DirectoryFact,
    Key,
    directory_fact,
    directory_with,
    latest_facts,
)
from cx_events.errors import TryLater
from cx_events.ids import IdSpace, NodeId
from cx_events.timestamps import BEGINNING_OF_TIME

LOOK_SECONDS = 1.0
"""After so long a running process knows what the store has of a directory."""

EVENTS_AT_ONCE = 2_000

_MODULUS = 1_000_000_007
"""Of a sum of times that changes with them, and that no store's integer is too small for."""

_Mark = tuple[int, int, int]


class Progress(Protocol):
    """A listener that is told how the looking gets on, as ``cx_runtime.health.Progress``."""

    def mark(self) -> None: ...
    def tried(self, why: TryLater) -> None: ...
    def end(self) -> None: ...


class LiveDirectories(Mapping[str, Directory]):
    """Each tenant's directory as it is now. What it gives out never changes: ask again for the next reading.

    ``told``: called with each tenant whose directory has changed.
    """

    def __init__(self, store: Store, configured: Mapping[str, ConfiguredDirectory]) -> None:
        self._store = store
        self._configured = configured
        self._now = {tenant: its.directory for tenant, its in configured.items()}
        self._marks: dict[str, _Mark] = {}
        self.told: list[Callable[[str], None]] = []

    def __getitem__(self, tenant: str) -> Directory:
        return self._now[tenant]

    def __iter__(self) -> Iterator[str]:
        return iter(self._now)

    def __len__(self) -> int:
        return len(self._now)

    async def refresh(self) -> set[str]:
        """Read what has changed. Return the tenants whose directory says something else now. Raises ``TryLater``."""
        changed: set[str] = set()
        async with self._store.reading() as tx:
            marks = await _read_marks(
                tx, {its.ids.directory_node(): tenant for tenant, its in self._configured.items()}
            )
            for tenant, mark in marks.items():
                if mark != self._marks.get(tenant):
                    its = self._configured[tenant]
                    facts = await _read_latest(tx, its.ids)
                    directory = directory_with(its, facts.values())
                    if directory.digest != self._now[tenant].digest:
                        changed.add(tenant)
                    self._now[tenant] = directory
                    self._marks[tenant] = mark
        return changed

    async def run(self, progress: Progress) -> None:
        """Look again and again, until cancelled."""
        try:
            while True:
                try:
                    for tenant in await self.refresh():
                        for tell in self.told:
                            tell(tenant)
                    progress.mark()
                except TryLater as error:
                    progress.tried(error)
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            progress.end()


async def _read_marks(tx: Tx, tenants: Mapping[NodeId, str]) -> dict[str, _Mark]:
    """Return numbers that change with what is stored of each tenant's directory; nothing of one that has no events."""
    rows = await tx.fetch(
        f"SELECT stream_id, count(*), sum(recorded % {_MODULUS}), sum(effective % {_MODULUS}) FROM events "
        "WHERE stream_id = ANY(:nodes) GROUP BY stream_id",
        nodes=sorted(tenants),
    )
    return {tenants[bytes(row[0])]: (int(row[1]), int(row[2]), int(row[3])) for row in rows}


async def _read_latest(tx: Tx, ids: IdSpace) -> dict[Key, DirectoryFact]:
    """Return the last fact of each agent and queue of a tenant."""
    latest: dict[Key, DirectoryFact] = {}
    since, after = BEGINNING_OF_TIME, b""
    while True:
        rows = await tx.fetch(
            "SELECT effective, key, raw FROM events WHERE stream_id = :node AND tenant = :tenant "
            "AND (effective > :since OR (effective = :since AND key > :after)) ORDER BY effective, key LIMIT :most",
            node=ids.directory_node(),
            tenant=ids.tenant,
            since=since,
            after=after,
            most=EVENTS_AT_ONCE,
        )
        found = (directory_fact(decode_leniently(bytes(row[2]))[0]) for row in rows)
        latest = latest_facts((fact for fact in found if fact is not None), latest)
        if len(rows) < EVENTS_AT_ONCE:
            return latest
        since, after = int(rows[-1][0]), bytes(rows[-1][1])
