"""A telephone system for faults, in this process: as much of AMI, or of ARI, as the clients use.

Like Asterisk it keeps nothing for who is away, and lists the channels that are there. A number is a channel that
begins. Under ``repeat`` each event comes twice, under ``reorder`` after the next one; ``stall``: events and answers
stay away, or, of ARI, whose library goes on answering pings, the events alone. The list is no event: it comes whole.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from hashlib import md5
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from tests.polled import Faults
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from cx_channels.pollers.source import SourcePorts
from cx_channels.provider import Connection
from cx_channels.voice.asterisk import PROVIDER
from cx_channels.voice.asterisk.settings import system_settings
from cx_channels.voice.asterisk.stream import AmiStream, AriStream

USER, PASSWORD = "hub", "example-secret"
_CHALLENGE = "1234567890"
_BEGAN = 1_795_860_000


@dataclass(eq=False)
class Line:
    """What is told to one client. ``waiting``: what comes after the next, under ``reorder``."""

    told: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    hears: bool = False
    waiting: bytes = b""


@dataclass
class Asterisk:
    """A ``Vendor``. ``actions``: all that were asked for, of ARI paths. ``deaf``: new channels are told to nobody.
    ``behind``: events that come together with AMI's answer to ``Events``."""

    interface: Literal["ami", "ari"]
    settings: dict[str, Any] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    provider: Any = PROVIDER
    secrets: tuple[str, ...] = (PASSWORD,)
    asked: int = 0
    check: float = 600.0
    lists: bool = True
    deaf: bool = False
    behind: bytes = b""
    actions: list[str] = field(default_factory=list)
    channels: dict[str, int] = field(default_factory=dict)
    lines: dict[Line, Any] = field(default_factory=dict)

    def open_source(self, connection: Connection, ports: SourcePorts) -> AmiStream | AriStream:
        its = system_settings(connection)
        if self.interface == "ami":
            return AmiStream(connection, its, ports, ping=0.3, answer=1.0, check=self.check)
        return AriStream(connection, its, ports, settle=0.1, check=self.check)

    def say(self, number: int) -> None:
        self.channels[f"{_BEGAN}.{number}"] = number
        self.tell(self.begun(number))

    def hang_up(self, number: int) -> None:
        self.channels.pop(f"{_BEGAN}.{number}", None)
        self.tell(self.ended(number))

    def number_of(self, event: dict[str, Any]) -> int:
        return int(event["id"].partition("/")[0].rpartition(".")[2])

    def cut(self) -> None:
        for socket in self.lines.values():
            socket.transport.abort()

    def tell(self, event: bytes) -> None:
        for line in [] if self.deaf else self.lines:
            if line.hears:
                self.put(line, event)

    def put(self, line: Line, event: bytes) -> None:
        """Have an event told: again, or after the next one, where that is the fault."""
        if self.faults.reorder and not line.waiting:
            line.waiting = event
            return
        for each in (event, line.waiting):
            for _ in range(2 if self.faults.repeat else 1):
                if each:
                    line.told.put_nowait(each)
        line.waiting = b""

    def channel(self, number: int) -> dict[str, Any]:
        """Return a channel as ARI shows it."""
        id = f"{_BEGAN}.{number}"
        return {
            "id": id, "name": f"PJSIP/trunk-acme-{number:08x}", "state": "Ring", "protocol_id": "",
            "caller": {"name": "", "number": f"+15550100{number:03}"}, "connected": {"name": "", "number": ""},
            "accountcode": "", "dialplan": {"context": "from-trunk", "exten": "+15550100900", "priority": 1},
            "creationtime": "2026-11-28T10:00:00.000+0000", "language": "en", "channelvars": {"CHANNEL(linkedid)": id},
        }  # fmt: skip

    def begun(self, number: int) -> bytes:
        return self._event("Newchannel", "ChannelCreated", number)

    def ended(self, number: int) -> bytes:
        more = {"cause": 16, "cause_txt": "Normal Clearing"}
        return self._event("Hangup", "ChannelDestroyed", number, more)

    def fields(self, number: int) -> str:
        """Return a channel's fields as AMI shows them."""
        id = f"{_BEGAN}.{number}"
        return (
            f"Channel: PJSIP/trunk-acme-{number:08x}\r\nChannelState: 4\r\nChannelStateDesc: Ring\r\n"
            f"CallerIDNum: +15550100{number:03}\r\nCallerIDName: <unknown>\r\nContext: from-trunk\r\n"
            f"Exten: +15550100900\r\nUniqueid: {id}\r\nLinkedid: {id}\r\n"
        )

    def _event(self, ami: str, ari: str, number: int, more: dict[str, Any] | None = None) -> bytes:
        if self.interface == "ami":
            also = "Cause: 16\r\nCause-txt: Normal Clearing\r\n" if more else ""
            at = f"{_BEGAN + number}.000000"
            return f"Event: {ami}\r\nTimestamp: {at}\r\n{self.fields(number)}{also}\r\n".encode()
        at = f"2026-11-28T10:00:{number % 60:02}.000+0000"
        event = {"type": ari, "timestamp": at, "application": "throughline", "channel": self.channel(number)}
        return json.dumps({**event, **(more or {})}).encode()

    # --- AMI

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line()
        self.asked += 1
        self.lines[line] = writer
        telling = asyncio.create_task(self._tell_ami(line, writer))
        try:
            writer.write(b"Asterisk Call Manager/13.0.0\r\n")
            while (raw := await reader.readuntil(b"\r\n\r\n")) and not telling.done():
                pairs = (each.partition(": ") for each in raw.decode().split("\r\n") if each)
                if not self._act({name: value for name, _, value in pairs}, line):
                    return
        except (OSError, EOFError):
            pass
        finally:
            self.lines.pop(line, None)
            telling.cancel()
            await asyncio.wait([telling])
            writer.close()

    def _act(self, action: dict[str, str], line: Line) -> bool:
        self.actions.append(action["Action"])
        id = f"ActionID: {action['ActionID']}\r\n" if "ActionID" in action else ""
        put = line.told.put_nowait
        match action["Action"]:
            case "Challenge":
                put(f"Response: Success\r\nChallenge: {_CHALLENGE}\r\n\r\n".encode())
            case "Login":
                key = md5(f"{_CHALLENGE}{PASSWORD}".encode(), usedforsecurity=False).hexdigest()
                if self.faults.refuse or (action.get("Key"), action["Username"]) != (key, USER):
                    put(b"Response: Error\r\nMessage: Authentication failed\r\n\r\n")
                    put(b"")
                    return True
                put(b"Response: Success\r\nMessage: Authentication accepted\r\n\r\n")
            case "Events":
                put(b"Response: Success\r\nEvents: On\r\n\r\n" + self.behind)
                line.hears = True
            case "Ping":
                put(f"Response: Success\r\n{id}Ping: Pong\r\n\r\n".encode())
            case "CoreShowChannels" if not self.lists:
                put(f"Response: Error\r\n{id}Message: Permission denied\r\n\r\n".encode())
            case "CoreShowChannels":
                put(f"Response: Success\r\n{id}EventList: start\r\n\r\n".encode())
                for number in self.channels.values():
                    listed = f"Event: CoreShowChannel\r\n{id}{self.fields(number)}Duration: 00:00:09\r\n\r\n"
                    put(listed.encode())
                put(f"Event: CoreShowChannelsComplete\r\n{id}EventList: Complete\r\n\r\n".encode())
        return True

    async def _tell_ami(self, line: Line, writer: asyncio.StreamWriter) -> None:
        sent = 0
        while True:
            message = await line.told.get()
            if not message:
                writer.close()
                return
            if message.startswith(b"Event: ") and b"CoreShowChannel" not in message:
                sent += 1
            if self.faults.drop and sent > self.faults.drop:
                writer.write(message[: len(message) // 2])
                writer.close()
                return
            if self.faults.stall and sent > self.faults.stall:
                continue
            writer.write(message)

    # --- ARI

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer HTTP: the list of channels, and refusals; None opens the socket."""
        given = request.headers.get("Authorization", "")
        if self.faults.refuse or given != f"Basic {b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}":
            self.asked += 1
            return connection.respond(401, "Authentication required")
        path = urlsplit(request.path)
        self.actions.append(path.path)
        if path.path == "/ari/channels":
            return connection.respond(200, json.dumps([self.channel(each) for each in self.channels.values()]))
        if path.path != "/ari/events" or parse_qs(path.query)["app"] != ["throughline"]:
            return connection.respond(404, "not found")
        return None

    async def socket(self, connection: ServerConnection) -> None:
        line = Line(hears=True)
        self.asked += 1
        self.lines[line] = connection
        telling = asyncio.create_task(self._tell_ari(line, connection))
        try:
            await connection.wait_closed()
        finally:
            self.lines.pop(line, None)
            telling.cancel()
            await asyncio.wait([telling])

    async def _tell_ari(self, line: Line, connection: ServerConnection) -> None:
        sent = 0
        while True:
            event = await line.told.get()
            sent += 1
            if self.faults.drop and sent > self.faults.drop:
                connection.transport.abort()
                return
            if not self.faults.stall or sent <= self.faults.stall:
                with suppress(ConnectionClosed):
                    await connection.send(event.decode())


@asynccontextmanager
async def telephoning(interface: Literal["ami", "ari"]) -> AsyncIterator[Asterisk]:
    """Serve until the block ends."""
    system = Asterisk(interface)
    its = {"interface": interface, "host": "127.0.0.1", "tls": False, "user": USER, "trunks": ["PJSIP/trunk-*"]}
    if interface == "ami":
        server = await asyncio.start_server(system.serve, "127.0.0.1", 0)
        system.settings = {**its, "port": server.sockets[0].getsockname()[1]}
        try:
            yield system
        finally:
            server.close()
            system.cut()
        return
    async with serve(system.socket, "127.0.0.1", 0, process_request=system.answer, subprotocols=["ari"]) as sockets:  # type: ignore[list-item]
        system.settings = {**its, "port": next(iter(sockets.sockets)).getsockname()[1]}
        yield system
        system.cut()
