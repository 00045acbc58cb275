"""The traffic on its way to the log, as far as a trial lets it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import islice

from tests.faults.ground import LOOK_SECONDS, TENANT, Ground
from tests.faults.traffic import traffic

from cx_events.ids import event_key
from cx_events.log import INTERACTIONS, Log, Record

AT_ONCE = 100


@dataclass
class Feed:
    """Appends the traffic, as far as ``allowed`` (records). ``acknowledged``: keys of the events that the log has."""

    ground: Ground
    log: Log
    events: int
    acknowledged: set[bytes] = field(default_factory=set)
    records: int = 0
    allowed: int = 0

    async def run(self) -> None:
        coming = traffic(self.events, self.ground.tenants.ids(TENANT))
        while some := list(islice(coming, AT_ONCE)):
            while self.records >= self.allowed:
                await asyncio.sleep(LOOK_SECONDS)
            await self.log.append([Record(INTERACTIONS, each.key, each.raw) for each in some])
            self.acknowledged.update(event_key(TENANT, each.source, each.id) for each in some)
            self.records += len(some)

    def allow_all(self) -> None:
        """Repetitions included."""
        self.allowed = self.events * 2
