"""What is more than agreed is told 429, what is more than there is room for 503; each with when to come again."""

from __future__ import annotations

import asyncio
import gzip
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.api import running_api
from tests.channels import IMPORTER, SECRET, WRITER, Hub, running_hub
from tests.described import HELD
from tests.patience import PATIENCE
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from cx_channels.chat.webchat.server.limits import ChatLimits
from cx_channels.kit.signing import sign
from cx_events.errors import Busy, TryLater
from cx_events.log import INTERACTIONS, Log, Record
from cx_events.log.kafka import KafkaLog
from cx_events.log.port import SLOW_SECONDS
from cx_events.log.sqlite import SqliteLog
from cx_runtime.rates import Rate
from cx_runtime.tenant_rates import Rates

pytestmark = pytest.mark.clock

BATCH = "application/cloudevents-batch+json"
SLOW = Rate(0.01, 3)
"""Three at once, and then nothing more for as long as a test takes."""


def event(id: str, text: str = "hello") -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": id,
        "source": "//acme.example/chat",
        "type": "cx.message.received.v1",
        "data": {"channel": "chat", "interaction": "chat-42", "message": {"id": id, "text": text}},
    }


async def post(hub: Hub, *events: dict[str, Any], key: str = WRITER, **headers: str) -> httpx2.Response:
    body = json.dumps(events).encode()
    if headers.get("content-encoding") == "gzip":
        body = gzip.compress(body)
    async with httpx2.AsyncClient(event_hooks=HELD, base_url=hub.url, timeout=PATIENCE) as client:
        sent = {"content-type": BATCH, "authorization": f"Bearer {key}", **headers}
        return await client.post("/v1/events", content=body, headers=sent)


async def hook(hub: Hub, *say: str, signed: bool = True) -> httpx2.Response:
    body = json.dumps({"say": say}).encode()
    url = f"{hub.url}/v1/hooks/acme-echo"
    headers = {"content-type": "application/json"}
    if signed:
        headers["x-signature"] = sign(SECRET, url.encode() + body)
    async with httpx2.AsyncClient(event_hooks=HELD, timeout=PATIENCE) as client:
        return await client.post(url, content=body, headers=headers)


def is_told_to_wait(answer: httpx2.Response, status: int, reason: str) -> int:
    """The seconds."""
    assert (answer.status_code, answer.json()["reason"]) == (status, reason), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    seconds = int(answer.headers["retry-after"])
    assert seconds >= 1
    return seconds


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.01)


# --- rates -----------------------------------------------------------------------------------------------------------


async def test_a_key_beyond_its_write_rate_gets_retry_after(tmp_path: Path) -> None:
    async with running_hub(tmp_path, key_rate=SLOW) as hub:
        for n in range(3):
            assert (await post(hub, event(f"e-{n}"))).status_code == 202
        assert is_told_to_wait(await post(hub, event("e-3")), 429, "rate-limited") <= 100
        assert (await post(hub, event("e-4"), key=IMPORTER)).status_code == 202, "another key's rate is its own"
        assert {one["id"] for one in await hub.events()} == {"e-0", "e-1", "e-2", "e-4"}
        assert hub.counted("cx_intake_refused_total", provider="client", reason="rate-limited") == 1
        assert hub.counted("cx_http_problems_total", status="429", reason="rate-limited") == 1


async def test_a_batch_costs_its_events_even_above_the_burst(tmp_path: Path) -> None:
    async with running_hub(tmp_path, key_rate=Rate(0.02, 5)) as hub:
        answer = await post(hub, *[event(f"e-{n}") for n in range(50)])
        assert answer.status_code == 202
        assert len(answer.json()["accepted"]) == 50
        wait = is_told_to_wait(await post(hub, event("late")), 429, "rate-limited")
        assert 2000 < wait <= 2300  # 45 in debt at one in 50 s, and one to send


async def test_a_refused_batch_is_not_stored_in_part(tmp_path: Path) -> None:
    async with running_hub(tmp_path, key_rate=SLOW) as hub:
        await post(hub, *[event(f"e-{n}") for n in range(3)])
        is_told_to_wait(await post(hub, *[event(f"f-{n}") for n in range(3)]), 429, "rate-limited")
        assert len(await hub.events()) == 3


async def test_a_connection_beyond_its_rate_gets_retry_after(tmp_path: Path) -> None:
    async with running_hub(tmp_path, connection_rate=SLOW) as hub:
        for n in range(3):
            assert (await hook(hub, f"h-{n}")).status_code == 200
        is_told_to_wait(await hook(hub, "h-3"), 429, "rate-limited")
        assert len(await hub.events()) == 3
        assert await hub.letters() == []


async def test_unsigned_requests_do_not_use_up_the_providers_rate(tmp_path: Path) -> None:
    async with running_hub(tmp_path, connection_rate=SLOW) as hub:
        for n in range(10):
            assert (await hook(hub, f"x-{n}", signed=False)).status_code == 401
        assert (await hook(hub, "h-1")).status_code == 200


async def test_a_chat_over_the_rate_sends_its_message_again(tmp_path: Path) -> None:
    async with (
        running_hub(tmp_path, connection_rate=Rate(1, 2)) as hub,
        connect(f"ws://127.0.0.1:{hub.port}/v1/chat/acme-chat") as socket,
    ):
        await socket.send(json.dumps({"type": "hello"}))
        assert json.loads(await socket.recv())["type"] == "welcome"  # the chat's beginning is an event, too
        await socket.send(json.dumps({"type": "message", "id": "m-1", "text": "one"}))
        assert json.loads(await socket.recv())["type"] == "ack"
        heard: dict[str, Any] = {}
        async with asyncio.timeout(PATIENCE):
            await socket.send(json.dumps({"type": "message", "id": "m-2", "text": "two"}))
            while (heard := json.loads(await socket.recv()))["type"] != "ack":
                assert (heard["reason"], heard["id"]) == ("rate-limited", "m-2")
                await asyncio.sleep(heard["retry_after"])
                await socket.send(json.dumps({"type": "message", "id": "m-2", "text": "two"}))
        assert heard["id"] == "m-2"


async def test_a_key_beyond_its_read_rate_gets_retry_after(tmp_path: Path) -> None:
    async with running_api(tmp_path) as api:
        rates = Rates(api.tenants, key=SLOW)
    async with running_api(tmp_path, rates=rates) as api:
        path = "/v1/context?identifier=email:nobody@example.com"
        for _ in range(3):
            assert (await api.get(path, "reader")).status_code == 404
        is_told_to_wait(await api.get(path, "reader"), 429, "rate-limited")
        assert (await api.get(path, "all")).status_code == 404, "another key's rate is its own"


# --- the door --------------------------------------------------------------------------------------------------------


async def test_too_many_requests_in_flight_get_503_without_loss(tmp_path: Path) -> None:
    async with running_hub(tmp_path, bounds={"max_requests": 2}) as hub:
        hub.log.gate.clear()
        under_way = [asyncio.create_task(post(hub, event(f"e-{n}"))) for n in range(2)]
        await until(lambda: hub.load.requests == 2)
        is_told_to_wait(await post(hub, event("e-2")), 503, "too-many-requests")
        async with httpx2.AsyncClient(event_hooks=HELD, base_url=hub.url, timeout=PATIENCE) as client:
            assert (await client.get("/healthz")).status_code == 200, "whoever runs the hub is always let in"
            assert b"cx_http_requests_open 2.0" in (await client.get("/metrics")).content
        hub.log.gate.set()
        assert [answer.status_code for answer in await asyncio.gather(*under_way)] == [202, 202]
        assert (await post(hub, event("e-2"))).status_code == 202
        assert {one["id"] for one in await hub.events()} == {"e-0", "e-1", "e-2"}
        assert (hub.load.requests, hub.load.bytes) == (0, 0)
        assert hub.counted("cx_http_problems_total", status="503", reason="too-many-requests") == 1


@pytest.mark.parametrize("coding", ["identity", "gzip"])
async def test_too_many_bytes_in_flight_get_503(tmp_path: Path, coding: str) -> None:
    async with running_hub(tmp_path, bounds={"max_bytes": 100_000}) as hub:
        hub.log.gate.clear()
        large = event("large", "x" * 90_000)
        under_way = asyncio.create_task(post(hub, large, **{"content-encoding": coding}))
        await until(lambda: hub.load.bytes > 90_000)
        other = event("other", "y" * 20_000)
        is_told_to_wait(await post(hub, other, **{"content-encoding": coding}), 503, "too-many-bytes")
        small = asyncio.create_task(post(hub, event("small")))
        await until(lambda: hub.load.requests == 2)
        hub.log.gate.set()
        assert [(await each).status_code for each in (under_way, small)] == [202, 202]
        assert hub.load.bytes == 0


async def test_one_body_alone_may_be_larger_than_all_together(tmp_path: Path) -> None:
    async with running_hub(tmp_path, bounds={"max_bytes": 1_000}) as hub:
        assert (await post(hub, event("large", "x" * 5_000))).status_code == 202


async def test_a_refused_body_is_read_and_the_connection_stays(tmp_path: Path) -> None:
    async with running_hub(tmp_path, bounds={"max_requests": 1}) as hub:
        hub.log.gate.clear()
        under_way = asyncio.create_task(post(hub, event("e-0")))
        await until(lambda: hub.load.requests == 1)
        async with httpx2.AsyncClient(event_hooks=HELD, base_url=hub.url, timeout=PATIENCE) as client:
            headers = {"content-type": BATCH, "authorization": f"Bearer {WRITER}"}
            for _ in range(3):
                answer = await client.post("/v1/events", content=b"x" * 900_000, headers=headers)
                is_told_to_wait(answer, 503, "too-many-requests")
        hub.log.gate.set()
        await under_way


async def test_one_connection_too_many_gets_503_and_is_closed(tmp_path: Path) -> None:
    async with running_hub(tmp_path, bounds={"max_connections": 2}) as hub:
        headers = {"authorization": f"Bearer {WRITER}", "content-type": BATCH}
        clients = [
            httpx2.AsyncClient(event_hooks=HELD, base_url=hub.url, headers=headers, timeout=PATIENCE) for _ in range(3)
        ]
        try:
            for client in clients[:2]:
                assert (await client.post("/v1/events", content=b"[]")).status_code == 202
            answer = await clients[2].post("/v1/events", content=b"[]")
            is_told_to_wait(answer, 503, "too-many-connections")
            assert answer.headers["connection"] == "close"
            assert (await clients[2].get("/healthz")).status_code == 200
            await clients[0].aclose()
            async with asyncio.timeout(PATIENCE):
                while (await clients[2].post("/v1/events", content=b"[]")).status_code != 202:
                    await asyncio.sleep(0.01)
        finally:
            for client in clients:
                await client.aclose()


async def test_one_chat_too_many_gets_503_on_connecting(tmp_path: Path) -> None:
    async with running_hub(tmp_path, chat_limits=ChatLimits(sockets=1)) as hub:
        url = f"ws://127.0.0.1:{hub.port}/v1/chat/acme-chat"
        async with connect(url):
            with pytest.raises(InvalidStatus) as refused:
                async with connect(url):
                    pass
        assert refused.value.response.status_code == 503
        assert int(refused.value.response.headers["retry-after"]) >= 1
        assert json.loads(refused.value.response.body or b"")["reason"] == "too-many-chats"


async def test_a_browser_that_reads_nothing_is_disconnected_early(tmp_path: Path) -> None:
    limits = ChatLimits(waiting_bytes=200_000, send_seconds=PATIENCE)
    async with (
        running_hub(tmp_path, chat_limits=limits) as hub,
        connect(f"ws://127.0.0.1:{hub.port}/v1/chat/acme-chat", max_queue=1, ping_interval=None) as socket,
    ):
        await socket.send(json.dumps({"type": "hello"}))
        welcome = json.loads(await socket.recv())
        socket.transport.pause_reading()
        for n in range(200):
            answer = event(f"a-{n}", "x" * 100_000)
            answer["type"] = "cx.message.sent.v1"
            answer["data"] |= {"interaction": welcome["interaction"], "direction": "outbound"}
            assert (await post(hub, answer)).status_code == 202
            if not hub.counted("cx_chats_open"):
                break
        socket.transport.resume_reading()
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(ConnectionClosed) as closed:
                while True:
                    await socket.recv()
        assert closed.value.rcvd is not None
        # 1011: on a loaded machine, the server's own ping may be the first to find that nothing is taken.
        assert closed.value.rcvd.code in {1013, 1011}


async def test_a_client_sending_pings_without_reading_pongs_is_disconnected(tmp_path: Path) -> None:
    async with running_hub(tmp_path) as hub:
        reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
        writer.write(
            b"GET /v1/chat/acme-chat HTTP/1.1\r\nhost: hub\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
            b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        ping = b"\x89\xfd" + b"\0\0\0\0" + b"x" * 125
        with pytest.raises(ConnectionError):
            async with asyncio.timeout(PATIENCE):
                while True:
                    writer.write(ping * 1_000)
                    await writer.drain()
                    await asyncio.sleep(0)
        writer.close()


# --- the log ---------------------------------------------------------------------------------------------------------


async def takes_no_more_than_may_wait(log: Log) -> None:
    """Far more at once than ``max_in_flight``: what is taken is stored, the rest was refused before anything was."""
    await log.start()
    records = [[Record(INTERACTIONS, b"key", b"%03d" % n + b"x" * 10_000)] for n in range(300)]
    answers = await asyncio.gather(*(log.append(each) for each in records), return_exceptions=True)
    taken = [each for each in answers if isinstance(each, list)]
    refused = [each for each in answers if isinstance(each, Busy)]
    assert len(taken) + len(refused) == 300, [each for each in answers if not isinstance(each, list | Busy)]
    assert {each.reason for each in refused} == {"too-many-appends"}
    assert sum((await log.end_offsets(INTERACTIONS)).values()) == len(taken)
    for each in records[:3]:  # one after the other there is room again
        await log.append(each)
    await log.append([Record(INTERACTIONS, b"key", b"x" * 500_000)])
    await log.stop()


async def test_a_file_takes_no_more_appends_than_may_wait(sqlite_log_path: Path) -> None:
    await takes_no_more_than_may_wait(SqliteLog(sqlite_log_path, max_in_flight=100_000))


async def test_a_file_log_that_is_behind_refuses_new_appends(sqlite_log_path: Path) -> None:
    log = SqliteLog(sqlite_log_path)
    await log.start()
    record = Record(INTERACTIONS, b"key", b"value")
    await log.append([record])
    with closing(sqlite3.connect(sqlite_log_path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        first = asyncio.create_task(log.append([record]))
        await asyncio.sleep(SLOW_SECONDS + 0.2)
        with pytest.raises(Busy) as refused:
            await log.append([record])
        assert refused.value.reason == "log-too-slow"
        other.execute("ROLLBACK")
    await asyncio.gather(first, return_exceptions=True)
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                await log.append([record])
                break
            except TryLater:
                await asyncio.sleep(0.01)
    await log.stop()


@pytest.mark.kafka
async def test_a_broker_takes_no_more_appends_than_may_wait(kafka_url: str, kafka_log: Callable[..., KafkaLog]) -> None:
    made = kafka_log()
    await made.start()  # its topics are this test's
    log = KafkaLog(kafka_url.removeprefix("kafka://"), 2, prefix=made.prefix, max_in_flight=100_000)
    await takes_no_more_than_may_wait(log)
