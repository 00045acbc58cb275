"""A rebuild under live load, with readers and followers, while the rebuilder, the projectors and the API are killed in
turn with SIGKILL: readers see no error and no older version, ``at_least`` holds, and ``cx verify`` is clean at the end.

    python -m tests.faults.rebuild_killed [--events N] [--kills N] [--followers N]
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import httpx2
from tests.asking import ran_out
from tests.faults.feed import Feed
from tests.faults.followers import HEARTBEAT_SECONDS, REPLICAS, followers_of, settled, told
from tests.faults.ground import (
    LOOK_SECONDS,
    TENANT,
    Ground,
    Service,
    Trial,
    caught_up,
    command,
    home,
    running,
    servers,
)
from tests.faults.traffic import EVENTS_PER_PERSON
from tests.patience import PATIENCE

from cx_context.store import Store
from cx_events.ids import NodeId
from cx_events.log import INTERACTIONS, Log, Record
from cx_events.testing.builders import an_event
from cx_hub.stack.processes import free_port
from cx_ops.rebuild import control
from cx_ops.rebuild.record import Phase

READERS = 4
FILL_SECONDS = 12.0
"""About how long one filling takes where nobody disturbs it."""
KILL_WITHIN = (0.3, 6.0)
WITNESS = "witness@example.com"
WITNESS_SOURCE = "//acme.example/witness"


@dataclass
class Reader:
    """Reads contexts from one replica after the other. A replica that was killed is asked again; any answer but the
    context is wrong, and so is an older version of one customer."""

    urls: Sequence[str]
    key: str
    people: int
    dice: random.Random
    wrong: list[str] = field(default_factory=list)
    met: Counter[str] = field(default_factory=Counter)
    seen: dict[str, tuple[int, str]] = field(default_factory=dict)

    async def run(self) -> None:
        headers = {"Authorization": f"Bearer {self.key}"}
        async with httpx2.AsyncClient(headers=headers, timeout=PATIENCE) as client:
            while True:
                await self.read(client, f"email:person{self.dice.randrange(self.people)}@example.com")
                await asyncio.sleep(0.05)

    async def read(self, client: httpx2.AsyncClient, identifier: str) -> None:
        url = self.dice.choice(self.urls)
        try:
            answer = await client.get(f"{url}/v1/context", params={"identifier": identifier})
        except httpx2.HTTPError as error:
            self.met[type(error).__name__] += 1
            return
        self.met[str(answer.status_code)] += 1
        if ran_out(answer):
            return
        if answer.status_code == 404 and identifier not in self.seen:
            return
        if answer.status_code != 200:
            self.wrong.append(f"{identifier}: {answer.status_code} {answer.text[:200]}")
            return
        whole = answer.json()
        version, customer = whole["meta"]["version"], whole["body"]["customer"]["id"]
        before, whose = self.seen.get(identifier, (-1, customer))
        if whose == customer and version < before:
            self.wrong.append(f"{identifier}: version {version} after {before}")
        self.seen[identifier] = (version, customer)


@dataclass
class Witness:
    """Appends an event, and reads the context with ``at_least`` of it: whatever is answered has it."""

    urls: Sequence[str]
    ground: Ground
    log: Log
    wrong: list[str] = field(default_factory=list)
    held: int = 0

    async def run(self) -> None:
        headers = {"Authorization": f"Bearer {self.ground.key}"}
        ids = self.ground.tenants.ids(TENANT)
        async with httpx2.AsyncClient(headers=headers, timeout=PATIENCE) as client:
            for number in range(1, 1_000_000):
                event = an_event(
                    id=f"w-{number}", source=WITNESS_SOURCE, email=WITNESS, interaction="watch", text="w", ids=ids
                )
                await self.log.append([Record(INTERACTIONS, event.key, event.raw)])
                while not await self._has(client, number):
                    await asyncio.sleep(LOOK_SECONDS)
                self.held += 1
                await asyncio.sleep(0.2)

    async def _has(self, client: httpx2.AsyncClient, number: int) -> bool:
        """Return whether it was answered. 504 says that it is not applied yet, and must not be wrong about more."""
        query = {"identifier": f"email:{WITNESS}", "at_least": f"{WITNESS_SOURCE}#w-{number}", "wait": "2s"}
        try:
            answer = await client.get(f"{self.urls[number % len(self.urls)]}/v1/context", params=query)
        except httpx2.HTTPError:
            return False
        if answer.status_code != 200:
            if answer.status_code != 504:
                self.wrong.append(f"at_least w-{number}: {answer.status_code} {answer.text[:200]}")
            return False
        if (messages := answer.json()["body"]["counts"]["messages"]) < number:
            self.wrong.append(f"at_least w-{number} was answered with {messages} messages")
        return True


class Rebuilder:
    """``cx rebuild`` in a process of its own, begun again and again."""

    def __init__(self, ground: Ground, store: Store, rate: int) -> None:
        self._ground = ground
        self._store = store
        self._rate = rate
        self._service: Service | None = None
        self._count = 0
        self.switched = 0

    async def phase(self) -> Phase | None:
        found = await control.status(self._store)
        return found.phase if found is not None else None

    async def keep_going(self) -> None:
        """Begin a rebuild, go on with one that broke off, or drop what is kept and begin anew."""
        if self._service is not None and self._service.ended() is None:
            return
        phase = await self.phase()
        if phase == "switched" and self._service is not None:
            self.switched += 1
            self._run("rebuild drop")
        elif phase in (None, "dropped", "cancelled"):
            self._run(f"rebuild context --workers 2 --rate {self._rate}")
        elif phase == "switched":
            self._run("rebuild drop")
        else:
            self._run(f"rebuild resume --workers 2 --rate {self._rate}")

    def _run(self, line: str) -> None:
        self._count += 1
        self._service = self._ground.service(line, f"rebuild-{self._count}")
        self._service.start()

    def kill(self) -> None:
        if self._service is not None:
            self._service.kill()

    async def finish(self) -> None:
        """Return once the latest rebuild has switched."""
        while not (
            await self.phase() == "switched" and self._service is not None and self._service.ended() is not None
        ):
            if self._service is None or self._service.ended() is not None:
                await self.keep_going()
            await asyncio.sleep(LOOK_SECONDS)

    def faults(self) -> list[str]:
        """Return what the processes said that must not be said."""
        texts = [path.read_text() for path in self._ground.home.glob("rebuild-*.txt")]
        return [text[-2000:] for text in texts if "Traceback" in text or "fault of ours" in text]


async def damage(store: Store, customer: NodeId) -> None:
    """Lose a customer's parts, so that the switch has something to change."""
    async with store.writing() as tx:
        await tx.execute("DELETE FROM parts WHERE stream_id = :customer", customer=customer)


async def rebuild_killed(trial: Trial, ground: Ground, *, events: int, kills: int, followers: int) -> Trial:
    """Half of the traffic before, half of it while the rebuild and the services are killed in turn."""
    ports = [free_port() for _ in range(REPLICAS)]
    more = {"CX_STREAM_HEARTBEAT": str(HEARTBEAT_SECONDS)}
    apis = [ground.service(f"run api --port {port}", f"api-{port}", **more) for port in ports]
    projectors = ground.service(f"run projectors --port {free_port()}", "projectors", CX_LEASE_SECONDS="2")
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    services = [projectors, *apis]
    async with ground.log() as log, ground.store() as store:
        feed, done = Feed(ground, log, events), asyncio.Event()
        everybody = followers_of(ground, events, followers)
        people = max(events // EVENTS_PER_PERSON, 4)
        readers = [Reader(urls, ground.key, people, random.Random(n)) for n in range(READERS)]
        witness = Witness(urls, ground, log)
        rebuilder = Rebuilder(ground, store, max(round(events / FILL_SECONDS), 1))
        feeding = asyncio.create_task(feed.run())
        tasks = [feeding]
        with running(services, tasks):
            for service in services:
                await service.ready()
            feed.allowed = events // 2
            while feed.records < feed.allowed:
                await asyncio.sleep(LOOK_SECONDS)
            await caught_up(store, log)
            await damage(store, ground.tenants.ids(TENANT).profile("email", "", "person1@example.com"))
            trial.say(f"{feed.records} records are applied, and the parts of one customer lost")
            watching = [asyncio.create_task(each.run()) for each in (*readers, witness)]
            following = [asyncio.create_task(each.follow(urls, done.is_set)) for each in everybody]
            tasks += [*watching, *following]
            victims: list[tuple[str, Callable[[], None], Service | None]] = [
                ("the rebuild", rebuilder.kill, None),
                ("the projectors", projectors.kill, projectors),
                *((f"API {n}", api.kill, api) for n, api in enumerate(apis)),
            ]
            await _kill_in_turn(trial, rebuilder, victims, feed, kills)
            feed.allow_all()
            await feeding
            rebuilder.switched += await rebuilder.phase() == "switched"
            await rebuilder.finish()
            trial.say(f"switched {rebuilder.switched} times before the end")
            for task in watching:
                _see(task)
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)
            await caught_up(store, log)
            trial.say(f"{feed.records} records are applied; {told(everybody)}")
            await settled(trial, everybody, urls[0], ground.key)
            done.set()
            await asyncio.gather(*following)
            for service in services:
                await trial.ended_well(service)
        await trial.verified(ground, store, log)
    _check(trial, readers, witness, rebuilder, [one for each in everybody for one in each.wrong])
    return trial


async def _kill_in_turn(
    trial: Trial,
    rebuilder: Rebuilder,
    victims: Sequence[tuple[str, Callable[[], None], Service | None]],
    feed: Feed,
    kills: int,
) -> None:
    dice = random.Random(kills)
    share = feed.events // 2 // (kills + 1)
    for number in range(kills):
        feed.allowed += share
        until = asyncio.get_running_loop().time() + dice.uniform(*KILL_WITHIN)
        name, kill, service = victims[number % len(victims)]
        while asyncio.get_running_loop().time() < until or (service is None and await rebuilder.phase() != "filling"):
            await rebuilder.keep_going()
            await asyncio.sleep(LOOK_SECONDS)
        trial.say(f"kill {number + 1} of {kills}: {name}, while the rebuild is {await rebuilder.phase()}")
        kill()
        if service is not None:
            service.start()
            if name != "the projectors":
                await service.ready()


def _see(task: asyncio.Task[None]) -> None:
    """Raise what ended a task that must not end."""
    if task.done():
        task.result()


def _check(
    trial: Trial, readers: Sequence[Reader], witness: Witness, rebuilder: Rebuilder, followers_wrong: Sequence[str]
) -> None:
    met: Counter[str] = sum((each.met for each in readers), Counter())
    trial.say(f"readers met {dict(met)}; at_least held {witness.held} times")
    wrong = [one for each in readers for one in each.wrong]
    trial.check(not wrong and met["200"] > 0, f"readers saw {len(wrong)} errors or older versions{_first(wrong)}")
    trial.check(
        not witness.wrong and witness.held > 0, f"at_least failed {len(witness.wrong)} times{_first(witness.wrong)}"
    )
    trial.check(
        not followers_wrong,
        f"followers were shown {len(followers_wrong)} times what must not be{_first(followers_wrong)}",
    )
    faults = rebuilder.faults()
    trial.check(not faults, f"the rebuilds told of {len(faults)} faults{_first(faults)}")


def _first(texts: Sequence[str]) -> str:
    return "".join(f"; {text}" for text in texts[:5])


async def on_servers(events: int, kills: int, followers: int) -> Trial:
    with home() as folder, servers("kafka", "postgres") as (_, settings):
        trial = Trial("rebuild_killed")
        return await rebuild_killed(trial, Ground(folder, settings), events=events, kills=kills, followers=followers)


if __name__ == "__main__":
    sys.exit(command(__doc__, on_servers, events=20_000, kills=10, followers=50))
