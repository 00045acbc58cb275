"""The broker, the database, or both are away for 1 to 60 s by SIGKILL, SIGTERM or SIGSTOP, again and again at random,
while events, reads, followers and chats go on: afterwards all goes on by itself, nothing is lost and nothing counted
twice, and ``/readyz`` never said that all was well while a worker was gone.

    python -m tests.faults.outages [--times N] [--seed N] [--most SECONDS] [--form one|each]

Each time, from the moment when the servers answer again: lag zero within 15 s; every follower has the latest state of
its customer, as a browser's EventSource would; every open chat has what agents answered. ``one``: all services in one
process; ``each``: each service in its own.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.faults.away import Outage, Servers, away, own_servers, planned
from tests.faults.crowd import PEOPLE, Agents, EventSource, Readers, Senders, Visitor, address
from tests.faults.ground import TENANT, Ground, Service, Trial, home, run, running
from tests.faults.watching import Watching
from tests.patience import PATIENCE

from cx_events.errors import TryLater
from cx_events.ids import text_of
from cx_hub.client import connected
from cx_hub.stack.processes import free_port

EVENTS_A_SECOND = 200.0
READS_A_SECOND = 20.0
FOLLOWERS = 50
VISITORS = 10

NOTICED_SECONDS = 4.0
"""A probe may take 2 s, a reader's silence 3 s, before it is known that a server is away."""
LAG_SECONDS = 15.0
WHOLE_SECONDS = 30.0
READY_SECONDS = 30.0
LINES = 20
"""That a process may say about an outage, and as many again for each minute of it."""


@dataclass
class Form:
    """How the hub is run. ``intake`` and ``api``: the URLs that events and questions go to."""

    services: dict[str, Service]
    urls: dict[str, str]
    intake: str
    api: str

    @property
    def projecting(self) -> list[str]:
        """The processes that apply events."""
        return [name for name in self.services if name.startswith("projectors") or name == "hub"]

    def using(self, outage: Outage) -> list[str]:
        """The processes that need what is away: intake needs the broker alone."""
        return [name for name in self.services if name != "channels" or "kafka" in outage.parts]


def in_one(ground: Ground) -> Form:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    return Form({"hub": ground.service(f"up --port {port} --workers 2", "hub")}, {"hub": url}, url, url)


def in_each(ground: Ground) -> Form:
    commands = {
        "channels": "run channels",
        "projectors-1": "run projectors",
        "projectors-2": "run projectors",
        "api": "run api",
        "ops": "run ops",
        "desktop": "run desktop",
    }
    ports = {name: free_port() for name in commands}
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    services = {name: ground.service(f"{command} --port {ports[name]}", name) for name, command in commands.items()}
    return Form(services, urls, urls["channels"], urls["api"])


FORMS: dict[str, Callable[[Ground], Form]] = {"one": in_one, "each": in_each}


@dataclass
class Crowd:
    """All who use the hub meanwhile."""

    ground: Ground
    form: Form
    senders: Senders = field(init=False)
    readers: Readers = field(init=False)
    followers: list[EventSource] = field(init=False)
    visitors: list[Visitor] = field(init=False)
    agents: Agents = field(init=False)

    def __post_init__(self) -> None:
        key, form = self.ground.key, self.form
        ids = self.ground.tenants.ids(TENANT)
        self.senders = Senders(form.intake, key, EVENTS_A_SECOND)
        self.readers = Readers(form.api, key, READS_A_SECOND)
        paths = [
            f"/v1/customers/{text_of(ids.profile('email', '', address(number)))}/stream" for number in range(FOLLOWERS)
        ]
        self.followers = [EventSource(form.api, path, key) for path in paths]
        self.visitors = [Visitor(form.intake, number) for number in range(VISITORS)]
        self.agents = Agents(form.intake, key, self.visitors, self.senders)

    def all(self) -> list[Awaitable[None]]:
        return [
            self.readers.run(),
            self.agents.run(),
            *(follower.run() for follower in self.followers),
            *(visitor.run() for visitor in self.visitors),
        ]

    async def pause(self) -> None:
        """Returns once all events that were begun are acknowledged."""
        for visitor in self.visitors:
            visitor.quiet = True
        await self.senders.pause()
        await self.agents.pause()

    def go_on(self) -> None:
        self.senders.paused = self.agents.paused = False
        for visitor in self.visitors:
            visitor.quiet = False

    async def behind(self) -> list[str]:
        """Followers that have not the latest state, and chats that lack an answer or an acknowledgement."""
        found = []
        async with connected(self.form.api, self.ground.key) as client:
            for number, follower in enumerate(self.followers):
                try:
                    fresh = await client.get(follower.path.removesuffix("stream") + "context")
                except TryLater as later:
                    found.append(f"person {number} can't be read: {later.detail}")
                    continue
                if (follower.version, follower.body) != (fresh["meta"]["version"], fresh["body"]):
                    found.append(f"follower {number} is at {follower.version}, not {fresh['meta']['version']}")
        for visitor in self.visitors:
            if visitor.unsent:
                found.append(f"chat {visitor.number} has {len(visitor.unsent)} words that were not acknowledged")
            missing = set(self.agents.said.get(visitor.interaction, ())) - set(visitor.shown)
            if missing:
                found.append(f"chat {visitor.number} lacks {len(missing)} answers")
        return found

    def wrong(self) -> list[str]:
        """What must never be."""
        followers = [f"follower {n} gave up: {one.failed}" for n, one in enumerate(self.followers) if one.failed]
        followers += [f"follower {n}: {wrong}" for n, one in enumerate(self.followers) for wrong in one.wrong]
        return followers + [f"chat {one.number}: {wrong}" for one in self.visitors for wrong in one.wrong]


async def outages(
    trial: Trial,
    ground: Ground,
    servers: Servers,
    form: Form,
    *,
    times: int,
    seed: int,
    most: float,
    slower: float = 1.0,
) -> Trial:
    """So many outages after each other. ``slower``: how much longer than usual all may take on this machine."""
    dice = random.Random(seed)
    crowd = Crowd(ground, form)
    async with ground.log() as log, ground.store() as store:
        watching = Watching(form.urls, log, store)
        tasks: list[asyncio.Task[Any]] = []
        with running(list(form.services.values()), tasks):
            for service in form.services.values():
                await service.ready()
            await _settle(crowd, watching, tasks)
            trial.say(f"{len(form.services)} processes at work, {FOLLOWERS} followers, {VISITORS} chats")
            for number, outage in enumerate(planned(times, seed, most), 1):
                await asyncio.sleep(dice.uniform(2, 6))
                await _one(trial, crowd, watching, servers, outage, f"{number} of {times}", slower)
                for task in tasks:
                    if task.done():
                        task.result()
            await crowd.pause()
            await _counted(trial, crowd)
            trial.check(not crowd.wrong(), f"nobody was told what must not be {crowd.wrong()[:5]}")
            _told(trial, crowd)
            untrue = watching.untrue(form.projecting, slower)
            trial.check(not untrue, f"/readyz was never 200 while nothing was applied {untrue[:5]}")
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            for service in form.services.values():
                await trial.ended_well(service)
        await trial.verified(ground, store, log)
    return trial


async def _settle(crowd: Crowd, watching: Watching, tasks: list[asyncio.Task[Any]]) -> None:
    """All is at work, and everybody who is followed is known: an EventSource gives up at a 404."""
    tasks += [asyncio.create_task(work) for work in (watching.run(), crowd.senders.run())]
    while len(crowd.senders.acknowledged) < PEOPLE:
        await asyncio.sleep(0.1)
    await crowd.senders.pause()
    assert await watching.caught_up(time.monotonic() + PATIENCE) is not None, "nothing is applied"
    tasks += [asyncio.ensure_future(work) for work in crowd.all()]
    crowd.go_on()
    until = time.monotonic() + PATIENCE
    while not all(one.version >= 0 for one in crowd.followers) or not all(one.interaction for one in crowd.visitors):
        assert time.monotonic() < until, f"not all could begin: {crowd.wrong()}"
        await asyncio.sleep(0.1)


async def _one(
    trial: Trial, crowd: Crowd, watching: Watching, servers: Servers, outage: Outage, which: str, slower: float
) -> None:
    """One outage, and what must hold after it."""
    form = crowd.form
    said = _lines(form)
    times = await away(servers, outage)
    back = times.back
    if times.gone is not None and (noticed := times.gone + NOTICED_SECONDS * min(slower, 2.0)) < times.called:
        lied = watching.ready_between(form.using(outage), noticed, times.called)
        trial.check(not lied, f"{which}, {outage}: nobody was ready meanwhile {lied[:3]}")
    await asyncio.sleep(3.0)  # all goes on for a while; then it pauses, so that the end can be reached
    pausing = asyncio.create_task(crowd.pause())
    soon = back + LAG_SECONDS * slower
    at = await watching.caught_up(soon) if await _within(pausing, soon) else None
    trial.check(at is not None, f"{which}, {outage}: lag zero {_after(at, back)} the return {_else(at, watching)}")
    whole, behind = await _whole(crowd, back + WHOLE_SECONDS * slower)
    trial.check(
        whole is not None, f"{which}, {outage}: followers and chats whole {_after(whole, back)} the return {behind[:5]}"
    )
    ready = await watching.all_ready(back + READY_SECONDS * slower)
    trial.check(ready is not None, f"{which}, {outage}: all ready {_after(ready, back)} {_else(ready, watching)}")
    chatty = {name: lines - said[name] for name, lines in _lines(form).items()}
    bound = LINES * (1 + (back - times.told) // 60)
    trial.check(max(chatty.values()) <= bound, f"{which}, {outage}: lines said {chatty}")
    await pausing
    crowd.go_on()


async def _within(task: asyncio.Task[None], until: float) -> bool:
    done, _ = await asyncio.wait({task}, timeout=max(until - time.monotonic(), 0.0))
    return bool(done)


async def _whole(crowd: Crowd, until: float) -> tuple[float | None, list[str]]:
    while True:
        behind = await crowd.behind()
        if not behind:
            return time.monotonic(), []
        if time.monotonic() > until:
            return None, behind
        await asyncio.sleep(0.25)


def _after(at: float | None, back: float) -> str:
    return f"{at - back:.1f} s after" if at is not None else "NOT in time after"


def _else(at: float | None, watching: Watching) -> str:
    if at is not None:
        return ""
    latest = watching.samples[-1] if watching.samples else None
    return f"({latest}; {watching.why()})"


def _lines(form: Form) -> dict[str, int]:
    return {name: service.said.read_bytes().count(b"\n") for name, service in form.services.items()}


async def _counted(trial: Trial, crowd: Crowd) -> None:
    """Every acknowledged event counts once."""
    wrong = []
    async with connected(crowd.form.api, crowd.ground.key) as client:
        for person, sent in sorted(crowd.senders.acknowledged.items()):
            counts = (await client.get("/v1/context", identifier=f"email:{address(person)}"))["body"]["counts"]
            if counts["messages"] != sent:
                wrong.append(f"{address(person)}: {counts['messages']} of {sent}")
    total = crowd.senders.acknowledged.total()
    trial.check(not wrong, f"each of {total} acknowledged events counts once, of {PEOPLE} customers {wrong[:5]}")


def _told(trial: Trial, crowd: Crowd) -> None:
    senders, readers = crowd.senders, crowd.readers
    trial.say(f"events: {dict(senders.answers)}, the slowest refusal took {senders.slowest:.1f} s")
    trial.say(f"reads: {dict(readers.answers)}, the slowest took {readers.slowest:.1f} s")
    connections = sum(one.connections for one in crowd.followers)
    trial.say(f"{FOLLOWERS} followers connected {connections} times")
    answers = sum(len(said) for said in crowd.agents.said.values())
    trial.say(
        f"{VISITORS} chats connected {sum(one.connections for one in crowd.visitors)} times and were shown "
        f"{answers} answers, {sum(one.repeated for one in crowd.visitors)} of them again"
    )


async def on_own_servers(form: str, *, times: int, seed: int, most: float) -> Trial:
    trial = Trial(f"outages, {'all services in one process' if form == 'one' else 'each service in its own process'}")
    with home() as folder, own_servers() as (servers, settings):
        ground = Ground(folder, settings)
        trial.say(f"{trial.name}; seed {seed}")
        return await outages(trial, ground, servers, FORMS[form](ground), times=times, seed=seed, most=most)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    parser.add_argument("--most", type=float, default=60.0, help="seconds that the longest outage takes")
    parser.add_argument("--form", choices=tuple(FORMS), help="in this form alone")
    given = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # the trial itself asks a broker that is away
    forms = [given.form] if given.form else list(FORMS)
    return max(run(on_own_servers(form, times=given.times, seed=given.seed, most=given.most)) for form in forms)


if __name__ == "__main__":
    sys.exit(main())
