"""SIGTERM under load: who has sent a request gets its answer, mails and chats come to a good end, nothing is lost."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import smtplib
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.faults.broker_killed import on_the_log
from tests.faults.posters import message
from tests.patience import PATIENCE
from tests.processes import Running, running
from tests.sse import following
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from cx_events.log.open import open_log
from cx_hub.client import connected

pytestmark = pytest.mark.clock

GONE = (ConnectionRefusedError, ConnectionResetError)
"""What connecting to a server that does not listen any more may come to."""


def home_of(tmp_path: Path, **more: str) -> Mapping[str, str]:
    return {"CX_HOME": str(tmp_path), **more}


@pytest.fixture
def key(tmp_path: Path) -> str:
    (tmp_path / "key").write_text("a key of all scopes")
    return "a key of all scopes"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Senders:
    """Speak HTTP by hand, so that they know what was sent whole and not answered."""

    url: str
    key: str
    acknowledged: set[tuple[str, str]] = field(default_factory=set)
    answers: Counter[str] = field(default_factory=Counter)
    wronged: list[str] = field(default_factory=list)
    number: int = 0

    async def connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        place = urlsplit(self.url)
        return await asyncio.open_connection(place.hostname, place.port)

    def request(self) -> tuple[bytes, bytes]:
        """Headers and body of a POST of one event."""
        self.number += 1
        body = json.dumps(message(self.number, email=f"person{self.number % 20}@example.com")).encode()
        head = (
            f"POST /v1/events HTTP/1.1\r\nhost: hub\r\nauthorization: Bearer {self.key}\r\n"
            f"content-type: application/cloudevents+json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        return head.encode(), body

    async def send(self, kind: str, *, keep: bool, pause: float) -> None:
        """Until nobody listens any more. ``keep``: one connection for many requests; ``pause``: in the middle of a body
        and between requests, at most."""
        dice = random.Random(kind)
        while True:
            try:
                reader, writer = await self.connected()
            except GONE:
                return
            with suppress(ConnectionError):
                while await self._exchange(kind, reader, writer, pause * dice.random()) and keep:
                    await asyncio.sleep(pause * dice.random())
            writer.close()

    async def _exchange(
        self, kind: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pause: float
    ) -> bool:
        """Whether the connection may be used again."""
        head, body = self.request()
        half = len(body) // 2
        writer.write(head + body[:half])
        await writer.drain()
        await asyncio.sleep(pause)
        writer.write(body[half:])
        await writer.drain()
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await answered(reader)
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError) as error:
            self.wronged.append(f"{kind}: no answer to request {self.number}: {error!r}")
            return False
        self.answers[str(answer.status)] += 1
        if answer.status == 202:
            self.acknowledged.update((one["source"], one["id"]) for one in json.loads(answer.body)["accepted"])
        elif answer.status != 503 or "retry-after" not in answer.headers:
            self.wronged.append(f"{kind}: {answer}")
        return answer.headers.get("connection") != "close"


async def answered(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Answer(int(head[0].split()[1]), headers, body)


@asynccontextmanager
async def hub_of(command: str, settings: Mapping[str, str], said: Path) -> AsyncIterator[Running]:
    """In a thread: it waits for the process."""
    manager = running(command, settings, said)
    hub = await asyncio.to_thread(manager.__enter__)
    try:
        yield hub
    finally:
        await asyncio.to_thread(manager.__exit__, None, None, None)


async def stored(home: Path) -> set[tuple[str, str]]:
    """(source, id) of all that is on the log."""
    log = open_log(f"sqlite:///{home / 'log.db'}")
    await log.start()
    found = await on_the_log(log)
    await log.stop()
    return set(found)


async def test_requests_already_sent_are_answered(tmp_path: Path, key: str) -> None:
    async with hub_of("up", home_of(tmp_path), tmp_path / "said.txt") as hub:
        senders = Senders(hub.url, key)
        async with asyncio.TaskGroup() as group:
            for n in range(8):
                group.create_task(senders.send(f"keeps its connection {n}", keep=True, pause=0.0))
                group.create_task(senders.send(f"connects each time {n}", keep=False, pause=0.0))
            for n in range(4):
                group.create_task(senders.send(f"pauses {n}", keep=True, pause=0.4))
            while len(senders.acknowledged) < 500:
                await asyncio.sleep(0.01)
            said = await asyncio.to_thread(hub.stop)
        assert "stopping" in said
    assert senders.wronged == []
    assert set(senders.answers) <= {"202", "503"}
    assert senders.acknowledged <= await stored(tmp_path)


async def test_readiness_fails_first_and_every_answer_closes_its_connection(tmp_path: Path, key: str) -> None:
    settings = home_of(tmp_path, CX_LINGER_SECONDS="5")
    async with hub_of("up", settings, tmp_path / "said.txt") as hub:
        senders = Senders(hub.url, key)

        async def ask(path: str) -> Answer:
            reader, writer = await senders.connected()
            writer.write(f"GET {path} HTTP/1.1\r\nhost: hub\r\n\r\n".encode())
            answer = await answered(reader)
            writer.close()
            return answer

        assert (await ask("/readyz")).status == 200
        reader, writer = await senders.connected()
        hub.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            while (ready := await ask("/readyz")).status == 200:
                await asyncio.sleep(0.01)
        assert "stopping" in json.loads(ready.body)["parts"]["process"]["why"]
        assert (await ask("/healthz")).status == 200, "nobody should start it again"
        writer.write(b"".join(senders.request()))
        answer = await answered(reader)
        assert (answer.status, answer.headers["connection"]) == (202, "close")
        assert await reader.read() == b""
        assert await asyncio.to_thread(hub.process.wait, PATIENCE) == 0


async def test_a_stop_ends_in_time_despite_slow_clients(tmp_path: Path, key: str) -> None:
    settings = home_of(tmp_path, CX_DRAIN_SECONDS="1")
    async with hub_of("up", settings, tmp_path / "said.txt") as hub:
        senders = Senders(hub.url, key)
        reader, writer = await senders.connected()
        head, body = senders.request()
        writer.write(head.replace(b"\r\n\r\n", b"\r\nexpect: 100-continue\r\n\r\n"))
        await reader.readuntil(b"100 Continue\r\n\r\n")  # it is under way
        writer.write(body[:10])
        idle = await senders.connected()
        await asyncio.sleep(0.2)
        await asyncio.to_thread(hub.stop)
        answer = await answered(reader)
        assert (answer.status, json.loads(answer.body)["reason"]) == (503, "stopping")
        assert "retry-after" in answer.headers
        assert await idle[0].read() == b""
        for each in (writer, idle[1]):
            each.close()


# --- mail ------------------------------------------------------------------------------------------------------------


async def test_a_mail_in_transfer_is_taken_others_get_421(tmp_path: Path, key: str) -> None:
    async with hub_of("up", home_of(tmp_path), tmp_path / "said.txt") as hub:

        def greeted() -> smtplib.SMTP:
            client = smtplib.SMTP("127.0.0.1", hub.smtp_port, timeout=PATIENCE)
            client.ehlo("client.example.com")
            return client

        sending, idle = [await asyncio.to_thread(greeted) for _ in range(2)]
        for command in ("MAIL FROM:<ana@example.com>", "RCPT TO:<support@acme.example>", "DATA"):
            code, _ = await asyncio.to_thread(sending.docmd, command)
        assert code == 354
        sending.send(b"From: ana@example.com\r\nMessage-ID: <m-1@example.com>\r\nSubject: Hi\r\n")
        await asyncio.sleep(0.1)
        hub.process.send_signal(signal.SIGTERM)
        assert (await asyncio.to_thread(idle.getreply))[0] == 421
        sending.send(b"\r\nHello\r\n.\r\n")
        assert (await asyncio.to_thread(sending.getreply))[0] == 250
        assert (await asyncio.to_thread(sending.getreply))[0] == 421
        assert await asyncio.to_thread(hub.process.wait, PATIENCE) == 0
    assert len(await stored(tmp_path)) == 1


# --- chats -----------------------------------------------------------------------------------------------------------


class Visitor:
    """What a page's script does: keeps the session, sends again what was not acknowledged, comes back."""

    def __init__(self) -> None:
        self.session = ""
        self.last = ""
        self.interaction = ""
        self.unsent: list[dict[str, str]] = []
        self.sent: set[str] = set()
        """On this socket."""
        self.heard: list[str] = []
        self.codes: list[int] = []
        self.welcomed = asyncio.Event()

    async def stay(self, url: str) -> None:
        """Until sent away."""
        async with connect(url, open_timeout=PATIENCE, ping_timeout=PATIENCE) as socket:
            await socket.send(json.dumps({"type": "hello", "session": self.session, "last": self.last}))
            try:
                while True:
                    self.hear(json.loads(await socket.recv()))
                    for each in self.unsent:
                        if each["id"] not in self.sent:
                            self.sent.add(each["id"])
                            await socket.send(json.dumps({"type": "message", **each}))
            except ConnectionClosed as closed:
                assert closed.rcvd is not None
                self.codes.append(closed.rcvd.code)

    def hear(self, said: dict[str, Any]) -> None:
        match said["type"]:
            case "welcome":
                self.session, self.interaction = said["session"], said["interaction"]
                self.sent.clear()
                self.welcomed.set()
            case "ack":
                self.unsent = [each for each in self.unsent if each["id"] != said["id"]]
            case "message":
                self.heard.append(said["text"])
                self.last = said["id"]


async def test_a_chat_reconnects_without_a_gap_or_a_repetition(tmp_path: Path, key: str) -> None:
    settings = home_of(tmp_path)
    visitor = Visitor()
    said: list[str] = []

    async def agent_says(senders: Senders, text: str) -> None:
        reader, writer = await senders.connected()
        event = {
            "specversion": "1.0", "id": text, "source": "//acme.example/desk", "type": "cx.message.sent.v1",
            "data": {
                "channel": "chat", "interaction": visitor.interaction, "direction": "outbound",
                "message": {"id": text, "text": text},
            },
        }  # fmt: skip
        body = json.dumps(event).encode()
        head = (
            f"POST /v1/events HTTP/1.1\r\nhost: hub\r\nauthorization: Bearer {key}\r\n"
            f"content-type: application/cloudevents+json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        async with asyncio.timeout(PATIENCE):
            status = 503
            while status == 503:  # the time of a loaded machine's log ran out
                writer.write(head.encode() + body)
                status = (await answered(reader)).status
        assert status == 202
        said.append(text)
        writer.close()

    async with hub_of("run channels", settings, tmp_path / "first.txt") as hub:
        staying = asyncio.create_task(visitor.stay(f"ws{hub.url[4:]}/v1/chat/acme-chat"))
        await asyncio.wait_for(visitor.welcomed.wait(), PATIENCE)
        for n in range(5):
            await agent_says(Senders(hub.url, key), f"before {n}")
        async with asyncio.timeout(PATIENCE):
            while len(visitor.heard) < 5:
                await asyncio.sleep(0.01)
        visitor.unsent = [{"id": f"m-{n}", "text": f"word {n}"} for n in range(5)]
        await agent_says(Senders(hub.url, key), "and")  # wakes the visitor, who sends what waits
        await asyncio.to_thread(hub.stop)
        await asyncio.wait_for(staying, PATIENCE)
    assert visitor.codes == [1012]
    async with hub_of("run channels", settings, tmp_path / "between.txt") as hub:
        for n in range(3):  # while the visitor is away, at another process
            await agent_says(Senders(hub.url, key), f"meanwhile {n}")
        await asyncio.to_thread(hub.stop)
    async with hub_of("run channels", settings, tmp_path / "second.txt") as hub:
        staying = asyncio.create_task(visitor.stay(f"ws{hub.url[4:]}/v1/chat/acme-chat"))
        await agent_says(Senders(hub.url, key), "after")
        async with asyncio.timeout(PATIENCE):
            while len(visitor.heard) < len(said) or visitor.unsent:
                await asyncio.sleep(0.01)
        await asyncio.to_thread(hub.stop)
        await asyncio.wait_for(staying, PATIENCE)
    assert sorted(visitor.heard) == sorted(said), "each once"
    assert len([id for _, id in await stored(tmp_path) if "m-" in id]) == 5


# --- streams ---------------------------------------------------------------------------------------------------------


async def test_streams_end_at_once_and_resume_at_another_process(tmp_path: Path, key: str) -> None:
    settings = home_of(tmp_path, CX_DRAIN_SECONDS="3600")  # more than a stop may take here
    places: list[str] = []
    async with hub_of("up", settings, tmp_path / "first.txt") as hub:
        senders = Senders(hub.url, key)
        reader, writer = await senders.connected()
        writer.write(b"".join(senders.request()))
        assert (await answered(reader)).status == 202
        writer.close()
        async with connected(hub.url, key) as client:
            read = await client.get("/v1/context", identifier="email:person1@example.com", wait="20s")
        path = f"/v1/customers/{read['body']['customer']['id']}/stream"
        async with AsyncExitStack() as stack:
            streams = [await stack.enter_async_context(following(hub.url, path, key)) for _ in range(20)]
            places = [(await stream.next()).id for stream in streams]
            ends = [asyncio.create_task(stream.end()) for stream in streams]
            await asyncio.to_thread(hub.stop)
            assert await asyncio.gather(*ends) == [[]] * len(streams)
            assert all(stream.retry > 0 for stream in streams), "they are told when to come again"
    async with (
        hub_of("up", settings, tmp_path / "second.txt") as hub,
        following(hub.url, path, key, places[0]) as resumed,
    ):
        senders = Senders(hub.url, key, number=20)  # the next message of the same person
        reader, writer = await senders.connected()
        writer.write(b"".join(senders.request()))
        assert (await answered(reader)).status == 202
        writer.close()
        event = await resumed.next()
        assert event.version > read["meta"]["version"]
        assert event.data["body"]["counts"]["messages"] == 2
