"""An account's server for faults: as much of Mastodon's API and stream as the client uses, over TLS, in this process.

A mention is late, under ``reorder``: one with a higher id is listed and streamed before it.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.mailbox_server import Authority
from tests.polled import Faults

from cx_channels.pollers.source import SourcePorts
from cx_channels.provider import Connection
from cx_channels.social.mastodon import PROVIDER
from cx_channels.social.mastodon.stream import Follower, open_source

TOKEN = "an access token of acme"
_NUMBER = re.compile(r"/statuses/(\d+)$")
US: dict[str, Any] = {
    "id": "1", "username": "support", "acct": "support", "display_name": "Support",
    "url": "https://acme.example/@support", "uri": "https://acme.example/users/support",
}  # fmt: skip
ANA: dict[str, Any] = {
    "id": "11", "username": "ana", "acct": "ana@social.example", "display_name": "Ana",
    "url": "https://social.example/@ana", "uri": "https://social.example/users/ana",
}  # fmt: skip


def status(number: int, by: dict[str, Any] = ANA, **more: Any) -> dict[str, Any]:
    """Return a status that has a number."""
    mentions = [{"id": US["id"], "url": US["url"], "acct": US["acct"]}] if by is not US else []
    return {
        "id": str(9000 + number), "created_at": "2026-11-22T10:02:11.000Z", "visibility": "public", "account": by,
        "uri": f"{by['uri']}/statuses/{number}", "url": f"{by['url']}/{number}", "content": f"<p>message {number}</p>",
        "mentions": mentions, "media_attachments": [], "in_reply_to_id": None, **more,
    }  # fmt: skip


def mention(number: int, **more: Any) -> dict[str, Any]:
    """Return a notification of a status that has a number."""
    told = {"created_at": "2026-11-22T10:02:12.000Z", "account": ANA, "status": status(number, **more)}
    return {"id": str(1000 + number), "type": "mention", **told}


@dataclass
class FediverseServer:
    """A ``Vendor``. ``listed``: notifications; ``own``: our account's statuses; ``others``: what else lies at a path.
    ``has_stream``: else it answers 404 there. ``paths``: what was asked for."""

    settings: dict[str, Any]
    faults: Faults = field(default_factory=Faults)
    provider: Any = PROVIDER
    secrets: tuple[str, ...] = (TOKEN,)
    asked: int = 0
    listed: list[dict[str, Any]] = field(default_factory=list)
    own: list[dict[str, Any]] = field(default_factory=list)
    others: dict[str, dict[str, Any]] = field(default_factory=dict)
    has_stream: bool = True
    paths: list[str] = field(default_factory=list)
    silence: float = 2.0
    _hidden: set[str] = field(default_factory=set)
    _told: set[str] = field(default_factory=set)
    _given: int = 0
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _streams: set[asyncio.Queue[bytes]] = field(default_factory=set)

    def open_source(self, connection: Connection, ports: SourcePorts) -> Follower:
        source = open_source(connection, ports)
        source.silence = self.faults.silence(self.silence)
        return source

    def say(self, number: int) -> None:
        given = mention(number)
        self.listed.append(given)
        if self.faults.reorder and number % 2:
            self._hidden.add(given["id"])
            return
        self.stream("notification", given)
        for each in self.listed:
            if each["id"] in self._hidden:
                self.stream("notification", each)
        self._hidden.clear()

    def stream(self, event: str, payload: Any) -> None:
        """Tell everybody who listens."""
        data = payload if isinstance(payload, str) else json.dumps(payload)
        for queue in self._streams:
            queue.put_nowait(f"event: {event}\ndata: {data}\n\n".encode())

    @property
    def listeners(self) -> int:
        return len(self._streams)

    def number_of(self, event: dict[str, Any]) -> int:
        found = _NUMBER.search(event["data"]["message"]["id"])
        assert found
        return int(found[1])

    def cut(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                request, *lines = head.decode().split("\r\n")
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
                await self._answer(request.split(" ")[1], headers, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _answer(self, target: str, headers: dict[str, str], writer: asyncio.StreamWriter) -> None:
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.paths.append(parts.path)
        if parts.path == "/api/v1/accounts/verify_credentials":
            self.asked += 1
            self._given = 0
        if self.faults.refuse or headers.get("authorization") != f"Bearer {TOKEN}":
            await _send(writer, 401, {"error": "The access token is invalid"})
        elif parts.path == "/api/v1/accounts/verify_credentials":
            await _send(writer, 200, US)
        elif parts.path == "/api/v2/instance":
            host = self.settings["server"].removeprefix("https://")
            await _send(writer, 200, {"configuration": {"urls": {"streaming": f"wss://{host}"}}})
        elif parts.path == "/api/v1/streaming/user" and self.has_stream:
            await self._streaming(writer)
        elif parts.path == "/api/v1/notifications":
            await self._page(self.listed, query, writer)
        elif parts.path == f"/api/v1/accounts/{US['id']}/statuses":
            await self._page(self.own, query, writer)
        else:
            found = self.others.get(parts.path)
            await _send(writer, 200 if found else 404, found or {"error": "Record not found"})

    async def _page(self, among: list[dict[str, Any]], query: dict[str, str], writer: asyncio.StreamWriter) -> None:
        """Give the oldest above ``min_id``, the newest of them first; without it the newest of all."""
        lowest = int(query.get("min_id", "0")) - (3 if self.faults.repeat else 0)
        above = [each for each in among if int(each["id"]) > lowest and each["id"] not in self._hidden]
        limit = int(query["limit"])
        page = above[:limit] if "min_id" in query else above[-limit:]
        for place, each in enumerate(page):
            if await self._fails(each["id"]):
                if place == 0:
                    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n[{")
                    writer.transport.abort()
                    return
                page = page[:place]
                break
        await _send(writer, 200, page[::-1])

    async def _fails(self, id: str) -> bool:
        """Count what is given for the first time; hang up, or fall silent, when it is too much for one session."""
        if id in self._told:
            return False
        if self.faults.drop and self._given >= self.faults.drop:
            return True
        if self.faults.stall and self._given >= self.faults.stall:
            await asyncio.sleep(60.0)
        self._given += 1
        self._told.add(id)
        return False

    async def _streaming(self, writer: asyncio.StreamWriter) -> None:
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._streams.add(queue)
        try:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
            for each in self.listed[-3:] if self.faults.repeat else []:
                queue.put_nowait(f"event: notification\ndata: {json.dumps(each)}\n\n".encode())
            while not writer.transport.is_closing():
                try:
                    async with asyncio.timeout(0.1):
                        event = await queue.get()
                except TimeoutError:
                    event = b":thump\n"
                found = re.search(rb'"id": "(\d+)"', event)
                if found and await self._fails(found[1].decode()):
                    writer.write(b"%x\r\n%s" % (len(event), event[:20]))
                    writer.transport.abort()
                    return
                writer.write(b"%x\r\n%s\r\n" % (len(event), event))
                await writer.drain()
        finally:
            self._streams.discard(queue)


async def _send(writer: asyncio.StreamWriter, code: int, value: Any) -> None:
    body = json.dumps(value).encode()
    writer.write(b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % (code, len(body)))
    writer.write(body)
    await writer.drain()


@asynccontextmanager
async def fediverse_serving(authority: Authority, **settings: Any) -> AsyncIterator[FediverseServer]:
    """A server that is there until the block ends. ``settings``: of the connection, besides where it is."""
    served = FediverseServer({"ca_file": str(authority.ca_file), **settings})
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0, ssl=authority.server())
    served.settings["server"] = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield served
    finally:
        server.close()
        served.cut()
