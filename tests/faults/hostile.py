"""A hostile tenant, and strangers from a few addresses, who take what they can of a hub. In a process of its own:

    python -m tests.faults.hostile PORT READING_PORT SMTP_PORT KEY GREED

Here they share two processors with the hub, though elsewhere they would have their own. So what they fill is as much as
they can (streams, sockets, sessions, bodies, reads: ``GREED`` says how many at once), but how fast they try again is
bounded: together they open some 240 connections a second, both while they come (``FILL_SECONDS``) and from then on
(``ATTEMPTS``). What floods faster than that is for the firewall or the proxy before the hub.

Each line ``go`` or ``stop`` on its input begins or ends it all; ``told`` tells the answers so far, as a line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

STRANGERS = ("127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5")
HOME = "127.0.0.6"
"""Where the hostile tenant's own software comes from."""

ATTEMPTS = 20.0
"""New connections a second of each attack, once each was tried by all at once."""

FILL_SECONDS = 1.25
"""For each unit of ``greed`` (some 300 connections): in that time all of them come."""

LONG_AGO = "2026-01-01T00:00:00Z"
HEAVY = (
    "/v1/customers/{id}/context?as_of={now}",
    "/v1/customers/{id}/timeline?limit=200&as_of={now}",
    "/v1/customers/{id}/timeline?limit=200",
    "/v1/customers/{id}/conversations?limit=200",
    "/v1/customers/{id}/lineage?path=/counts",
    f"/v1/customers/{{id}}/diff?from={LONG_AGO}&to={{now}}",
    "/v1/conversations/{conversation}/vcon",
)
_UPGRADE = (
    "GET /v1/chat/hostile-chat HTTP/1.1\r\nhost: hub\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
_ENVELOPE = (b"EHLO x\r\n", b"MAIL FROM:<a@example.com>\r\n", b"RCPT TO:<help@hostile.example>\r\n", b"DATA\r\n")
_SLOW_TO_MAP = b"From: " + b"a" * 65_000 + b"\r\nSubject: slow\r\n\r\nHello\r\n.\r\n"


@dataclass
class Paced:
    """Lets so many a second go on, one after another."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1.0 / per_second
        self._next = 0.0

    async def turn(self) -> None:
        now = asyncio.get_running_loop().time()
        self._next = max(self._next, now) + self._gap
        await asyncio.sleep(self._next - now)


@dataclass
class Hostile:
    """``greed``: how many of each are tried at once, in hundreds. ``reading``: the port of contexts and streams."""

    port: int
    reading: int
    smtp_port: int
    key: str
    greed: int
    customer: str = ""
    conversation: str = ""
    now: str = LONG_AGO
    only: str = ""
    answers: Counter[str] = field(default_factory=Counter, kw_only=True)

    def attacks(self) -> list[tuple[Callable[[int], Awaitable[None]], int]]:
        """What is done again and again, and by how many at once."""
        greed = self.greed
        every: list[tuple[Callable[[int], Awaitable[None]], int]] = [
            (self.stream, 100 * greed),
            (self.silent_chat, 100 * greed),
            (self.mail_slowly, 10 * greed),
            (self.command_flood, 4 * greed),
            (self.slow_mapping, 2 * greed),
            (self.heavy_read, 8 * greed),
            (self.slow_body, 10 * greed),
            (self.large_body, 2 * greed),
            (self.wrong_code, 4 * greed),
            (self.bad_key, 10 * greed),
            (self.bad_signature, 4 * greed),
            (self.idle_connection, 50 * greed),
        ]
        return [each for each in every if not self.only or each[0].__name__ in self.only.split(",")]

    async def run(self) -> None:
        """Until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            for attack, count in self.attacks():
                paced = Paced(ATTEMPTS)
                for number in range(count):
                    begin = number / count * FILL_SECONDS * self.greed
                    group.create_task(self._again(attack, number, begin, paced))

    async def _again(self, attack: Callable[[int], Awaitable[None]], number: int, begin: float, paced: Paced) -> None:
        await asyncio.sleep(begin)
        while True:
            try:
                await attack(number)
            except (OSError, EOFError, TimeoutError, ValueError, IndexError) as error:
                self.answers[f"{attack.__name__}: {type(error).__name__}"] += 1
            await paced.turn()

    async def stream(self, number: int) -> None:
        """Follow, for as long as it lets us."""
        reader, writer = await self._dial(HOME, self.reading)
        try:
            writer.write(self._request("GET", f"/v1/customers/{self.customer}/stream"))
            status = await self._status(reader, "stream")
            if status == 200:
                await reader.read(1 << 20)
                await asyncio.sleep(30.0)
        finally:
            writer.close()

    async def silent_chat(self, number: int) -> None:
        """Open a socket, say hello and then nothing."""
        reader, writer = await self._dial(STRANGERS[number % len(STRANGERS)])
        try:
            writer.write(_UPGRADE.encode())
            if await self._status(reader, "chat") == 101:
                hello = b'{"type": "hello"}'
                writer.write(bytes([0x81, 0x80 | len(hello)]) + b"\0\0\0\0" + hello)
                await asyncio.sleep(5.0 if number % 2 else 60.0)
        finally:
            writer.close()

    async def mail_slowly(self, number: int) -> None:
        """A session that never ends, a drop at a time."""
        reader, writer = await self._dial(STRANGERS[0], self.smtp_port)
        try:
            for words in _ENVELOPE:
                await self._said(reader, "slow mail")
                writer.write(words)
            for _ in range(60):
                writer.write(b"drop\r\n")
                await writer.drain()
                await asyncio.sleep(1.0)
        finally:
            writer.close()

    async def command_flood(self, number: int) -> None:
        reader, writer = await self._dial(STRANGERS[1], self.smtp_port)
        try:
            while True:
                writer.write(b"NOOP\r\n" * 50)
                for _ in range(50):
                    await self._said(reader, "noop")
        finally:
            writer.close()

    async def slow_mapping(self, number: int) -> None:
        """A mail that is hard to read."""
        reader, writer = await self._dial(STRANGERS[2], self.smtp_port)
        try:
            for words in (*_ENVELOPE, _SLOW_TO_MAP, b"QUIT\r\n"):
                await self._said(reader, "hard mail")
                writer.write(words)
            await self._said(reader, "hard mail")
        finally:
            writer.close()

    async def heavy_read(self, number: int) -> None:
        path = HEAVY[number % len(HEAVY)].format(id=self.customer, conversation=self.conversation, now=self.now)
        reader, writer = await self._dial(HOME, self.reading)
        try:
            for _ in range(20):
                writer.write(self._request("GET", path))
                await self._answered(reader, "heavy")
        finally:
            writer.close()

    async def slow_body(self, number: int) -> None:
        """To a webhook that anybody can find: nobody knows yet whose it is."""
        reader, writer = await self._dial(STRANGERS[number % len(STRANGERS)])
        try:
            writer.write(self._request("POST", "/v1/hooks/quiet-calls", length=100_000, key=""))
            for _ in range(20):
                writer.write(b"x" * 100)
                await writer.drain()
                await asyncio.sleep(0.5)
            await self._status(reader, "slow body")
        finally:
            writer.close()

    async def large_body(self, number: int) -> None:
        await self._post("/v1/events", b"[" + b" " * (3 << 20) + b"]", "large body")

    async def wrong_code(self, number: int) -> None:
        body = {"token": f"{number:08}", "interaction": f"call-{number}"}
        await self._post("/v1/conversations/continue", json.dumps(body).encode(), "wrong code", port=self.reading)

    async def bad_key(self, number: int) -> None:
        await self._post("/v1/events", b"[]", "bad key", key="no key at all", source=STRANGERS[number % len(STRANGERS)])

    async def bad_signature(self, number: int) -> None:
        await self._post("/v1/hooks/quiet-calls", b"CallSid=1", "bad signature", key="", source=STRANGERS[3])

    async def idle_connection(self, number: int) -> None:
        reader, writer = await self._dial(STRANGERS[number % len(STRANGERS)])
        try:
            writer.write(b"GET /")
            async with asyncio.timeout(60):
                self.answers[f"idle: {(await reader.read(64))[:12].decode('latin-1')}"] += 1
        finally:
            writer.close()

    async def _post(
        self, path: str, body: bytes, name: str, key: str | None = None, source: str = HOME, port: int = 0
    ) -> None:
        reader, writer = await self._dial(source, port)
        try:
            for _ in range(20):
                writer.write(self._request("POST", path, len(body), key) + body)
                await self._answered(reader, name)
        finally:
            writer.close()

    async def _dial(self, source: str, port: int = 0) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with asyncio.timeout(20):
            return await asyncio.open_connection("127.0.0.1", port or self.port, local_addr=(source, 0))

    def _request(self, method: str, path: str, length: int = 0, key: str | None = None) -> bytes:
        kind = "application/x-www-form-urlencoded" if "hooks" in path else "application/json"
        if path == "/v1/events":
            kind = "application/cloudevents-batch+json"
        return (
            f"{method} {path} HTTP/1.1\r\nhost: hub\r\nauthorization: Bearer {self.key if key is None else key}\r\n"
            f"content-type: {kind}\r\ncontent-length: {length}\r\n\r\n"
        ).encode()

    async def _status(self, reader: asyncio.StreamReader, name: str) -> int:
        async with asyncio.timeout(30):
            head = await reader.readuntil(b"\r\n\r\n")
        status = int(head.split()[1])
        self.answers[f"{name}: {status}"] += 1
        return status

    async def _answered(self, reader: asyncio.StreamReader, name: str) -> None:
        async with asyncio.timeout(60):
            head = await reader.readuntil(b"\r\n\r\n")
            self.answers[f"{name}: {int(head.split()[1])}"] += 1
            lines = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n") if b": " in line)
            await reader.readexactly(int(lines.get(b"content-length", b"0")))

    async def _said(self, reader: asyncio.StreamReader, name: str) -> None:
        async with asyncio.timeout(30):
            while (line := await reader.readline())[3:4] == b"-":
                pass
        if not line:
            raise EOFError
        if name != "noop" or line[:3] != b"250":
            self.answers[f"{name}: {line[:3].decode()}"] += 1


async def main(port: int, reading: int, smtp_port: int, key: str, greed: int, found: list[str]) -> None:
    os.nice(5)  # elsewhere they would have machines of their own
    hostile = Hostile(port, reading, smtp_port, key, greed, *found)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    running: asyncio.Task[None] | None = None
    while order := (await lines.readline()).decode().strip():
        if running is not None and order in ("go", "stop"):
            running.cancel()
            with suppress(BaseExceptionGroup, asyncio.CancelledError):
                await running
            running = None
        if order == "go":
            running = asyncio.create_task(hostile.run())
        print(json.dumps(hostile.answers) if order == "told" else order, flush=True)


if __name__ == "__main__":
    http, reading_port, smtp, its_key, hundreds, *rest = sys.argv[1:]
    asyncio.run(main(int(http), int(reading_port), int(smtp), its_key, int(hundreds), rest))
