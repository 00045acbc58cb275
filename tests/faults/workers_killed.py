"""Events in Kafka while workers are killed with SIGKILL and started again, and some are frozen for longer than their
lease: every acknowledged event is applied once, ``cx verify`` is clean, and a rebuild from nothing gives the same.

    python -m tests.faults.workers_killed [--events N] [--kills N] [--freezes N]
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

import asyncpg
from tests.faults.feed import Feed
from tests.faults.ground import (
    LOOK_SECONDS,
    TENANT,
    Ground,
    Service,
    Trial,
    applied,
    caught_up,
    command,
    home,
    running,
    servers,
)

from cx_context.document import context_body, encode_body
from cx_context.store import Store, offsets
from cx_context.store.context_loader import load_known
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.customer_lookup import find_node
from cx_context.store.events import read_event_keys
from cx_events.ids import NodeId
from cx_events.log import INTERACTIONS, Log, Partition
from cx_projectors.consumer import Consumer
from cx_runtime.health import Health
from cx_runtime.metrics import Metrics

PROCESSES = 3
LEASE_SECONDS = 2.0
REBUILT = "throughline_rebuilt"


@dataclass
class Team:
    """The worker processes, and who of them owns what."""

    store: Store
    services: list[Service]
    owners: dict[Partition, str] = field(default_factory=dict)
    changes: int = 0

    async def look(self) -> int:
        """Count the partitions that changed owner since the last look; how many records are applied."""
        async with self.store.reading() as tx:
            progress = await offsets.progress(tx)
        for partition, (_, owner, _) in progress.items():
            if owner and partition.topic == INTERACTIONS:
                self.changes += partition in self.owners and self.owners[partition] != owner
                self.owners[partition] = owner
        return sum(at[0] for partition, at in progress.items() if partition.topic == INTERACTIONS)

    def owning(self) -> list[Service]:
        """Those that own partitions: a worker's name tells its process."""
        return [s for s in self.services if any(f"-{s.pid}-" in owner for owner in self.owners.values())]


async def disturb(trial: Trial, team: Team, feed: Feed, kills: int, freezes: int, feeding: asyncio.Task[None]) -> None:
    """A share of the traffic for each fault, which comes amid it, to one of several workers at work."""
    dice = random.Random(kills)
    faults = ["kill"] * kills + ["freeze"] * freezes
    dice.shuffle(faults)
    share = feed.events // (len(faults) + 1)
    for number, fault in enumerate(faults, 1):
        while len(team.owning()) < 2:
            await team.look()
            await asyncio.sleep(LOOK_SECONDS)
        feed.allowed = number * share
        while await team.look() < number * share - share // 2:
            if feeding.done():
                feeding.result()
            await asyncio.sleep(LOOK_SECONDS / 4)
        victim = dice.choice(team.owning())
        owned = sum(f"-{victim.pid}-" in owner for owner in team.owners.values())
        trial.say(
            f"fault {number} of {len(faults)} at {await applied(team.store)}: {fault} an owner of {owned} partitions"
        )
        if fault == "kill":
            victim.kill()
            victim.start()
        else:
            victim.freeze()
            await asyncio.sleep(LEASE_SECONDS * 1.5)
            victim.thaw()
    feed.allow_all()


async def rebuild(ground: Ground, store: Store, log: Log) -> None:
    """The same log into an empty store, by one worker."""
    worker = Consumer(store, log, ground.tenancies, "rebuild", Metrics(), Health())
    working = asyncio.create_task(worker.run())
    catching_up = asyncio.create_task(caught_up(store, log))
    await asyncio.wait([working, catching_up], return_when=asyncio.FIRST_COMPLETED)
    worker.stop()
    await working
    await catching_up


async def all_ids(store: Store) -> Sequence[NodeId]:
    """Every id that answers."""
    async with store.reading() as tx:
        rows = await tx.fetch("SELECT id FROM profiles UNION SELECT stream_id FROM parts")
    return sorted(bytes(row[0]) for row in rows)


async def bodies(ground: Ground, store: Store, ids: Sequence[NodeId]) -> dict[NodeId, bytes]:
    """The body that each id answers with."""
    space = ground.tenants.ids(TENANT)
    by_customer: dict[NodeId, bytes] = {}
    found: dict[NodeId, bytes] = {}
    async with store.reading() as tx:
        for id in ids:
            answer = await find_node(CurrentGraph(tx, TENANT), id)
            if answer is None:
                continue
            if answer.customer not in by_customer:
                known = await load_known(tx, space, answer.customer)
                by_customer[answer.customer] = encode_body(context_body(known, ground.window))
            found[id] = by_customer[answer.customer]
    return found


async def workers_killed(
    trial: Trial, ground: Ground, rebuilt_url: str, *, events: int, kills: int, freezes: int
) -> Trial:
    """``rebuilt_url``: an empty store."""
    more = {"CX_LEASE_SECONDS": str(LEASE_SECONDS), "CX_BATCH_EVENTS": "200"}
    services = [ground.service("run projectors", f"projectors-{n}", **more) for n in range(PROCESSES)]
    async with ground.log() as log, ground.store() as store:
        feed, team = Feed(ground, log, events), Team(store, services)
        feeding = asyncio.create_task(feed.run())
        with running(services, [feeding]):
            await disturb(trial, team, feed, kills, freezes, feeding)
            await feeding
            trial.say(f"{feed.records} records acknowledged, {len(feed.acknowledged)} events")
            await caught_up(store, log)
            await team.look()
            trial.say(f"all applied; partitions changed owner {team.changes} times")
            for service in services:
                await trial.ended_well(service)
        async with store.reading() as tx:
            lost = feed.acknowledged - await read_event_keys(tx)
        trial.check(not lost, f"{len(lost)} acknowledged events are missing in the store")
        await trial.verified(ground, store, log)
        async with ground.store(rebuilt_url) as anew:
            await rebuild(ground, anew, log)
            trial.say("rebuilt from nothing")
            ids = await all_ids(store)
            trial.check(ids == await all_ids(anew), f"the rebuild knows the same {len(ids)} ids")
            same = await bodies(ground, store, ids) == await bodies(ground, anew, ids)
            trial.check(same, "each id answers with the same bytes after the rebuild")
    return trial


async def on_own_servers(events: int, kills: int, freezes: int) -> Trial:
    with home() as folder, servers("kafka", "postgres") as (_, settings):
        url = settings["CX_STORE_URL"]
        server = await asyncpg.connect(url.replace("+asyncpg", ""))
        await server.execute(f"CREATE DATABASE {REBUILT}")
        await server.close()
        rebuilt_url = f"{url.rpartition('/')[0]}/{REBUILT}"
        trial = Trial("workers_killed")
        ground = Ground(folder, settings)
        return await workers_killed(trial, ground, rebuilt_url, events=events, kills=kills, freezes=freezes)


if __name__ == "__main__":
    sys.exit(command(__doc__, on_own_servers, events=100_000, kills=20, freezes=3))
