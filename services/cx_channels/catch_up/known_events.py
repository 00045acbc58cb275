"""Find which events the hub has already, whatever way they came.

The store is behind the log, so the log's end is looked up first and waited for: an event that the webhook brought a
moment ago is found, too.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection

from cx_channels.provider import Connection
from cx_context.store import Store, offsets
from cx_context.store.events import read_applied
from cx_events.errors import TryLater
from cx_events.facts import connection_source
from cx_events.ids import event_key
from cx_events.log import INTERACTIONS, Log, Partition

MOST_WAITED = 60.0
"""Seconds for which the projectors may lag behind."""
_LOOK_AGAIN = 0.2


class KnownEvents:
    """``steady``: s, monotonic."""

    def __init__(
        self, log: Log, store: Store, most_waited: float = MOST_WAITED, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = log
        self._store = store
        self._most_waited = most_waited
        self._steady = steady

    async def among(self, connection: Connection, ids: Collection[str]) -> frozenset[str]:
        """Return those ids of a connection's events that the hub has. One read of the store, whatever their number.

        Raise ``TryLater`` where log or store is away, or what is on the log is not applied in time.
        """
        if not ids:
            return frozenset()
        await self._caught_up()
        source = connection_source(connection.tenant, connection.id)
        keys = {event_key(connection.tenant, source, id): id for id in ids}
        async with self._store.reading() as tx:
            return frozenset(keys[key] for key in await read_applied(tx, list(keys)))

    async def _caught_up(self) -> None:
        ends = await self._log.end_offsets(INTERACTIONS)
        until = self._steady() + self._most_waited
        while True:
            async with self._store.reading() as tx:
                done = await offsets.applied(tx)
            behind = sum(max(end - done.get(Partition(INTERACTIONS, at), 0), 0) for at, end in ends.items())
            if not behind:
                return
            if self._steady() >= until:
                raise TryLater(
                    "projectors", f"{behind} events are not applied yet: what was missed is not known before", 10
                )
            await asyncio.sleep(_LOOK_AGAIN)
