"""Read frames of the event socket over TCP: header lines, an empty line, and a body of Content-Length bytes."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from cx_events.errors import TryLater

CONNECT_SECONDS = 30.0
SEND_SECONDS = 30.0
MOST_HEAD = 1 << 20
MOST_BODY = 64 << 20
"""Bytes: the list of all channels of a large switch is one body."""


class Frame(NamedTuple):
    """``headers``: names in lower case."""

    headers: dict[str, str]
    body: bytes

    @property
    def kind(self) -> str:
        """Return the Content-Type."""
        return self.headers.get("content-type", "")

    @property
    def reply(self) -> str:
        """Return the answer to a command, ``+OK ...`` or ``-ERR ...``."""
        return self.headers.get("reply-text", "")


class Wire:
    """A connection to a switch."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._head: dict[str, str] | None = None

    @classmethod
    async def open(cls, host: str, port: int) -> Wire:
        """Connect."""
        async with asyncio.timeout(CONNECT_SECONDS):
            return cls(*await asyncio.open_connection(host, port, limit=MOST_HEAD))

    async def send(self, command: str) -> None:
        """Send a command."""
        self._writer.write(f"{command}\n\n".encode())
        async with asyncio.timeout(SEND_SECONDS):
            await self._writer.drain()

    async def receive(self, seconds: float) -> Frame:
        """Return the next frame. Raise ``TimeoutError`` where it did not come whole in time (it may still),
        ``ConnectionError`` where the switch has gone, ``TryLater`` for what is no event socket."""
        async with asyncio.timeout(seconds):
            try:
                if self._head is None:
                    self._head = _headers(await self._reader.readuntil(b"\n\n"))
                body = await self._reader.readexactly(_length(self._head))
            except asyncio.IncompleteReadError:
                raise ConnectionResetError("the switch ended the connection") from None
            except asyncio.LimitOverrunError:
                raise TryLater("protocol", f"the switch sends a head of more than {MOST_HEAD} bytes") from None
        head, self._head = self._head, None
        return Frame(head, body)

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


def _headers(head: bytes) -> dict[str, str]:
    pairs = (line.partition(":") for line in head.decode("utf-8", "replace").split("\n"))
    return {name.strip().lower(): value.strip() for name, colon, value in pairs if colon}


def _length(headers: dict[str, str]) -> int:
    written = headers.get("content-length", "0")
    if not written.isdecimal() or not written.isascii() or len(written) > 12 or int(written) > MOST_BODY:
        raise TryLater("protocol", f"the switch announces a body of {written[:40]!r} bytes, {MOST_BODY} may come")
    return int(written)
