"""A receiver of webhooks on this machine that behaves as it is told: answers, hangs, redirects, floods, breaks off."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

LOCAL = "127.0.0.0/8"


@dataclass(frozen=True)
class Got:
    """One request. ``headers``: names in lower case."""

    target: str
    headers: dict[str, str]
    body: bytes


def answer(status: int, *headers: str, body: bytes = b"") -> bytes:
    """Return an answer as it goes over the wire. ``headers``: ``Name: value``."""
    lines = [f"HTTP/1.1 {status} Told", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


OK = answer(204)
HANG = b"hang"
"""Takes the request and never answers."""
BREAK = b"break"
"""Closes the connection instead of answering."""
FLOOD = b"flood"
"""Answers 200 and sends until the other side closes."""


@dataclass
class Receiver:
    """``react``: what to do with a request; may be exchanged at any time. ``got``: all requests, in order."""

    react: Callable[[Got], bytes] = lambda _: OK
    got: list[Got] = field(default_factory=list)
    port: int = 0
    flooded: int = 0
    """Bytes that were sent of floods."""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, path: str = "/hook", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (got := await _request(reader)) is not None:
                self.got.append(got)
                reaction = self.react(got)
                self.arrived.set()
                if reaction == HANG:
                    await reader.read()
                    return
                if reaction == BREAK:
                    return
                if reaction == FLOOD:
                    await self._flood(writer)
                    return
                writer.write(reaction)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _flood(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while self.flooded < 1 << 30:
            writer.write(b"x" * 65_536)
            await writer.drain()
            self.flooded += 65_536


async def _request(reader: asyncio.StreamReader) -> Got | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except asyncio.IncompleteReadError:
        return None
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Got(head[0].split(" ")[1], headers, body)


@asynccontextmanager
async def receiving(
    react: Callable[[Got], bytes] = lambda _: OK, tls: ssl.SSLContext | None = None, port: int = 0
) -> AsyncIterator[Receiver]:
    """Run a receiver on a port of 127.0.0.1; a free one for 0."""
    receiver = Receiver(react)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", port, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        server.close_clients() if hasattr(server, "close_clients") else None
