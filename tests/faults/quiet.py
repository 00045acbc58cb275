"""The load of a tenant that minds its own business, and how long everything of it takes."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec
from tests.sse import following
from websockets.asyncio.client import ClientConnection, connect

from cx_events.ids import IdSpace, text_of

EVENTS = 200
READS = 20
FOLLOWERS = 50
CHATS = 10
PEOPLE = 500
"""Of whom the first are followed."""

SOURCE = "//quiet.example/chat"
ANSWER_SECONDS = 30.0
IDLE_SECONDS = 5.0
"""A server closes a connection that was silent for 15 s, and a request may cross that."""

MACHINE_IS_SLOW = ("log-too-slow", "try-later")
"""Reasons of a 503 that tell of the machine, and of no bound that others could fill up."""

_WORD = re.compile(rb'"text":"word (\d+)"')


@dataclass
class Seen:
    """Seconds by what was done (posts, reads, frames, acks), in each mode. ``wrong``: what was refused or lost."""

    mode: str = "quiet"
    seconds: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def took(self, what: str, mode: str, seconds: float) -> None:
        if mode == self.mode:  # else it began before a change
            self.seconds[what, mode].append(seconds)

    def percentile(self, what: str, mode: str, percent: float) -> float:
        found = sorted(self.seconds[what, mode])
        return found[min(int(len(found) * percent / 100), len(found) - 1)] if found else float("nan")


class Wires:
    """Connections that are kept, and lent to one request each."""

    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._key = key
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter, float]] = []

    async def ask(self, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> tuple[int, bytes]:
        reader, writer = await self._lent()
        writer.write(
            f"{method} {path} HTTP/1.1\r\nhost: hub\r\nauthorization: Bearer {self._key}\r\n"
            f"content-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n".encode()
            + body
        )
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = re.search(rb"content-length: (\d+)", head)
                content = await reader.readexactly(int(length[1]) if length else 0)
        except BaseException:
            writer.close()
            raise
        if b"connection: close" in head:
            writer.close()
        else:
            self._idle.append((reader, writer, asyncio.get_running_loop().time()))
        return int(head.split()[1]), content

    async def _lent(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._idle:
            reader, writer, used = self._idle.pop()
            if asyncio.get_running_loop().time() - used < IDLE_SECONDS:
                return reader, writer
            writer.close()
        return await asyncio.open_connection("127.0.0.1", self._port)

    def close(self) -> None:
        for _, writer, _ in self._idle:
            writer.close()


@dataclass
class Quiet:
    """A tenant's load on a hub. ``connection``: its web chat. ``load``: a share of all that. ``patience``: seconds for
    which it asks again where the machine is too slow; 0: it takes that for a refusal. ``reading``: the port of contexts
    and streams where another process serves them."""

    port: int
    key: str
    ids: IdSpace
    connection: str
    load: float = 1.0
    patience: float = 0.0
    reading: int = 0
    seen: Seen = field(default_factory=Seen)
    sent: dict[int, tuple[float, str]] = field(default_factory=dict)
    number: int = 0

    def __post_init__(self) -> None:
        self.reading = self.reading or self.port
        self.wires = Wires(self.port, self.key)
        self.reads = Wires(self.reading, self.key)
        self.tasks: set[asyncio.Task[None]] = set()

    async def fill(self) -> None:
        """Everybody is known."""
        for person in range(PEOPLE):
            await self._post(person)
        self.seen.seconds.clear()

    async def run(self) -> None:
        """Until it is cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for person in range(round(FOLLOWERS * self.load)):
                    group.create_task(self._follow(person))
                for chat in range(round(CHATS * self.load)):
                    group.create_task(self._chat(chat))
                group.create_task(self._steadily(EVENTS * self.load, self._post_next))
                group.create_task(self._steadily(READS * self.load, self._read))
        finally:
            for task in self.tasks:
                task.cancel()
            self.wires.close()
            self.reads.close()

    async def _steadily(self, rate: float, one: Callable[[int], Awaitable[None]]) -> None:
        """An open loop: the next begins when it is due, whatever became of the last."""
        clock = asyncio.get_running_loop().time
        began, begun = clock(), 0
        while True:
            while begun < (clock() - began) * rate:
                task = asyncio.ensure_future(self._safely(one, begun))
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)
                begun += 1
            await asyncio.sleep(0.5 / rate)

    async def _safely(self, one: Callable[[int], Awaitable[None]], number: int) -> None:
        try:
            await one(number)
        except (OSError, EOFError, TimeoutError) as error:
            self._complain(f"no answer: {type(error).__name__}")

    async def _post_next(self, number: int) -> None:
        """Every other event is about somebody who is followed."""
        await self._post(number % (max(round(FOLLOWERS * self.load), 1) if number % 2 else PEOPLE))

    async def _post(self, person: int) -> None:
        self.number += 1
        number = self.number
        event = {
            "specversion": "1.0",
            "id": f"m-{number}",
            "source": SOURCE,
            "type": "cx.message.received.v1",
            "data": {
                "channel": "chat",
                "interaction": f"chat-{person}",
                "direction": "inbound",
                "participants": [
                    {"role": "customer", "identifiers": [{"kind": "email", "value": f"person{person}@example.com"}]}
                ],
                "message": {"id": f"m-{number}", "text": f"word {number}"},
            },
        }
        clock, mode = asyncio.get_running_loop().time, self.seen.mode
        began = clock()
        self.sent[number] = (began, mode)
        status, content = await self._ask(
            "POST", "/v1/events", msgspec.json.encode(event), "application/cloudevents+json"
        )
        self._heard("post", 202, status, content)
        self.seen.took("posts", mode, clock() - began)

    async def _read(self, number: int) -> None:
        person = number * 7 % PEOPLE
        if number % 4:
            path = f"/v1/context?identifier=email:person{person}@example.com"
        else:
            path = f"/v1/customers/{self._customer(person)}/timeline"
        clock, mode = asyncio.get_running_loop().time, self.seen.mode
        began = clock()
        status, content = await self._ask("GET", path)
        self._heard("read", 200, status, content)
        self.seen.took("reads", mode, clock() - began)

    async def _ask(
        self, method: str, path: str, body: bytes = b"", kind: str = "application/json"
    ) -> tuple[int, bytes]:
        clock = asyncio.get_running_loop().time
        until = clock() + self.patience
        while True:
            wires = self.wires if method == "POST" else self.reads
            status, content = await wires.ask(method, path, body, kind)
            if status != 503 or clock() > until or msgspec.json.decode(content)["reason"] not in MACHINE_IS_SLOW:
                return status, content
            await asyncio.sleep(1.0)

    def _customer(self, person: int) -> str:
        return text_of(self.ids.profile("email", "", f"person{person}@example.com"))

    def _heard(self, what: str, wanted: int, status: int, content: bytes) -> None:
        self.seen.answers[f"{what}: {status}"] += 1
        if status != wanted:
            self._complain(f"{what}: {status} {content[:200]!r}")

    def _complain(self, sentence: str) -> None:
        self.seen.wrong.append(f"{self.seen.mode}: {sentence}")

    async def _follow(self, person: int) -> None:
        url = f"http://127.0.0.1:{self.reading}"
        while True:
            async with following(url, f"/v1/customers/{self._customer(person)}/stream", self.key) as stream:
                if stream.status == 503 and self.patience and stream.problem.get("reason") in MACHINE_IS_SLOW:
                    await asyncio.sleep(1.0)
                    continue
                if stream.status != 200:
                    self._complain(f"stream: {stream.status} {stream.problem}")
                    await asyncio.sleep(1.0)
                    continue
                await self._frames(stream)

    async def _frames(self, stream: object) -> None:
        """When each event was seen first."""
        last = 0
        with suppress(EOFError, TimeoutError):
            while True:
                event = await stream.next("context")  # type: ignore[attr-defined]
                shown = max((int(found) for found in _WORD.findall(msgspec.json.encode(event.data))), default=0)
                if shown > last and shown in self.sent:
                    began, mode = self.sent.pop(shown)
                    if last:
                        self.seen.took("frames", mode, asyncio.get_running_loop().time() - began)
                last = max(last, shown)
        self._complain("a stream ended")

    async def _chat(self, chat: int) -> None:
        clock = asyncio.get_running_loop().time
        async with connect(f"ws://127.0.0.1:{self.port}/v1/chat/{self.connection}", ping_timeout=None) as socket:
            await socket.send(json.dumps({"type": "hello", "visitor": {"cookie": f"c-{chat}"}}))
            await socket.recv()
            await asyncio.sleep(chat / CHATS)
            number = 0
            while True:
                number += 1
                began, mode = clock(), self.seen.mode
                heard = await self._said(socket, {"type": "message", "id": f"{number}", "text": "hello"})
                if heard["type"] != "ack":
                    self._complain(f"chat: {heard}")
                self.seen.took("acks", mode, clock() - began)
                await asyncio.sleep(max(1.0 - (clock() - began), 0.0))

    async def _said(self, socket: ClientConnection, message: Mapping[str, str]) -> Any:
        clock = asyncio.get_running_loop().time
        until = clock() + self.patience
        while True:
            await socket.send(json.dumps(message))
            heard = json.loads(await socket.recv())
            if clock() > until or heard.get("reason") not in MACHINE_IS_SLOW:
                return heard
            await asyncio.sleep(heard["retry_after"])
