"""Kafka and PostgreSQL are restarted, with SIGKILL and in good order, while a rebuild and replays are under way: each
goes on by itself where it was, no live table changes before the switch, and ``cx verify`` is clean at the end.

    python -m tests.faults.servers_restarted [--events N] [--rounds N] [--most SECONDS]

A round is a rebuild with outages while it fills and one while it compares, a replay to a file, and one to a topic.
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.faults.away import Outage, Servers, away, own_servers
from tests.faults.feed import Feed
from tests.faults.ground import LOOK_SECONDS, Ground, Service, Trial, caught_up, command, home, running
from tests.patience import PATIENCE

from cx_context.store import Store, shadow
from cx_context.store.shadow import MADE_OF_THE_LOG
from cx_events.errors import TryLater
from cx_events.log import INTERACTIONS, Log, LogRecord, Partition
from cx_events.log.declarations import TopicDeclaration
from cx_events.log.merged_reader import MergedReader
from cx_hub.stack.processes import free_port
from cx_ops.rebuild import control
from cx_ops.rebuild.control import Asker
from cx_ops.replay.state import ReplayState, ReplayStates

FILL_SECONDS = 600.0
"""How long a filling would take at its rate: longer than the outages of a round on any machine. The rest is filled at
full speed."""
REPLAY_SECONDS = 12.0
BATCH = "5"
WAITED_SECONDS = 45.0
"""Less than the minute for which a command waits for a server."""
COMPARING = "comparing every customer"
COPIES = "acme.again"
OPERATOR = Asker("trial", "", "trial")


@dataclass(frozen=True)
class Round:
    """Outages one after the other: while the shadow is ``filling``, while it is ``comparing``, while a replay runs."""

    filling: Sequence[Outage]
    comparing: Outage
    to_file: Outage
    to_topic: Outage


def rounds_at_random(count: int, most: float, dice: random.Random) -> list[Round]:
    """``most``: seconds of the longest outage."""

    def outage(what: str, how: signal.Signals) -> Outage:
        return Outage(what, dice.uniform(1, most), how)

    found = []
    for number in range(count):
        ways = (signal.SIGKILL, signal.SIGTERM) if number % 2 else (signal.SIGTERM, signal.SIGKILL)
        filling = [outage("broker", ways[0]), outage("database", ways[1]), outage("both", ways[0])]
        dice.shuffle(filling)
        found.append(Round(filling, outage("database", ways[0]), outage("broker", ways[0]), outage("broker", ways[1])))
    return found


@dataclass
class Restarts:
    """One hub whose servers are restarted beneath what operators began. ``events``: about how many it has."""

    trial: Trial
    ground: Ground
    servers: Servers
    log: Log
    store: Store
    events: int

    async def rebuilt(self, name: str, outages: Sequence[Outage], comparing: Outage) -> None:
        """A rebuild that goes on in spite of them, and lets nobody see anything else before its end."""
        command = Command(self.ground, name, lambda: f"rebuild resume --rate {rate}")
        rate = self._rate(FILL_SECONDS)
        command.begin(f"rebuild context --rate {rate}", CX_BATCH_EVENTS=BATCH)
        try:
            at = await self._filled_beyond(0, command)
            await caught_up(self.store, self.log)  # the event that tells of the rebuild
            before = await live_tables(self.store)
            for outage in outages:
                await command.outlive(self.servers, outage)
                there = await self._filled_beyond(at, command)
                self.trial.check(there > at, f"{name}, {outage}: it goes on at {there}, after {at}")
                changed = differing(before, await live_tables(self.store))
                self.trial.check(not changed, f"{name}, {outage}: live tables are as they were {changed}")
                at = there
            await control.ask(self.store, OPERATOR, "pause")
            self.trial.check(await command.ended() == 0, f"{name} pauses when asked to")
            command.begin("rebuild resume")
            await self._amid_comparison(command, comparing)
            code = await command.ended()
        finally:
            command.kill()
        self.trial.check(code == 0, f"{name}, {comparing} while it compares: exit {code} {command.told()[-500:]}")
        self.trial.check("Traceback" not in command.told(), f"{name} told of no fault")
        await self._check_end(name)

    async def _check_end(self, name: str) -> None:
        found = await control.status(self.store)
        assert found is not None
        report = found.record.report
        self.trial.check(
            found.phase == "switched" and report is not None and report.differing == 0,
            f"{name}: it is {found.phase}, {report and report.differing} of {report and report.customers} differ",
        )
        if found.phase == "switched":
            await control.drop(self.store, OPERATOR)

    def _rate(self, seconds: float) -> int:
        return max(round(self.events / seconds), 1)

    async def _filled_beyond(self, offset: int, command: Command) -> int:
        """Wait until the shadow has more than that, and return how much."""
        async with asyncio.timeout(PATIENCE):
            while (now := await filled(self.store)) <= offset:
                command.look()
                await asyncio.sleep(LOOK_SECONDS)
        return now

    async def _amid_comparison(self, command: Command, outage: Outage) -> None:
        """Hold the comparison at a table that it reads, until the database goes."""
        went = False
        with suppress(TryLater):
            async with self.store.writing() as tx:
                await tx.execute("LOCK TABLE parts IN ACCESS EXCLUSIVE MODE")
                while COMPARING not in command.told():
                    command.look()
                    await tx.fetch("SELECT 1")  # the server ends a transaction that is idle for long
                    await asyncio.sleep(LOOK_SECONDS)
                await asyncio.sleep(0.5)
                went = True
                await command.outlive(self.servers, outage)
        self.trial.check(went, f"{outage} amid the comparison")

    async def replayed(self, name: str, target: str, outage: Outage) -> None:
        """A replay that ends by itself although the broker goes away amid it."""
        states = ReplayStates(self.ground.home)
        earlier = {each.id for each in states.all()}

        def new() -> list[ReplayState]:
            return [each for each in states.all() if each.id not in earlier]

        command = Command(self.ground, name, lambda: f"replay resume {new()[0].id}")
        command.begin(f"replay run --target {target} --rate {self._rate(REPLAY_SECONDS)}")
        try:
            while not any(each.sent for each in new()):
                command.look()
                await asyncio.sleep(LOOK_SECONDS)
            await command.outlive(self.servers, outage)
            code = await command.ended()
        finally:
            command.kill()
        self.trial.check(code == 0, f"{name}, {outage}: exit {code} {command.told()[-500:]}")
        self.trial.check("Traceback" not in command.told(), f"{name} told of no fault")


class Command:
    """What an operator began. ``resume``: the command by which it goes on after an outage that was longer than it
    waits, as where a machine takes long to start servers."""

    def __init__(self, ground: Ground, name: str, resume: Callable[[], str]) -> None:
        self._ground = ground
        self._name = name
        self._resume = resume
        self._count = 0
        self._service: Service | None = None
        self._was_long = False

    @property
    def service(self) -> Service:
        assert self._service is not None
        return self._service

    def begin(self, line: str, **settings: str) -> None:
        self._count += 1
        self._service = self._ground.service(line, f"{self._name}-{self._count}", **settings)
        self._service.start()

    async def outlive(self, servers: Servers, outage: Outage) -> None:
        times = await away(servers, outage)
        self._was_long = times.back - times.told > WAITED_SECONDS

    def look(self) -> None:
        """Begin again what ended in a long outage; raise AssertionError where it ended without."""
        if self.service.ended() and self._was_long:
            self.begin(self._resume())
        self.service.check_running()

    async def ended(self) -> int:
        """Wait for its end, and return its exit code."""
        async with asyncio.timeout(PATIENCE):
            while (code := self.service.ended()) is None or (code and self._was_long):
                if code:
                    self.look()
                await asyncio.sleep(LOOK_SECONDS)
        return code

    def told(self) -> str:
        """Return all that it said."""
        files = sorted(self._ground.home.glob(f"{self._name}-*.txt"))
        return "".join(file.read_text() for file in files)

    def kill(self) -> None:
        if self._service is not None:
            self._service.kill()


async def filled(store: Store) -> int:
    """Return how many records the shadow has; 0 while there is none."""
    try:
        found = await control.status(store)
        if found is None or found.phase != "filling" or not found.record.shadow:
            return 0
        beside = shadow.shadow_of(store, found.record.shadow)
        try:
            async with beside.reading() as tx:
                return int((await tx.fetch("SELECT COALESCE(sum(next_offset), 0) FROM partitions"))[0][0])
        finally:
            await beside.stop()
    except TryLater:
        return 0


async def live_tables(store: Store) -> dict[str, str]:
    """Return a digest of each table that a rebuild makes anew, once nothing waits to be listed."""
    async with asyncio.timeout(PATIENCE):
        while True:
            async with store.reading() as tx:
                if not (await tx.fetch("SELECT count(*) FROM listing_waiting"))[0][0]:
                    return {
                        table: (
                            await tx.fetch(f"SELECT md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM {table} t")
                        )[0][0]
                        or ""
                        for table in MADE_OF_THE_LOG
                    }
            await asyncio.sleep(LOOK_SECONDS)


def differing(before: dict[str, str], after: dict[str, str]) -> list[str]:
    return [table for table, digest in before.items() if after[table] != digest]


async def records_of(log: Log, topic: str) -> list[LogRecord]:
    ends = {Partition(topic, number): end for number, end in (await log.end_offsets(topic)).items()}
    reader = MergedReader(log, dict.fromkeys(ends, 0), ends)
    found: list[LogRecord] = []
    try:
        while some := await reader.read(2_000, 16 << 20):
            found += some
    finally:
        await reader.close()
    return found


def first_of_each(pairs: Iterable[tuple[bytes, str]]) -> dict[bytes, list[str]]:
    """Return the ids under each key, in the order in which each came first."""
    found: dict[bytes, dict[str, None]] = defaultdict(dict)
    for key, id in pairs:
        found[key].setdefault(id)
    return {key: list(ids) for key, ids in found.items()}


def event_of(value: bytes) -> tuple[str, bool]:
    """Return an event's source and id in one, and whether it is an act of the hub: those come while others are read."""
    event = json.loads(value)
    return f"{event['source']}#{event['id']}", event["type"].startswith("cx.operations.")


async def check_replayed(
    trial: Trial, ground: Ground, name: str, source: Sequence[LogRecord], copies: Path | str
) -> None:
    """A file has what was on the log exactly as often; a topic has each at least once, each key's in order."""
    there = [(record.key, event_of(record.value)) for record in source]
    wanted = Counter(id for _, (id, is_act) in there if not is_act)
    if isinstance(copies, Path):
        lines = [event_of(line) for line in copies.read_bytes().splitlines()]
        found = Counter(id for id, is_act in lines if not is_act)
        trial.check(found == wanted, f"{name}: the file has each of {wanted.total()} records once")
        return
    async with ground.log({copies: TopicDeclaration(topic=copies)}) as log:
        back = [(record.key, event_of(record.value)) for record in await records_of(log, copies)]
    orders = [first_of_each((key, id) for key, (id, is_act) in some if not is_act) for some in (there, back)]
    trial.check(
        orders[0] == orders[1], f"{name}: the topic has all of {wanted.total()} records in the order of each key"
    )


async def servers_restarted(
    trial: Trial, ground: Ground, servers: Servers, *, events: int, rounds: Sequence[Round]
) -> Trial:
    projectors = ground.service(f"run projectors --port {free_port()}", "projectors", CX_LEASE_SECONDS="2")
    async with ground.log() as log, ground.store() as store:
        feed = Feed(ground, log, events)
        with running([projectors], []):
            await projectors.ready()
            feed.allow_all()
            await feed.run()
            await caught_up(store, log)
            trial.say(f"{feed.records} records are applied")
            source = await records_of(log, INTERACTIONS)
            work = Restarts(trial, ground, servers, log, store, events)
            for number, one in enumerate(rounds):
                await work.rebuilt(f"rebuild-{number}", one.filling, one.comparing)
                file, topic = ground.home / f"replayed-{number}.jsonl", f"{COPIES}.{number}"
                await work.replayed(f"replay-to-file-{number}", str(file), one.to_file)
                await check_replayed(trial, ground, f"replay-to-file-{number}", source, file)
                await work.replayed(f"replay-to-topic-{number}", topic, one.to_topic)
                await check_replayed(trial, ground, f"replay-to-topic-{number}", source, topic)
            await trial.ended_well(projectors)
        await trial.verified(ground, store, log)
    return trial


async def on_own_servers(events: int, rounds: int, most: float) -> Trial:
    with home() as folder, own_servers() as (servers, settings):
        planned = rounds_at_random(rounds, most, random.Random(rounds))
        trial = Trial("servers_restarted")
        return await servers_restarted(trial, Ground(folder, settings), servers, events=events, rounds=planned)


if __name__ == "__main__":
    sys.exit(command(__doc__, on_own_servers, events=5_000, rounds=4, most=20.0))
