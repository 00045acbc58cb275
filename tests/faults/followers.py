"""Followers of customers and of agents' desks, reconnecting at random while events flow and the API is killed with
SIGKILL and started again: nobody is shown an older state than before, and all end with what a fresh read gives.

    python -m tests.faults.followers [--events N] [--kills N] [--followers N]
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

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
from tests.faults.traffic import EVENTS_PER_PERSON
from tests.patience import PATIENCE
from tests.sse import Event, Stream, following

from cx_events.ids import text_of
from cx_hub.client import connected
from cx_hub.stack.processes import free_port

REPLICAS = 2
HEARTBEAT_SECONDS = 2.0
STAY_SECONDS = (0.05, 3.0)


@dataclass
class Follower:
    """Goes from replica to replica with what it was told last. ``wrong``: what must never be."""

    name: str
    path: str
    key: str
    dice: random.Random
    wrong: list[str] = field(default_factory=list)
    met: Counter[str] = field(default_factory=Counter)
    last_id: str = ""

    async def follow(self, urls: list[str], enough: Callable[[], bool]) -> None:
        """Until ``enough`` says so, which is asked between connections."""
        while not enough():
            try:
                await self._stay(self.dice.choice(urls), self.dice.uniform(*STAY_SECONDS))
            except (OSError, EOFError, TimeoutError, asyncio.IncompleteReadError) as error:
                self.met[type(error).__name__] += 1
                await asyncio.sleep(self.dice.uniform(0.02, 0.2))

    async def _stay(self, url: str, seconds: float) -> None:
        async with following(url, self.path, self.key, self.last_id) as stream:
            self.met[str(stream.status)] += 1
            if stream.status != 200:
                if stream.status not in (404, 503):
                    self.wrong.append(f"{self.name}: {stream.status} {stream.problem}")
                await asyncio.sleep(0.2)
                return
            await self._hear(stream, seconds)

    async def _hear(self, stream: Stream, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                while True:
                    event = await stream.next()
                    self.met[event.name] += 1
                    self.heard(event)
                    self.last_id = stream.last_id or self.last_id
        except TimeoutError:
            self.met["left"] += 1

    def heard(self, event: Event) -> None:
        raise AssertionError("each kind says how")

    def holds(self, now: Any) -> bool:
        """Whether it has what a fresh read gave."""
        raise AssertionError("each kind says how")


@dataclass
class OfCustomer(Follower):
    version: int = -1
    customer: str = ""
    moved_to: str = ""
    body: Any = None

    def heard(self, event: Event) -> None:
        if event.name == "moved":
            self.moved_to = event.data["customer"]
            return
        customer = event.data["body"]["customer"]["id"]
        if event.version < self.version or (event.version == self.version and customer == self.customer):
            self.wrong.append(f"{self.name}: version {event.version} after {self.version}")
        if self.customer and customer != self.customer and self.moved_to != customer:
            self.wrong.append(f"{self.name}: shown {customer} after {self.customer} without a word")
        self.version, self.customer, self.body = event.version, customer, event.data["body"]

    def holds(self, now: Any) -> bool:
        return bool(self.version == now["meta"]["version"] and self.body == now["body"])


@dataclass
class OfAgent(Follower):
    desk: dict[tuple[str, str], str] = field(default_factory=dict)

    def heard(self, event: Event) -> None:
        if event.name == "live":
            live = {(one["interaction"], one["customer"]) for one in event.data["assignments"]}
            if unheard := live - self.desk.keys():
                self.wrong.append(f"{self.name}: {len(unheard)} live interactions were never told")
            self.desk = {key: why for key, why in self.desk.items() if key in live}
            return
        key = (event.data["interaction"], event.data["customer"])
        if event.name == "released":
            self.desk.pop(key, None)
        else:
            self.desk[key] = event.data["why"]

    def holds(self, now: Any) -> bool:
        return bool(self.desk == now)


def followers_of(ground: Ground, events: int, count: int) -> list[Follower]:
    """Customers by their addresses and cookies, the busiest among them, and one agent in ten followers."""
    ids = ground.tenants.ids(TENANT)
    people = max(events // EVENTS_PER_PERSON, 4)
    found: list[Follower] = []
    for number in range(count):
        dice = random.Random(number)
        if number % 10 == 9:
            name = f"agent-{number % 30}"
            found.append(OfAgent(name, f"/v1/stream?agent={name}", ground.key, dice))
            continue
        person = 0 if number % 10 == 0 else dice.randrange(people)
        kind, value = ("email", f"person{person}@example.com") if number % 3 else ("cookie", f"c-{person}-1")
        id = text_of(ids.profile(kind, "", value))
        found.append(OfCustomer(f"{kind}:{value}", f"/v1/customers/{id}/stream", ground.key, dice))
    return found


async def api_killed(trial: Trial, ground: Ground, *, events: int, kills: int, followers: int) -> Trial:
    """A share of the traffic for each kill, of one replica after the other."""
    ports = [free_port() for _ in range(REPLICAS)]
    more = {"CX_STREAM_HEARTBEAT": str(HEARTBEAT_SECONDS)}
    apis = [ground.service(f"run api --port {port}", f"api-{port}", **more) for port in ports]
    projectors = ground.service(f"run projectors --port {free_port()}", "projectors")
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    services = [projectors, *apis]
    async with ground.log() as log, ground.store() as store:
        feed, everybody = Feed(ground, log, events), followers_of(ground, events, followers)
        done = asyncio.Event()
        tasks = [asyncio.create_task(each.follow(urls, done.is_set)) for each in everybody]
        feeding = asyncio.create_task(feed.run())
        with running(services, [feeding, *tasks]):
            for service in services:
                await service.ready()
            for number in range(1, kills + 1):
                feed.allowed = number * events // (kills + 1)
                while await applied(store) < feed.allowed - events // (kills + 1) // 2:
                    await asyncio.sleep(LOOK_SECONDS / 4)
                victim = apis[number % REPLICAS]
                trial.say(f"kill {number} of {kills} at {await applied(store)} events")
                await _restarted(victim)
            feed.allow_all()
            await feeding
            await caught_up(store, log)
            trial.say(f"{feed.records} records are applied; {told(everybody)}")
            await settled(trial, everybody, urls[0], ground.key)
            done.set()
            await asyncio.gather(*tasks)
            for service in services:
                await trial.ended_well(service)
        await trial.verified(ground, store, log)
    wrong = [one for each in everybody for one in each.wrong]
    trial.check(
        not wrong, f"{len(wrong)} times somebody was shown what must not be{''.join(f'; {w}' for w in wrong[:5])}"
    )
    return trial


async def _restarted(service: Service) -> None:
    service.kill()
    service.start()
    await service.ready()


async def settled(trial: Trial, everybody: list[Follower], url: str, key: str) -> None:
    """All have what a fresh read gives, within a while; those whom nobody knows by that id have nothing."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    waiting = everybody
    async with connected(url, key) as client:
        while waiting and asyncio.get_running_loop().time() < deadline:
            waiting = [each for each in waiting if not each.holds(await _fresh(client, url, each))]
            await asyncio.sleep(LOOK_SECONDS)
    names = ", ".join(each.name for each in waiting[:5])
    trial.check(
        not waiting, f"{len(everybody) - len(waiting)} of {len(everybody)} end with what a fresh read gives {names}"
    )


async def _fresh(client: Any, url: str, follower: Follower) -> Any:
    if isinstance(follower, OfCustomer):
        return await client.get(follower.path.removesuffix("stream") + "context")
    desk: dict[tuple[str, str], str] = {}
    async with following(url, follower.path, follower.key) as stream:
        while (event := await stream.next()).name != "live":
            if event.name == "assignment":
                desk[event.data["interaction"], event.data["customer"]] = event.data["why"]
    return desk


def told(everybody: list[Follower]) -> str:
    total: Counter[str] = sum((each.met for each in everybody), Counter())
    return ", ".join(f"{count} × {what}" for what, count in total.most_common())


async def on_servers(events: int, kills: int, followers: int) -> Trial:
    with home() as folder, servers("kafka", "postgres") as (_, settings):
        trial = Trial("followers")
        return await api_killed(trial, Ground(folder, settings), events=events, kills=kills, followers=followers)


if __name__ == "__main__":
    sys.exit(command(__doc__, on_servers, events=20_000, kills=10, followers=50))
