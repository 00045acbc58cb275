"""Twice as much as the hub can take, for minutes: memory stays flat, what is refused is told when to come again, what
was acknowledged is stored, and afterwards the lag goes back to zero.

    python -m tests.faults.overload [--minutes N]

The hub is measured first: what it takes in a closed loop. Twice that is then offered in an open loop, whatever it
answers: single events, batches and large ones over many connections; bursts of fresh connections; slow senders; senders
that hang up in the middle; a key with a rate of its own; and readers of contexts beside them.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from tests.faults.ground import TENANT, Ground, Trial, all_records, caught_up, command, home, running, servers
from tests.faults.memory import Memory
from tests.faults.posters import message

from cx_context.document import context_body, encode_body
from cx_context.reference_definition import define
from cx_context.store import Store
from cx_context.store.context_loader import load_known
from cx_context.store.events import read_event_keys
from cx_events.facts import Fact
from cx_events.ids import NodeId, event_key
from cx_events.log import Log
from cx_hub.stack.processes import free_port
from cx_projectors.classify import read_event
from cx_runtime.tenants import Tenants, load

SOURCE = "//acme.example/chat"
PEOPLE = 5_000
BATCH = 10
LARGE = "all work and no play makes a long letter. " * 2_000
FACTOR = 2.0
"""Offered to what was taken in the closed loop."""

CONNECTIONS = 1_500
BURST = 200
SLOW = 20
READERS = 4
MOST_AT_ONCE = 50
"""Requests that are begun together: who sends must also find time to hear."""

ANSWER_SECONDS = 120.0
IDLE_SECONDS = 10.0
"""A server closes a connection that was silent for 15 s, and a request may cross that."""

COMPARED = 500_000
"""About as many events are held against the definition, of whole customers: they lie in memory meanwhile, with some 6
KB each, and millions would take an hour."""

VERIFIED_WHOLE = 100_000
"""As many are verified by ``cx verify`` itself."""

METRICS_KEY = "a key of the metrics of this trial"
LIMITED = 20
"""Events a second that the limited key may send."""

_CONFIG = """
tenants:
  acme:
    id_key: "a lasting key of this trial"
    keys:
      - {id: unlimited, secret: "a key without a limit", scopes: ["*"]}
      - {id: limited, secret: "a key with a limit", scopes: ["events:write"], rate: "RATE/s", burst: 40}
""".replace("RATE", str(LIMITED))


class OverloadGround(Ground):
    """With two keys of which one is limited."""

    def configured(self) -> OverloadGround:
        file = self.home / "tenants.yaml"
        file.write_text(_CONFIG, encoding="utf-8")
        return OverloadGround(self.home, {**self.settings, "CX_CONFIG": str(file), "CX_METRICS_KEY": METRICS_KEY})

    @property
    def tenants(self) -> Tenants:
        return load(Path(self.settings["CX_CONFIG"]), self.home, {})

    def secret(self, id: str) -> str:
        return next(key.secret for key in self.tenants.by_name[TENANT].keys if key.id == id)


@dataclass
class Told:
    """What the hub answered. ``acknowledged``: a flag for each event's number; ``wrong``: sentences."""

    offered: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    acknowledged: bytearray = field(default_factory=bytearray)
    taken: int = 0
    wrong: list[str] = field(default_factory=list)

    def numbers(self, count: int) -> range:
        """For so many new events."""
        begin = self.offered
        self.offered += count
        self.acknowledged.extend(bytes(count))
        return range(begin, self.offered)

    def heard(self, status: int, reason: str, wait: str, numbers: range) -> None:
        self.answers[f"{status} {reason}".strip()] += 1
        if status == 202:
            self.taken += len(numbers)
            for number in numbers:
                self.acknowledged[number] = 1
        elif status not in (429, 503) or not (wait.isdigit() and int(wait) >= 1):
            self.complain(f"answered {status} {reason}, Retry-After {wait!r}")

    def complain(self, sentence: str) -> None:
        if len(self.wrong) < 20:
            self.wrong.append(sentence)

    def told(self) -> str:
        return ", ".join(f"{count} × {answer}" for answer, count in sorted(self.answers.items()))


class Wire:
    """One connection, made anew where it was closed."""

    def __init__(self, port: int, key: str, told: Told) -> None:
        self._port = port
        self._key = key
        self._told = told
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._used = 0.0

    async def post(self, numbers: range, *, large: bool = False, drip: float = 0.0) -> None:
        """Send events and hear the answer. ``drip``: seconds that the body takes."""
        body = _body(numbers, large)
        kind = "cloudevents-batch+json" if len(numbers) > 1 else "cloudevents+json"
        head = (
            f"POST /v1/events HTTP/1.1\r\nhost: hub\r\nauthorization: Bearer {self._key}\r\n"
            f"content-type: application/{kind}\r\ncontent-length: {len(body)}\r\n\r\n"
        ).encode()
        await self._ask(head, body, numbers, drip)

    async def read_context(self, person: int) -> None:
        """Some context, whatever the answer: here it is the load that counts."""
        target = f"GET /v1/context?identifier=email:person{person}@example.com"
        head = f"{target} HTTP/1.1\r\nhost: hub\r\nauthorization: Bearer {self._key}\r\n\r\n".encode()
        await self._ask(head, b"", None, 0.0)

    async def begin_and_leave(self) -> None:
        """Hang up in the middle of a body."""
        _, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(
            f"POST /v1/events HTTP/1.1\r\nhost: hub\r\nauthorization: Bearer {self._key}\r\n"
            f"content-type: application/cloudevents+json\r\ncontent-length: 100000\r\n\r\n{'x' * 50_000}".encode()
        )
        with suppress(ConnectionError):
            await writer.drain()
        writer.close()

    async def _ask(self, head: bytes, body: bytes, numbers: range | None, drip: float) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                clock = asyncio.get_running_loop().time
                if clock() - self._used > IDLE_SECONDS:
                    self.close()
                self._used = clock()
                if self._writer is None:
                    self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
                assert self._reader is not None
                await self._send(self._writer, head, body, drip)
                status, headers, content = await _answer(self._reader)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            seconds = asyncio.get_running_loop().time() - self._used
            self._told.complain(f"no answer to {head[:20]!r}, sent in {drip:.0f} s, after {seconds:.0f} s: {error!r}")
            self.close()
            return
        if headers.get("connection") == "close":
            self.close()
        if numbers is not None:
            reason = "" if status == 202 else str(msgspec.json.decode(content).get("reason"))
            self._told.heard(status, reason, headers.get("retry-after", ""), numbers)

    async def _send(self, writer: asyncio.StreamWriter, head: bytes, body: bytes, drip: float) -> None:
        if not drip:
            writer.write(head + body)
            await writer.drain()
            return
        writer.write(head)
        piece = max(len(body) // 20, 1)
        for begin in range(0, len(body), piece):
            writer.write(body[begin : begin + piece])
            await writer.drain()
            await asyncio.sleep(drip / 20)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


def _body(numbers: range, large: bool) -> bytes:
    events = []
    for number in numbers:
        event = message(number, email=f"person{number % PEOPLE}@example.com")
        del event["time"]  # it happened when it is recorded
        event["data"]["interaction"] = f"chat-{number % PEOPLE}-{number % 3}"
        if large:
            event["data"]["message"]["text"] = LARGE
        events.append(event)
    return msgspec.json.encode(events if len(events) > 1 else events[0])


async def _answer(stream: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    lines = (await stream.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
    return int(lines[0].split()[1]), headers, await stream.readexactly(int(headers.get("content-length", "0")))


@dataclass
class Crowd:
    """All who send."""

    ground: OverloadGround
    port: int
    api_port: int
    told: Told = field(default_factory=Told)
    dice: random.Random = field(default_factory=lambda: random.Random(7))
    over: asyncio.Event = field(default_factory=asyncio.Event)
    unsent: int = 0

    def wire(self, key: str = "unlimited", port: int = 0) -> Wire:
        return Wire(port or self.port, self.ground.secret(key), self.told)

    async def some(self, wire: Wire) -> None:
        """One request of the mixture."""
        kind = self.dice.random()
        if kind < 0.78:
            await wire.post(self.told.numbers(1))
        elif kind < 0.98:
            await wire.post(self.told.numbers(BATCH))
        else:
            await wire.post(self.told.numbers(1), large=True)

    async def closed_loop(self, seconds: float, writers: int = 32) -> float:
        """Requests a second that are answered."""
        clock = asyncio.get_running_loop().time
        until = clock() + seconds
        answered = 0

        async def write() -> None:
            nonlocal answered
            wire = self.wire()
            while clock() < until:
                await self.some(wire)
                answered += 1
            wire.close()

        await asyncio.gather(*(write() for _ in range(writers)))
        return answered / seconds

    async def open_loop(self, rate: float, connections: int) -> None:
        """So many requests a second, whatever becomes of them, as long as a connection is free."""
        idle = [self.wire() for _ in range(connections)]
        under_way: set[asyncio.Task[None]] = set()
        clock = asyncio.get_running_loop().time
        began, begun = clock(), 0

        async def one(wire: Wire) -> None:
            await self.some(wire)
            idle.append(wire)

        while not self.over.is_set():
            await asyncio.sleep(0.01)
            due = int((clock() - began) * rate) - begun
            begun += due
            self.unsent += max(due - MOST_AT_ONCE, 0)
            for _ in range(min(due, MOST_AT_ONCE)):
                if not idle:
                    self.unsent += 1
                    continue
                task = asyncio.create_task(one(idle.pop()))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
        await asyncio.gather(*under_way)
        for wire in idle:
            wire.close()

    async def bursts(self, size: int) -> None:
        """Everybody at once, each on a fresh connection; and some who hang up."""

        async def one() -> None:
            wire = self.wire()
            await wire.post(self.told.numbers(1))
            wire.close()

        while await self._pause(5.0):
            await asyncio.gather(*(one() for _ in range(size)))
            for _ in range(5):
                with suppress(OSError):
                    await self.wire().begin_and_leave()

    async def slowly(self) -> None:
        """About 40 KB/s, which is fast enough."""
        wire = self.wire()
        while not self.over.is_set():
            await wire.post(self.told.numbers(2), large=True, drip=len(LARGE) * 2 / 40_000)
        wire.close()

    async def limited(self) -> None:
        """More than the key may send."""
        wire = self.wire("limited")
        while await self._pause(0.1):
            await wire.post(self.told.numbers(BATCH * BATCH))
        wire.close()

    async def readers(self) -> None:
        wire = self.wire(port=self.api_port)
        while await self._pause(0.02):
            await wire.read_context(self.dice.randrange(PEOPLE))
        wire.close()

    async def _pause(self, seconds: float) -> bool:
        """Whether to go on."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.over.wait(), seconds)
        return not self.over.is_set()


async def overload(
    trial: Trial,
    ground: OverloadGround,
    *,
    seconds: float,
    connections: int = CONNECTIONS,
    percent: float = 10.0,
    spare: int = 16 << 20,
    settings: dict[str, str] | None = None,
) -> Trial:
    """``percent`` and ``spare`` bytes: what memory may grow by beside caches. ``settings``: of channels."""
    ground = ground.configured()
    ports = {name: free_port() for name in ("channels", "projectors", "api")}
    services = {
        name: ground.service(f"run {name} --port {port}", name, **((settings or {}) if name == "channels" else {}))
        for name, port in ports.items()
    }
    crowd = Crowd(ground, ports["channels"], ports["api"])
    with running(list(services.values()), []):
        for service in services.values():
            await service.ready()
        warming = min(max(seconds / 10, 2.0), 20.0)
        capacity = await crowd.closed_loop(warming)
        trial.say(f"takes {capacity:.0f} requests/s in a closed loop; {FACTOR:g} times that is offered from now on")
        memory = Memory(services, ports, METRICS_KEY)
        watching = asyncio.create_task(memory.watch(min(1.0, seconds / 60)))
        sending: list[Coroutine[Any, Any, None]] = [
            crowd.open_loop(capacity * FACTOR, connections),
            crowd.bursts(min(BURST, connections)),
            crowd.limited(),
            *(crowd.slowly() for _ in range(min(SLOW, connections // 10))),
            *(crowd.readers() for _ in range(READERS)),
        ]
        async with asyncio.TaskGroup() as group:
            for work in sending:
                group.create_task(work)
            await _told_meanwhile(trial, crowd, seconds)
            crowd.over.set()
        watching.cancel()
        told = crowd.told
        trial.say(f"{told.offered} events offered, {told.taken} taken; {told.told()}; {crowd.unsent} could not be sent")
        memory.check(trial, percent, spare)
        trial.check(not told.wrong, f"whoever was refused heard 429 or 503 and when to come again {told.wrong[:5]}")
        # A key's share of a full hub ends before the hub does, so where one key sends, few or none hear 503.
        full = [each for each in told.answers if each.startswith("503") or "requests-of-key" in each]
        trial.check(bool(full), "some were refused because the hub, or the key's share of it, was full")
        trial.check("429 rate-limited" in told.answers, "some were refused because of their key's rate")
        async with ground.log() as log, ground.store() as store:
            await caught_up(store, log)
            trial.say("the lag is zero again")
            await _all_stored(trial, store, told)
            await _as_defined(trial, ground, log, store)
        for service in services.values():
            await trial.ended_well(service)
    return trial


async def _told_meanwhile(trial: Trial, crowd: Crowd, seconds: float) -> None:
    until = asyncio.get_running_loop().time() + seconds
    while (left := until - asyncio.get_running_loop().time()) > 0:
        await asyncio.sleep(min(left, 60.0))
        trial.say(f"{crowd.told.offered} events offered, {crowd.told.taken} taken")


async def _all_stored(trial: Trial, store: Store, told: Told) -> None:
    async with store.reading() as tx:
        stored = await read_event_keys(tx)
    acknowledged = [number for number, flag in enumerate(told.acknowledged) if flag]
    lost = sum(event_key(TENANT, SOURCE, f"m-{number}") not in stored for number in acknowledged)
    trial.check(not lost, f"of {len(acknowledged)} acknowledged events {lost} are missing; {len(stored)} are stored")


async def _as_defined(trial: Trial, ground: OverloadGround, log: Log, store: Store) -> None:
    """``cx verify``, if all events fit into memory; else the same for a share of the customers, which is as good here,
    where each event names one profile alone."""
    async with store.reading() as tx:
        count = (await tx.fetch("SELECT count(*) FROM events"))[0][0]
    if count <= VERIFIED_WHOLE:
        await trial.verified(ground, store, log)
        return
    shares = -(-count // COMPARED)
    share = random.randrange(shares)
    customers, wrong = await _share_as_defined(ground, log, store, share, shares)
    trial.check(not wrong, f"{wrong} of {customers} contexts, one customer of {shares}, differ from their definition")


async def _share_as_defined(ground: OverloadGround, log: Log, store: Store, share: int, shares: int) -> tuple[int, int]:
    tenancy = ground.tenancies[TENANT]
    facts: dict[bytes, Fact] = {}
    async for fact in _facts(log, ground):
        if int.from_bytes(fact.stream_id[-4:], "big") % shares == share:
            other = facts.get(fact.key)
            if other is None or fact.copy_order < other.copy_order:
                facts[fact.key] = fact
    known = define(facts.values(), tenancy.ids, tenancy.rules).known
    wrong = 0
    async with store.reading() as tx:
        for customer, defined in known.items():
            wrong += not await _same(ground, tx, customer, defined)
    return len(known), wrong


async def _same(ground: OverloadGround, tx: Any, customer: NodeId, defined: Any) -> bool:
    kept = context_body(await load_known(tx, ground.tenancies[TENANT].ids, customer), ground.window)
    return encode_body(kept) == encode_body(context_body(defined, ground.window))


async def _facts(log: Log, ground: OverloadGround) -> AsyncIterator[Fact]:
    ids = ground.tenancies[TENANT].ids
    async for record in all_records(log):
        yield read_event(record.value, lambda tenant: ids if tenant == TENANT else None).fact


async def on_own_servers(minutes: float) -> Trial:
    with home() as folder, servers("kafka", "postgres") as (_, settings):
        spare = 16 << 20 if minutes >= 10 else 64 << 20  # caches fill up at first
        trial = Trial("overload")
        return await overload(trial, OverloadGround(folder, settings), seconds=minutes * 60, spare=spare)


if __name__ == "__main__":
    sys.exit(command(__doc__, on_own_servers, minutes=30.0))
