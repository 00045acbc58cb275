"""A client of event streams that does what a browser does, over a plain socket, so that it can also read slowly."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.patience import PATIENCE


@dataclass(frozen=True)
class Event:
    name: str
    id: str
    data: dict[str, Any]

    @property
    def version(self) -> int:
        meta = self.data.get("meta", self.data)
        return int(meta["version"])


@dataclass
class Stream:
    """An answer. ``status`` and ``headers`` of it; ``problem`` where it is none to follow."""

    status: int
    headers: dict[str, str]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    problem: dict[str, Any] = field(default_factory=dict)
    last_id: str = ""
    retry: int = 0
    comments: int = 0
    _rest: bytes = b""

    async def next(self, *names: str) -> Event:
        """The next event, of these names where any are given, else no heartbeat. ``EOFError`` where the stream ends."""
        async with asyncio.timeout(PATIENCE):
            while True:
                event = await self.event()
                if event is not None and (event.name in names if names else event.name != "heartbeat"):
                    return event

    async def until(self, version: int) -> Event:
        """The first state at this version or a newer one."""
        while (event := await self.next("context", "conversation")).version < version:
            pass
        return event

    async def end(self) -> list[Event]:
        """All that comes until it ends."""
        found: list[Event] = []
        try:
            while True:
                found.append(await self.next())
        except EOFError:
            return found

    async def silence(self, seconds: float) -> list[Event]:
        """What comes within so many seconds, comments apart."""
        found: list[Event] = []
        try:
            async with asyncio.timeout(seconds):
                while True:
                    found.append(await self.next())
        except TimeoutError:
            return found

    async def event(self) -> Event | None:
        """The next block, whenever it comes. None where it tells no event: some clients take a block without data for
        an event, so that must be a comment."""
        while b"\n\n" not in self._rest:
            self._rest += await self._chunk()
        block, _, self._rest = self._rest.partition(b"\n\n")
        fields: dict[str, str] = {}
        for line in block.decode().split("\n"):
            name, _, value = line.partition(":")
            if not name:
                self.comments += 1
            fields[name] = value.removeprefix(" ")
        if "retry" in fields:
            self.retry = int(fields["retry"])
        if "id" in fields:
            self.last_id = fields["id"]
        if "data" not in fields:
            assert set(fields) == {""}, f"a block without data: {block!r}"
            return None
        return Event(fields.get("event", "message"), self.last_id, json.loads(fields["data"]))

    async def _chunk(self) -> bytes:
        try:
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            content = await self.reader.readexactly(size + 2)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise EOFError from None
        if size == 0:
            raise EOFError
        return content[:-2]


@asynccontextmanager
async def following(
    url: str, path: str, key: str, last_id: str = "", *, method: str = "GET", receive_buffer: int = 0
) -> AsyncIterator[Stream]:
    """The stream at ``path``; closed at the end. ``receive_buffer``: bytes that the system takes unread. Asked for
    again where a loaded machine let an answer's time run out."""
    async with asyncio.timeout(PATIENCE):
        while True:
            stream = await _asked(url, path, key, last_id, method, receive_buffer)
            if stream.problem.get("reason") != "try-later":
                break
            stream.writer.transport.abort()
            await asyncio.sleep(0.2)
    try:
        yield stream
    finally:
        stream.writer.transport.abort()


async def _asked(url: str, path: str, key: str, last_id: str, method: str, receive_buffer: int) -> Stream:
    place = urlsplit(url)
    assert place.hostname is not None
    assert place.port is not None
    connection = socket.socket()
    if receive_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, (place.hostname, place.port))
    limit = receive_buffer or 1 << 22
    reader, writer = await asyncio.open_connection(sock=connection, limit=limit)
    last = f"last-event-id: {last_id}\r\n" if last_id else ""
    writer.write(
        f"{method} {path} HTTP/1.1\r\nhost: hub\r\nauthorization: Bearer {key}\r\n"
        f"accept: text/event-stream\r\n{last}\r\n".encode()
    )
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        stream = Stream(int(head[0].split()[1]), headers, reader, writer)
        if stream.status != 200:
            stream.problem = json.loads(await reader.readexactly(int(headers["content-length"])))
    except BaseException:
        writer.transport.abort()
        raise
    return stream
