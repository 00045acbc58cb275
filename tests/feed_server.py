"""A vendor's stream in its plainest form, with a source for it: numbered lines over TCP, from a number on.

the client: PASSWORD NUMBER
the server: {"n": NUMBER + 1} ...
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.polled import Faults

from cx_channels.pollers.source import Delivery, SourcePorts, Step
from cx_channels.provider import FETCHED, Connection, Mapped, Provider, Request
from cx_events.envelope import Data, Draft, Message
from cx_events.errors import Fatal, Refused

PASSWORD = "the feed's password"


def _map(request: Request, _connection: Connection) -> Mapped:
    number = json.loads(request.body)["n"]
    data = Data(channel="chat", interaction="feed/1", message=Message(text=f"message {number}"))
    return Mapped((Draft(type="cx.message.received.v1", id=f"feed-{number}", data=data),))


FEED = Provider(
    name="chat/feed",
    channel="chat",
    map=_map,
    verify=None,
    unsigned="it is asked by us",
    kinds={"n": "cx.message.received.v1"},
    transport="poller",
    methods=frozenset({FETCHED}),
    settings=frozenset({"port"}),
)


class FeedSource:
    """Reads a feed. The cursor is the highest number up to which nothing is missing: the feed may change the order."""

    silence = 1.0

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def steps(self, cursor: bytes) -> AsyncGenerator[Step, None]:
        place, above = int(cursor or b"0"), set[int]()
        port = self._connection.settings["port"]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(f"{self._connection.secrets[0]} {place}\n".encode())
            while line := await reader.readline():
                if not line.endswith(b"\n"):
                    raise EOFError("the feed broke off")
                if line == b"alive\n":
                    yield Step()
                    continue
                if line == b"no\n":
                    raise Refused("login-refused", "the feed does not take the password")
                if line == b"broken\n":
                    raise Fatal("the feed begins anew, and what came before can't be told from it")
                number = json.loads(line)["n"]
                above.add(number)
                while place + 1 in above:
                    place += 1
                    above.discard(place)
                yield Step((Delivery(Request(line.strip(), FETCHED)),), str(place).encode())
        finally:
            writer.close()


class FeedServer:
    """A ``Vendor``. ``is_broken``: it says what no client can go on after."""

    provider = FEED
    secrets = (PASSWORD,)

    def __init__(self) -> None:
        self.faults = Faults()
        self.settings: dict[str, Any] = {}
        self.asked = 0
        self.is_broken = False
        self._said: list[int] = []
        self._open: set[asyncio.StreamWriter] = set()

    def open_source(self, connection: Connection, ports: SourcePorts) -> FeedSource:
        return FeedSource(connection)

    def say(self, number: int) -> None:
        self._said.append(number)

    def number_of(self, event: dict[str, Any]) -> int:
        return int(event["id"].removeprefix("feed-"))

    def cut(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        self._open.add(writer)
        try:
            password, _, after = (await reader.readline()).decode().strip().rpartition(" ")
            if self.is_broken:
                writer.write(b"broken\n")
            elif self.faults.refuse or password != PASSWORD:
                writer.write(b"no\n")
            else:
                await self._feed(writer, int(after))
            await writer.drain()
        except (ConnectionError, ValueError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _feed(self, writer: asyncio.StreamWriter, after: int) -> None:
        faults = self.faults
        at = max(after - 3, 0) if faults.repeat else after
        sent = 0
        while True:
            waiting = [number for number in self._said if number > at]
            at = max(waiting, default=at)
            if faults.reorder:
                waiting = [number for pair in zip(waiting[1::2], waiting[::2], strict=False) for number in pair] + (
                    waiting[-1:] if len(waiting) % 2 else []
                )
            for number in waiting:
                if faults.drop and sent >= faults.drop:
                    writer.write(b'{"n": ')
                    return
                if faults.stall and sent >= faults.stall:
                    await asyncio.sleep(60.0)
                writer.write(json.dumps({"n": number}).encode() + b"\n")
                sent += 1
            if not waiting:
                writer.write(b"alive\n")
            await writer.drain()
            await asyncio.sleep(0.05)


@asynccontextmanager
async def feeding() -> AsyncIterator[FeedServer]:
    """A feed that is served until the block ends."""
    feed = FeedServer()
    server = await asyncio.start_server(feed.serve, "127.0.0.1", 0)
    feed.settings = {"port": server.sockets[0].getsockname()[1]}
    try:
        yield feed
    finally:
        server.close()
        feed.cut()
