"""A FreeSWITCH for faults: as much of its event socket as the client uses, over TCP, in this process.

A message is a call: it is created, told once to whoever listens, and stays until ``hang_up``. Who comes later finds it
by ``show channels`` and ``uuid_dump``, as on a switch, which repeats no event.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.polled import Faults

from cx_channels.pollers.source import SourcePorts
from cx_channels.provider import Connection
from cx_channels.voice.freeswitch import PROVIDER
from cx_channels.voice.freeswitch.stream import EventSocket, open_source

PASSWORD = "the socket's password"
BEGAN = 1_795_687_200_000_000


def uuid_of(number: int) -> str:
    """Return the UUID of a call that has a number."""
    return f"0b9d3f5e-0000-4a47-8b11-{number:012d}"


@dataclass
class Switch:
    """A ``Vendor``. ``core``: the run of the switch, another one after ``restart``. ``rejection``: what its access list
    tells this address. ``commands``: all that were read."""

    settings: dict[str, Any]
    faults: Faults = field(default_factory=Faults)
    provider: Any = PROVIDER
    secrets: tuple[str, ...] = ("hub:a secret for CDRs",)
    passwords: tuple[str, ...] = (PASSWORD,)
    asked: int = 0
    core: str = "core-1"
    rejection: bytes = b""
    silence: float = 1.0
    channels: dict[str, dict[str, str]] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    _sequence: int = 0
    _late: list[dict[str, str]] = field(default_factory=list)
    _sessions: set[_Session] = field(default_factory=set)

    def open_source(self, connection: Connection, ports: SourcePorts) -> EventSocket:
        source = open_source(connection, ports)
        source.silence, source.every, source.soon = self.faults.silence(self.silence), 0.1, 0.05
        return source

    def say(self, number: int) -> None:
        headers = self.event("CHANNEL_CREATE", number)
        self.channels[uuid_of(number)] = headers
        if self.faults.reorder and not self._late:
            self._late.append(headers)
            return
        self.tell(headers)
        for late in self._late:
            self.tell(late)
        self._late.clear()

    def event(self, name: str, number: int, **more: str) -> dict[str, str]:
        """Return an event of a call."""
        self._sequence += 1
        uuid = uuid_of(number)
        return {
            "Event-Name": name,
            "Core-UUID": self.core,
            "Event-Date-Timestamp": str(BEGAN + self._sequence * 1000),
            "Event-Sequence": str(self._sequence),
            "Call-Direction": "inbound",
            "Unique-ID": uuid,
            "Channel-Call-UUID": uuid,
            "Channel-Name": "sofia/external/+15550100123@203.0.113.5",
            "Caller-Caller-ID-Number": "+15550100123",
            "Caller-Destination-Number": "+15550100900",
            "Caller-Channel-Created-Time": str(BEGAN + number),
            **more,
        }

    def tell(self, headers: dict[str, str]) -> None:
        """Tell an event to everybody who listens."""
        for session in self._sessions:
            session.events.put_nowait(headers)

    def hang_up(self, number: int, *, quietly: bool = False) -> None:
        """End a call. ``quietly``: nobody is told, as where a listener's queue was full."""
        self.channels.pop(uuid_of(number), None)
        if not quietly:
            self.tell(self.event("CHANNEL_HANGUP_COMPLETE", number, **{"Hangup-Cause": "NORMAL_CLEARING"}))

    def restart(self) -> None:
        """Start the switch anew: all calls are gone, and it runs under another id."""
        self.core += "+"
        self.channels.clear()
        self.cut()

    def number_of(self, event: dict[str, Any]) -> int:
        return int(event["id"].partition("/")[0].rpartition("-")[2])

    def cut(self) -> None:
        for session in self._sessions:
            session.writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        session = _Session(self, reader, writer)
        try:
            await session.run()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._sessions.discard(session)
            session.end()
            writer.close()

    def listens(self, session: _Session) -> None:
        self._sessions.add(session)


class _Session:
    def __init__(self, switch: Switch, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.switch, self.reader, self.writer = switch, reader, writer
        self.events: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self._given = 0
        self._task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        switch = self.switch
        if switch.rejection:
            await self._send({"Content-Type": "text/rude-rejection"}, switch.rejection)
            return
        await self._send({"Content-Type": "auth/request"})
        if not await self._log_in():
            return
        while True:
            command = await self._command()
            if command.startswith("event json "):
                await self._reply("+OK event listener enabled json")
                switch.listens(self)
                self._task = asyncio.create_task(self._tell_events())
            elif command == "api show channels as json":
                rows = [{"uuid": uuid} for uuid in switch.channels]
                rows = rows[::-1] if switch.faults.reorder else rows
                found = {"row_count": len(rows), "rows": rows} if rows else {"row_count": 0}
                await self._send({"Content-Type": "api/response"}, json.dumps(found).encode())
            elif command == "api global_getvar core_uuid":
                await self._send({"Content-Type": "api/response"}, switch.core.encode())
            elif command.startswith("api uuid_dump "):
                await self._dump(command.split()[2])
            else:
                await self._reply("-ERR command not found")

    def end(self) -> None:
        if self._task is not None and not self._task.cancel():
            self._task.exception()  # seen, or asyncio complains

    async def _log_in(self) -> bool:
        given = (await self._command()).removeprefix("userauth ben@pbx.example:").removeprefix("auth ")
        is_let_in = given in self.switch.passwords and not self.switch.faults.refuse
        await self._reply("+OK accepted" if is_let_in else "-ERR invalid")
        return is_let_in

    async def _command(self) -> str:
        command = (await self.reader.readuntil(b"\n\n")).decode().strip()
        self.switch.commands.append(command)
        return command

    async def _tell_events(self) -> None:
        while True:
            headers = await self.events.get()
            for _ in range(2 if self.switch.faults.repeat else 1):
                await self._message({"Content-Type": "text/event-json"}, json.dumps(headers).encode())

    async def _dump(self, uuid: str) -> None:
        headers = self.switch.channels.get(uuid)
        kind = {"Content-Type": "api/response"}
        if headers is None:
            await self._send(kind, b"-ERR No such channel!\n")
        else:
            await self._message(kind, json.dumps({**headers, "Event-Name": "CHANNEL_DATA"}).encode())

    async def _message(self, headers: dict[str, str], body: bytes) -> None:
        """Send what tells of a call, unless it is time for a fault."""
        faults = self.switch.faults
        if faults.drop and self._given >= faults.drop:
            self.writer.write(b"Content-Length: %d\nContent-Type: text/event-json\n\n%s" % (len(body), body[:20]))
            self.writer.close()
            raise ConnectionResetError
        if faults.stall and self._given >= faults.stall:
            self.writer = _Mute(self.writer)  # type: ignore[assignment]
        self._given += 1
        await self._send(headers, body)

    async def _reply(self, words: str) -> None:
        await self._send({"Content-Type": "command/reply", "Reply-Text": words})

    async def _send(self, headers: dict[str, str], body: bytes = b"") -> None:
        head = {**headers, **({"Content-Length": str(len(body))} if body else {})}
        lines = "".join(f"{name}: {value}\n" for name, value in head.items())
        self.writer.write(lines.encode() + b"\n" + body)
        await self.writer.drain()


class _Mute:
    """A writer that says nothing any more, and doesn't hang up."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.transport = writer.transport
        self._writer = writer

    def write(self, _content: bytes) -> None:
        return None

    async def drain(self) -> None:
        return None

    def close(self) -> None:
        self._writer.close()


@asynccontextmanager
async def switching(**settings: Any) -> AsyncIterator[Switch]:
    """A switch that is there until the block ends. ``settings``: of the connection, besides where it is."""
    found = {"host": "127.0.0.1", "password": PASSWORD, "numbers": ["+15550100900"], **settings}
    switch = Switch(found)
    server = await asyncio.start_server(switch.serve, "127.0.0.1", 0)
    found["port"] = server.sockets[0].getsockname()[1]
    try:
        yield switch
    finally:
        server.close()
        switch.cut()
