"""The channels' service for tests: the real app on the embedded parts, behind a real server on a free port."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from cx_channels.app import create_app
from cx_channels.chat.webchat.server.chat_sessions import Chats
from cx_channels.chat.webchat.server.limits import ChatLimits
from cx_channels.chat.webchat.server.routes import open_server
from cx_channels.intake import Intake
from cx_channels.kit.signing import check_signature
from cx_channels.limits import Limits
from cx_channels.provider import Answer, Connection, Ignored, Mapped, Provider, Request, Signature, Unmapped
from cx_channels.provider_server import ServerPorts
from cx_channels.registry import providers
from cx_events.blob.folder import FolderBlobs
from cx_events.dead_letters import DeadLetter, decode_dead_letter
from cx_events.envelope import Data, Draft, Message
from cx_events.errors import Refused, TryLater
from cx_events.log import DEAD_LETTERS, INTERACTIONS, Log, LogReader, Partition, Record, RecordMetadata
from cx_events.log.sqlite import SqliteLog
from cx_runtime.health import Health
from cx_runtime.http import BodyLimits
from cx_runtime.in_flight import InFlight
from cx_runtime.metrics import Metrics
from cx_runtime.rates import Rate
from cx_runtime.serve import PatientProtocol, Server, server_config
from cx_runtime.tenant_rates import Rates
from cx_runtime.tenants import ConnectionConfig, KeyConfig, TenantConfig, Tenants

WRITER = "writer-key"
READER = "reader-key"
IMPORTER = "importer-key"
SECRET = "connection secret"


def tenants() -> Tenants:
    """acme with three keys and a connection of each kind; another tenant beside it."""
    return Tenants(
        {
            "acme": TenantConfig(
                id_key="a lasting key of acme",
                keys=(
                    KeyConfig(id="writer", secret=WRITER, scopes=frozenset({"events:write"})),
                    KeyConfig(id="reader", secret=READER, scopes=frozenset({"context:read"})),
                    KeyConfig(id="importer", secret=IMPORTER, scopes=frozenset({"*"})),
                ),
                connections={
                    "acme-echo": ConnectionConfig(provider="chat/echo", secrets=(SECRET,)),
                    "acme-calls": ConnectionConfig(provider="voice/twilio", secrets=(SECRET,), region="US"),
                    "acme-chat": ConnectionConfig(provider="chat/webchat", secrets=(SECRET,)),
                    "acme-social": ConnectionConfig(provider="social/meta", secrets=(SECRET,)),
                    "acme-inbox": ConnectionConfig(provider="chat/intercom", secrets=(SECRET,)),
                    "acme-rooms": ConnectionConfig(provider="chat/matrix", secrets=(SECRET,)),
                    "acme-shop": ConnectionConfig(
                        provider="chat/webchat",
                        secrets=(SECRET,),
                        settings={"origins": ["https://shop.acme.example"], "require_user_hash": True},
                    ),
                },
            ),
            "other": TenantConfig(
                id_key="a lasting key of another",
                keys=(KeyConfig(id="other", secret="other-key", scopes=frozenset({"*"})),),
            ),
        }
    )


def _echo_map(request: Request, _connection: Connection) -> Mapped:
    """``{"say": [TEXT...], "lose": [TEXT...], "ignore": [KIND...], "fail": true, "blob": TEXT}``."""
    try:
        body = msgspec.json.decode(request.body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise Refused("malformed", "not an object", 400) from None
    if body.get("fail"):
        raise ZeroDivisionError("an adapter's fault")
    drafts = [
        Draft(
            type="cx.message.received.v1",
            id=f"say-{text[:20]}",
            time=body.get("time"),
            data=Data(
                channel="chat",
                interaction="acme-echo/1",
                message=Message(text=text[:20]),
                raw=msgspec.Raw(msgspec.json.encode(text)),
            ),
        )
        for text in body.get("say", [])
    ]
    return Mapped(
        drafts=tuple(drafts),
        ignored=tuple(Ignored(kind, "an echo says so") for kind in body.get("ignore", [])),
        unmapped=tuple(Unmapped(text, "lost-on-purpose", text.encode()) for text in body.get("lose", [])),
        blobs=tuple(text.encode() for text in body.get("blobs", [])),
    )


def _echo_verify(request: Request, connection: Connection) -> None:
    if request.headers.get("x-echo") == "break":
        raise KeyError("a check's fault")
    check_signature(
        request.headers.get("x-signature"),
        [request.url.encode() + request.body],
        connection.secrets,
        header="X-Signature",
    )


def _echo_challenge(request: Request, _connection: Connection) -> Answer | None:
    asked = dict(request.query).get("challenge")
    return Answer(body=asked.encode()) if request.method == "GET" and asked is not None else None


ECHO = Provider(
    name="chat/echo",
    channel="chat",
    map=_echo_map,
    verify=_echo_verify,
    kinds={"say": "cx.message.received.v1"},
    challenge=_echo_challenge,
    answer=lambda mapped, _request: Answer(200, f"took {len(mapped.drafts)}".encode()),
    methods=frozenset({"GET", "POST"}),
    content_types=frozenset({"application/json"}),
    max_bytes=3 << 20,
    signature=Signature(headers=("x-signature",), covers=frozenset({"body", "url"})),
)


class BreakableLog:
    """A log in front of a real one; while ``broken``, it does not answer; while ``gate`` is not set, appends wait."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.broken = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.appends = 0

    def _check(self) -> None:
        if self.broken:
            raise TryLater("log", "it is down for a test")

    async def start(self) -> None:
        await self.log.start()

    async def stop(self) -> None:
        await self.log.stop()

    def check_capacity(self) -> None:
        self.log.check_capacity()

    async def append(self, records: Sequence[Record]) -> list[RecordMetadata]:
        self._check()
        await self.gate.wait()
        self.appends += 1
        return await self.log.append(records)

    def reader(self) -> LogReader:
        return self.log.reader()

    async def partitions(self, topic: str) -> int:
        return await self.log.partitions(topic)

    async def end_offsets(self, topic: str) -> dict[int, int]:
        self._check()
        return await self.log.end_offsets(topic)


@dataclass
class Hub:
    """What a test may look into and turn off."""

    url: str
    port: int
    log: BreakableLog
    blobs: FolderBlobs
    intake: Intake
    metrics: Metrics
    health: Health
    load: InFlight
    chats: Chats

    async def stored(self, topic: str = INTERACTIONS) -> list[bytes]:
        """All that lies on a topic, partition by partition."""
        reader = self.log.reader()
        ends = await self.log.log.end_offsets(topic)
        reader.assign({Partition(topic, number): 0 for number in ends})
        found: list[bytes] = []
        while records := await reader.read(1000, wait=0.05):
            found += [record.value for record in records]
        await reader.close()
        return found

    async def events(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(raw) for raw in await self.stored()]

    async def letters(self) -> list[DeadLetter]:
        return [decode_dead_letter(raw) for raw in await self.stored(DEAD_LETTERS)]

    def counted(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


FAST = Limits(
    body=BodyLimits(idle=0.5, grace=0.5, min_rate=1 << 20),
)
FAST_CHAT = ChatLimits(hello_seconds=0.5, send_seconds=1.0, burst=20, per_second=5.0, tolerated=10)
"""Short patience, so that tests of it are short."""


@asynccontextmanager
async def running_hub(
    folder: Path,
    limits: Limits = Limits(),
    chat_limits: ChatLimits = ChatLimits(),
    public_url: str | None = None,
    header_seconds: float = 10.0,
    bounds: Mapping[str, Any] | None = None,
    key_rate: Rate | None = None,
    connection_rate: Rate | None = None,
    **server: Any,
) -> AsyncIterator[Hub]:
    """``public_url``: the hub's own address where not given. ``bounds``: arguments of ``InFlight``."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    public_url = f"http://127.0.0.1:{port}" if public_url is None else public_url
    log = BreakableLog(SqliteLog(folder / "log.db", 4))
    blobs = FolderBlobs(folder / "blobs")
    metrics, health, known = Metrics(), Health(), tenants()
    all_providers: Mapping[str, Provider] = {**providers(), "chat/echo": ECHO}
    await log.start()
    await blobs.start()
    rates = Rates(known, key=key_rate, connection=connection_rate)
    intake = Intake(log, blobs, known, all_providers, metrics, rates=rates)
    chat = open_server(ServerPorts(intake, log, metrics, health.progress, limits), chat_limits)
    delivering = asyncio.create_task(chat.run())
    app = create_app(intake, known, [chat], metrics, health, limits=limits, public_url=public_url)
    load = InFlight(metrics, **(bounds or {}))
    protocol = type("Protocol", (PatientProtocol,), {"header_seconds": header_seconds})
    running = Server(server_config(app, "127.0.0.1", 0, load=load, http=protocol, **server))
    task = asyncio.create_task(running.serve(sockets=[listener]))
    while not running.started:
        await asyncio.sleep(0.01)
    try:
        yield Hub(f"http://127.0.0.1:{port}", port, log, blobs, intake, metrics, health, load, chat.chats)
    finally:
        load.leaving = True
        await chat.stop(5.0)
        running.should_exit = True
        await task
        listener.close()
        delivering.cancel()
        await asyncio.wait([delivering])
        await blobs.stop()
        await log.stop()
