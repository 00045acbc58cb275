"""Everybody who uses a hub at once: senders, readers, followers as a browser's EventSource is one, and visitors in open
chats whom agents answer."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from tests.faults.posters import Event, message
from tests.sse import following
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from cx_events.errors import Refused, TryLater
from cx_hub.client import Client, connected

PEOPLE = 400
PER_REQUEST = 20
MOST_UNDER_WAY = 50
AGAIN_SECONDS = 0.5
CONTACT_MESSAGES = 20
MOST_UNSENT = 2
"""A visitor whose words are not acknowledged waits before writing more."""


@dataclass
class Senders:
    """So many events a second, each request sent until it is acknowledged. While many wait no more are begun.
    ``acknowledged``: how many of each person's."""

    url: str
    key: str
    rate: float
    acknowledged: Counter[int] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    paused: bool = False
    under_way: set[asyncio.Task[None]] = field(default_factory=set)
    slowest: float = 0.0
    _number: int = 0

    async def run(self) -> None:
        async with connected(self.url, self.key) as client:
            while True:
                await asyncio.sleep(PER_REQUEST / self.rate)
                if not self.paused and len(self.under_way) < MOST_UNDER_WAY:
                    task = asyncio.create_task(self._send(client))
                    self.under_way.add(task)
                    task.add_done_callback(self.under_way.discard)

    async def pause(self) -> None:
        """Returns once all that was begun is acknowledged."""
        self.paused = True
        while self.under_way:
            await asyncio.wait(self.under_way)

    async def _send(self, client: Client) -> None:
        numbers = range(self._number, self._number + PER_REQUEST)
        self._number += PER_REQUEST
        await send_until_taken(client, [event_of(number) for number in numbers], self.answers, self)
        self.acknowledged.update(number % PEOPLE for number in numbers)


def event_of(number: int) -> Event:
    """One person's next message, in a contact of twenty."""
    person = number % PEOPLE
    event = message(number, email=address(person))
    event["time"] = now()
    event["data"]["interaction"] = f"chat-{person}-{number // PEOPLE // CONTACT_MESSAGES}"
    return event


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def address(person: int) -> str:
    return f"person{person}@example.com"


async def send_until_taken(client: Client, events: list[Event], answers: Counter[str], senders: Senders) -> None:
    while True:
        began = time.monotonic()
        try:
            status, answer = await client.send(events)
        except TryLater as later:
            senders.slowest = max(senders.slowest, time.monotonic() - began)
            answers["no answer" if "no answer" in later.detail else "503"] += 1
            await asyncio.sleep(AGAIN_SECONDS)
            continue
        answers[str(status)] += 1
        if status != 202 or answer["rejected"]:
            raise AssertionError(f"{status}: {answer}")
        return


@dataclass
class Readers:
    """So many contexts a second, whatever the answer."""

    url: str
    key: str
    rate: float
    answers: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0

    async def run(self) -> None:
        dice = random.Random(3)
        under_way: set[asyncio.Task[None]] = set()
        async with connected(self.url, self.key) as client:
            while True:
                await asyncio.sleep(1 / self.rate)
                task = asyncio.create_task(self._read(client, dice.randrange(PEOPLE)))
                under_way.add(task)
                task.add_done_callback(under_way.discard)

    async def _read(self, client: Client, person: int) -> None:
        began = time.monotonic()
        try:
            await client.get("/v1/context", identifier=f"email:{address(person)}")
            self.answers["200"] += 1
        except TryLater as later:
            self.answers["no answer" if "no answer" in later.detail else "503"] += 1
        except Refused as refused:
            self.answers[str(refused.status)] += 1
        self.slowest = max(self.slowest, time.monotonic() - began)


@dataclass
class EventSource:
    """A follower that does what the HTML standard says and no more: it comes again where a stream ends or breaks, with
    the last id, and is over for good (``failed``) at an answer that is no stream
    (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

    url: str
    path: str
    key: str
    version: int = -1
    body: Any = None
    failed: str = ""
    connections: int = 0
    wrong: list[str] = field(default_factory=list)
    _last_id: str = ""
    _retry: float = 0.5

    async def run(self) -> None:
        while not self.failed:
            with suppress(OSError, EOFError, asyncio.IncompleteReadError):
                await self._follow()
            await asyncio.sleep(self._retry)

    async def _follow(self) -> None:
        async with following(self.url, self.path, self.key, self._last_id) as stream:
            self.connections += 1
            if stream.status != 200:
                self.failed = f"{stream.status} {stream.problem.get('reason')}"
                return
            while True:
                event = await stream.event()
                self._last_id = stream.last_id or self._last_id
                self._retry = stream.retry / 1000 if stream.retry else self._retry
                if event is None or event.name != "context":
                    continue
                if event.version < self.version:
                    self.wrong.append(f"version {event.version} after {self.version}")
                self.version, self.body = event.version, event.data["body"]


@dataclass
class Visitor:
    """A browser with the chat's widget: it comes back by itself, sends again what was not acknowledged, and shows every
    message once."""

    url: str
    number: int
    interaction: str = ""
    shown: list[str] = field(default_factory=list)
    repeated: int = 0
    connections: int = 0
    unsent: dict[str, str] = field(default_factory=dict)
    said: int = 0
    wrong: list[str] = field(default_factory=list)
    quiet: bool = False
    _session: str = ""
    _last: str = ""

    async def run(self) -> None:
        pause = 0.5
        while True:
            try:
                async with asyncio.timeout(10):
                    socket = await connect(f"{self.url.replace('http', 'ws', 1)}/v1/chat/acme-chat")
                try:
                    self.connections += 1
                    await self._talk(socket)
                    pause = 0.5
                finally:
                    await socket.close()
            except (WebSocketException, OSError):
                pass
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, 5.0)

    async def _talk(self, socket: ClientConnection) -> None:
        hello = {"type": "hello", "visitor": {"email": f"visitor{self.number}@example.com"}}
        await _say(socket, {**hello, "session": self._session, "last": self._last} if self._session else hello)
        async with asyncio.timeout(10):
            await self._hear_one(socket)
        for id in self.unsent:
            await self._send(socket, id)
        speaking = asyncio.create_task(self._speak(socket))
        try:
            while True:
                async with asyncio.timeout(30):
                    await self._hear_one(socket)
        finally:
            speaking.cancel()

    async def _speak(self, socket: ClientConnection) -> None:
        with suppress(WebSocketException):
            while True:
                await asyncio.sleep(1.0)
                if not self.quiet and len(self.unsent) < MOST_UNSENT and random.random() < 0.25:
                    self.said += 1
                    self.unsent[f"v{self.number}-{self.said}"] = f"word {self.said}"
                for id in list(self.unsent):
                    await self._send(socket, id)
                await _say(socket, {"type": "ping"})

    async def _send(self, socket: ClientConnection, id: str) -> None:
        await _say(socket, {"type": "message", "id": id, "text": self.unsent[id]})

    async def _hear_one(self, socket: ClientConnection) -> None:
        heard = msgspec.json.decode(await socket.recv())
        match heard["type"]:
            case "welcome":
                self._session = heard["session"]
                if self.interaction and self.interaction != heard["interaction"]:
                    self.wrong.append("another chat was given")
                self.interaction = heard["interaction"]
            case "ack":
                self.unsent.pop(heard["id"], None)
            case "message":
                self.repeated += heard["id"] in self.shown
                self._last = heard["id"]
                if heard["id"] not in self.shown:
                    self.shown.append(heard["id"])
            case "error" if "retry_after" not in heard:
                self.wrong.append(f"refused: {heard['reason']}")


async def _say(socket: ClientConnection, what: dict[str, Any]) -> None:
    await socket.send(msgspec.json.encode(what).decode())


@dataclass
class Agents:
    """Who answers every visitor every few seconds. ``said``: ids that were acknowledged, by interaction."""

    url: str
    key: str
    visitors: list[Visitor]
    senders: Senders
    every: float = 2.0
    said: dict[str, list[str]] = field(default_factory=dict)
    paused: bool = False
    under_way: int = 0
    _count: int = 0

    async def run(self) -> None:
        async with connected(self.url, self.key) as client, asyncio.TaskGroup() as group:
            for visitor in self.visitors:
                group.create_task(self._answer(client, visitor))

    async def pause(self) -> None:
        self.paused = True
        while self.under_way:
            await asyncio.sleep(0.05)

    async def _answer(self, client: Client, visitor: Visitor) -> None:
        while True:
            await asyncio.sleep(self.every * random.uniform(0.5, 1.5))
            if self.paused or not visitor.interaction:
                continue
            self._count += 1
            event = answer_to(visitor.interaction, self._count)
            self.under_way += 1
            await send_until_taken(client, [event], Counter(), self.senders)
            self.under_way -= 1
            self.said.setdefault(visitor.interaction, []).append(f"{event['source']}#{event['id']}")


def answer_to(interaction: str, number: int) -> Event:
    return {
        "specversion": "1.0",
        "id": f"a-{number}",
        "source": "//acme.example/desk",
        "type": "cx.message.sent.v1",
        "time": now(),
        "data": {
            "channel": "chat",
            "interaction": interaction,
            "direction": "outbound",
            "participants": [{"role": "agent", "name": "Ben"}],
            "agent": {"id": "agent-1", "name": "Ben"},
            "message": {"id": f"a-{number}", "text": f"answer {number}", "content_type": "text/plain"},
        },
    }
