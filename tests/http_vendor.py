"""A vendor's HTTP API in this process, which drops, stalls and refuses as ``tests.polled.Faults`` says.

Connections are kept open between requests; ``asked`` counts connections. What it answers is the subclass's.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.polled import Faults

from cx_channels.provider import Provider


@dataclass(frozen=True)
class Asked:
    """One request. ``headers``: names in lower case; ``query``, ``form``: the last value of each name; ``body``: as it
    came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    form: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Told:
    """An answer, in JSON; bytes are XML as it is. ``is_list``: it counts for ``Faults.drop`` and ``stall``."""

    value: Any
    status: int = 200
    headers: tuple[str, ...] = ()
    is_list: bool = False


class HttpVendor:
    """``got``: all requests in order. ``next_answers``: are given first, whatever is asked for."""

    provider: Provider
    secrets: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.faults = Faults()
        self.settings: dict[str, Any] = {}
        self.asked = 0
        self.got: list[Asked] = []
        self.next_answers: list[Told] = []
        self._open: set[asyncio.StreamWriter] = set()

    def answer(self, asked: Asked) -> Told:
        """Return what is answered."""
        raise NotImplementedError

    def begun(self) -> None:
        """Note that somebody connected."""

    def cut(self) -> None:
        """Hang up on everybody."""
        for writer in self._open:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        self._open.add(writer)
        self.begun()
        lists = 0
        try:
            while (asked := await _request(reader)) is not None:
                self.got.append(asked)
                told = self.next_answers.pop(0) if self.next_answers else self.answer(asked)
                is_xml = isinstance(told.value, bytes)
                body = told.value if is_xml else json.dumps(told.value).encode()
                kind = "application/xml" if is_xml else "application/json; charset=UTF-8"
                head = [f"HTTP/1.1 {told.status} Told", f"Content-Type: {kind}", *told.headers]
                raw = "\r\n".join([*head, f"Content-Length: {len(body)}", "", ""]).encode() + body
                if told.is_list and self.faults.stall and lists >= self.faults.stall:
                    await reader.read()  # until the other side gives up
                    return
                if told.is_list and self.faults.drop and lists >= self.faults.drop:
                    writer.write(raw[: len(raw) // 2])
                    await writer.drain()
                    return
                lists += told.is_list
                writer.write(raw)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()


async def _request(reader: asyncio.StreamReader) -> Asked | None:
    line = (await reader.readline()).decode().split()
    if not line:
        return None
    headers: dict[str, str] = {}
    while field := (await reader.readline()).decode().strip():
        name, _, value = field.partition(":")
        headers[name.strip().lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(line[1])
    return Asked(line[0], parts.path, dict(parse_qsl(parts.query)), headers, dict(parse_qsl(body.decode())), body)


@asynccontextmanager
async def serving(vendor: HttpVendor) -> AsyncIterator[int]:
    """Serve a vendor until the block ends; yields its port."""
    server = await asyncio.start_server(vendor.serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        vendor.cut()
