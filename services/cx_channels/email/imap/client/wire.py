"""Read lines and literals over TLS, from a mail server that may stall, break off, or send more than was asked for."""

from __future__ import annotations

import asyncio
import ssl

from cx_channels.email.imap.client.responses import literal_size, unreadable
from cx_events.errors import Refused

CONNECT_SECONDS = 30.0
LINE_SECONDS = 60.0
"""Within which a line, or a literal, must have come, unless nothing is expected."""
MOST_LINE = 8 << 20
"""Bytes of a line: a SEARCH may find every mail of a large folder."""


class Wire:
    """A connection to a server. ``most_literal``: the bytes of the largest literal that may come."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most_literal: int) -> None:
        self._reader = reader
        self._writer = writer
        self._most_literal = most_literal
        self._begun: list[bytes] = []
        self._in_clear: asyncio.StreamWriter | None = None

    @classmethod
    async def open(cls, host: str, port: int, tls: ssl.SSLContext | None, most_literal: int) -> Wire:
        """Connect, with TLS from the first byte on where ``tls`` is given. ``Refused`` for a wrong certificate."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                reader, writer = await asyncio.open_connection(host, port, ssl=tls, limit=MOST_LINE)
        except ssl.SSLCertVerificationError as error:
            raise _bad_certificate(error) from None
        return cls(reader, writer, most_literal)

    async def start_tls(self, host: str, tls: ssl.SSLContext) -> None:
        """Go on under TLS. Whatever was sent before it in clear text is forgotten: anybody may have put it there."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=MOST_LINE)
        protocol = asyncio.StreamReaderProtocol(reader)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                transport = await loop.start_tls(self._writer.transport, protocol, tls, server_hostname=host)
        except ssl.SSLCertVerificationError as error:
            raise _bad_certificate(error) from None
        if transport is None:
            raise ConnectionResetError("the connection ended as TLS began")
        reader.set_transport(transport)
        self._in_clear = self._writer  # kept, since a StreamWriter that is collected closes what lies below
        self._reader, self._writer = reader, asyncio.StreamWriter(transport, protocol, reader, loop)

    async def send(self, line: bytes) -> None:
        """Send a line."""
        self._writer.write(line + b"\r\n")
        async with asyncio.timeout(LINE_SECONDS):
            await self._writer.drain()

    async def receive(self, seconds: float = LINE_SECONDS) -> list[bytes]:
        """Return a response: its text and literals in turn. Raise ``TimeoutError`` where it did not come in time (it
        may still), ``ConnectionError`` where the server has gone."""
        async with asyncio.timeout(seconds):
            while True:
                if len(self._begun) % 2 == 0:  # else a literal is still to come
                    self._begun.append(await self._line())
                size = literal_size(self._begun[-1])
                if size is None:
                    parts, self._begun = self._begun, []
                    return parts
                if size > self._most_literal:
                    raise unreadable(f"it sends {size} bytes at once, {self._most_literal} may come")
                async with asyncio.timeout(LINE_SECONDS):
                    self._begun.append(await self._exactly(size))

    async def _line(self) -> bytes:
        try:
            line = await self._reader.readuntil(b"\n")
        except asyncio.LimitOverrunError:
            raise unreadable("a line is too long") from None
        except asyncio.IncompleteReadError:
            raise ConnectionResetError("the server ended the connection") from None
        return line.rstrip(b"\r\n")

    async def _exactly(self, size: int) -> bytes:
        try:
            return await self._reader.readexactly(size)
        except asyncio.IncompleteReadError:
            raise ConnectionResetError("the server ended the connection in the middle of a mail") from None

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


def _bad_certificate(error: ssl.SSLCertVerificationError) -> Refused:
    return Refused("bad-certificate", f"the mail server's certificate does not hold: {error.verify_message}")
