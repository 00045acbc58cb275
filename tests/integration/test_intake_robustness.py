"""Whatever arrives at the port, the hub answers 4xx or closes the connection: never 5xx, never a connection kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.channels import FAST, FAST_CHAT, SECRET, WRITER, Hub, running_hub
from tests.patience import PATIENCE

from cx_channels.kit.signing import sign

pytestmark = pytest.mark.clock

"""Seconds within which a stalled connection must be closed in production; the hub under test is set to less."""


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with running_hub(
        tmp_path, limits=FAST, chat_limits=FAST_CHAT, header_seconds=0.5, timeout_keep_alive=1
    ) as running:
        yield running


async def exchanged(hub: Hub, *pieces: bytes, pause: float = 0.0, finish: bool = False) -> bytes:
    """All that the server says to these bytes, until it closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
    hearing = asyncio.create_task(_heard(reader))
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)
        if finish:
            writer.write_eof()
    except ConnectionError:
        pass  # the server has heard enough
    async with asyncio.timeout(PATIENCE):
        answer = await hearing
    writer.close()
    return answer


async def _heard(reader: asyncio.StreamReader) -> bytes:
    answer = b""
    try:
        while piece := await reader.read(65536):
            answer += piece
    except ConnectionError:
        pass
    return answer


def request(path: bytes = b"/v1/events", *headers: bytes, method: bytes = b"POST", body: bytes = b"") -> bytes:
    lines = [method + b" " + path + b" HTTP/1.1", b"host: hub.example.com", b"connection: close"]
    lines += [b"content-length: %d" % len(body)] if body else []
    return b"\r\n".join([*lines, *headers, b"", body])


KEY = b"authorization: Bearer " + WRITER.encode()
JSON = b"content-type: application/cloudevents+json"


async def test_a_client_that_says_nothing_is_closed(hub: Hub) -> None:
    assert (await exchanged(hub)).startswith(b"HTTP/1.1 408")


async def test_headers_that_never_end_are_closed(hub: Hub) -> None:
    assert (await exchanged(hub, b"POST /v1/events HTTP/1.1\r\nhost: x\r\n")).startswith(b"HTTP/1.1 408")
    answers = await exchanged(hub, *[b"x-%d: y\r\n" % n if n else b"GET / HTTP/1.1\r\n" for n in range(20)], pause=0.1)
    assert answers.startswith(b"HTTP/1.1 408")


async def test_line_ends_between_requests_do_not_keep_a_connection(hub: Hub) -> None:
    first = request(method=b"GET").replace(b"connection: close\r\n", b"")
    assert b"405" in await exchanged(hub, first, *[b"\r\n"] * 10, pause=0.1)


async def test_huge_headers_are_refused(hub: Hub) -> None:
    answer = await exchanged(hub, b"GET / HTTP/1.1\r\n", *[b"x: " + b"y" * 8000 + b"\r\n"] * 20)
    assert answer.startswith(b"HTTP/1.1 431")


async def test_a_body_that_stalls_or_drips_is_refused(hub: Hub) -> None:
    head = request(b"/v1/events", KEY, JSON, b"content-length: 100")
    assert b" 408 " in await exchanged(hub, head, b"{")
    dripped = await exchanged(hub, head, *[b" "] * 12, pause=0.1)
    assert b" 408 " in dripped
    assert b"slow-body" in dripped
    assert hub.counted("cx_intake_refused_total", provider="client", reason="slow-body") == 2


async def test_a_sender_that_disconnects_midway_is_no_server_error(hub: Hub) -> None:
    head = request(b"/v1/events", KEY, JSON, b"content-length: 100")
    _, writer = await asyncio.open_connection("127.0.0.1", hub.port)
    writer.write(head + b"{")
    await writer.drain()
    writer.close()
    while not hub.counted("cx_intake_refused_total", provider="client", reason="incomplete-body"):
        await asyncio.sleep(0.01)
    assert hub.counted("cx_http_problems_total", status="500", reason="internal") == 0


async def test_a_body_without_end_is_cut_off(hub: Hub) -> None:
    head = request(b"/v1/events", KEY, JSON, b"transfer-encoding: chunked")
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    answer = await exchanged(hub, head, *[chunk] * 40, finish=True)
    assert b" 413 " in answer
    assert hub.counted("cx_intake_refused_total", provider="client", reason="too-large") == 1


async def test_a_body_refused_unread_does_not_hide_the_answer(hub: Hub) -> None:
    unread = request(b"/v1/events", JSON, body=b" " * (1 << 19)).replace(b"connection: close\r\n", b"")
    answer = await exchanged(hub, unread, b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert b" 401 " in answer
    assert b" 200 OK" in answer


@pytest.mark.parametrize("connection", [b"close", b"keep-alive"])
async def test_who_sends_on_after_a_refusal_is_heard_out(hub: Hub, connection: bytes) -> None:
    """For longer than headers may take, as long as it comes on."""
    refused = request(b"/v1/events", JSON, b"content-length: 160000").replace(b"close", connection)
    _, wire = await asyncio.open_connection("127.0.0.1", hub.port)
    wire.write(refused)
    for _ in range(20):
        await asyncio.sleep(0.1)
        wire.write(b" " * 8000)
        await wire.drain()  # raises where the connection was reset
    wire.close()
    assert hub.counted("cx_http_problems_total", status="401", reason="no-key") == 1


async def test_a_slow_sender_that_sends_on_gets_its_answer(hub: Hub) -> None:
    head = request(b"/v1/events", KEY, JSON, b"content-length: 90000")
    reader, wire = await asyncio.open_connection("127.0.0.1", hub.port)
    wire.write(head)
    for _ in range(15):
        wire.write(b" " * 6000)
        await wire.drain()
        await asyncio.sleep(0.1)
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"slow-body" in answer
    wire.close()


async def test_a_sender_that_stops_after_a_refusal_is_closed(hub: Hub) -> None:
    answer = await exchanged(hub, request(b"/v1/events", JSON, b"content-length: 90000"), b" " * 100)
    assert b" 401 " in answer


HOSTILE = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET / HTTP/9.9\r\n\r\n",
    b"\x00" * 100,
    request(b"/v1/hooks/%ff%fe?%zz=%", method=b"GET"),
    request(b"/v1/hooks/\xc3\xa9", method=b"GET"),
    request(b"/v1/hooks/acme-echo?challenge=%ff%00%0d%0a", method=b"GET"),
    request(b"/v1/hooks/acme-echo?" + b"a=1&" * 4000, method=b"GET"),
    request(b"/v1/hooks/acme-echo%2f..%2f", method=b"GET"),
    request(b"http://[bad/v1/events", method=b"GET"),
    request(b"//v1/events"),
    request(b"/" + b"x" * 70000),
    request(b"/v1/events", b"authorization: Bearer \xff\xfe"),
    request(b"/v1/events", b"authorization:"),
    request(b"/v1/events", b"content-length: -1"),
    request(b"/v1/events", b"content-length: 99999999999999999999"),
    request(b"/v1/events", KEY, b"content-length: 9223372036854775807"),
    request(b"/v1/events", KEY, b"content-type: \xff\xfe/\xff", body=b"{}"),
    request(b"/v1/events", KEY, b"ce-id: \xff", body=b"{}"),
    request(b"/v1/events", KEY, JSON, b"content-encoding: \xff", body=b"{}"),
    request(b"/v1/hooks/acme-echo", b"host: \xff", b"content-type: application/json", body=b"{}"),
    request(b"/v1/hooks/acme-echo", b"content-type: application/json", b"x-signature: \xe9", body=b"{}"),
    request(b"/v1/chat/acme-chat", method=b"GET"),
    request(b"/v1/chat/acme-chat", b"upgrade: websocket", b"connection: upgrade", method=b"GET"),
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_bytes_are_answered_4xx_or_not_at_all(hub: Hub, hostile: bytes) -> None:
    answer = await exchanged(hub, hostile, finish=True)
    assert not answer.startswith(b"HTTP/1.1 5")
    assert hub.counted("cx_http_problems_total", status="500", reason="internal") == 0


# --- fuzz ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.AbstractEventLoop, Hub]]:
    """One hub for thousands of tries."""
    loop = asyncio.new_event_loop()
    context = running_hub(tmp_path_factory.mktemp("hub"), limits=FAST, chat_limits=FAST_CHAT, header_seconds=0.5)
    hub = loop.run_until_complete(context.__aenter__())
    yield loop, hub
    loop.run_until_complete(context.__aexit__(None, None, None))
    loop.close()


HEADER_NAMES = st.sampled_from(
    ["content-type", "content-encoding", "ce-id", "ce-source", "ce-type", "ce-specversion", "ce-time", "ce-x", "host",
     "origin", "x-signature", "x-twilio-signature", "content-length", "transfer-encoding", "expect", "cookie"]
)  # fmt: skip
HEADER_VALUES = st.sampled_from(
    [b"application/json", b"application/cloudevents+json", b"application/cloudevents-batch+json", b"text/plain",
     b"gzip", b"1.0", b"chunked", b"5", b"100-continue", b"cx.message.received.v1",
     b"application/x-www-form-urlencoded"]
) | st.binary(max_size=20).map(lambda raw: raw.translate(None, b"\r\n\0"))  # fmt: skip
PATHS = st.sampled_from(
    [b"/v1/events", b"/v1/hooks/acme-echo", b"/v1/hooks/acme-calls", b"/v1/hooks/acme-chat", b"/v1/chat/acme-chat",
     b"/v1/chat/widget.js", b"/healthz", b"/v1/hooks/"]
)  # fmt: skip
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from(["1.0", "cx.bot.turn.v1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["specversion", "id", "source", "type", "time", "data", "message", "participants", "say", "x"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=10,
)
BODIES = st.binary(max_size=100) | VALUES.map(lambda value: json.dumps(value).encode())


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"DELETE"]),
    PATHS,
    st.binary(max_size=20).map(lambda raw: raw.translate(None, b" \r\n\0#")),
    st.lists(st.tuples(HEADER_NAMES, HEADER_VALUES), max_size=4),
    BODIES,
    st.booleans(),
)
@example(b"POST", b"/v1/events", b"", [("content-type", b"application/json")], b"[" * 100_000, True)
def test_no_request_at_all_yields_5xx(
    shared: tuple[asyncio.AbstractEventLoop, Hub],
    method: bytes,
    path: bytes,
    query: bytes,
    headers: list[tuple[str, bytes]],
    body: bytes,
    signed: bool,
) -> None:
    loop, hub = shared
    target = path + (b"?" + query if query else b"")
    lines = [name.encode() + b": " + value for name, value in headers]
    if signed:
        url = b"http://hub.example.com" + target
        lines += [KEY, b"x-signature: " + sign(SECRET, url + body).encode()]
    answer = loop.run_until_complete(exchanged(hub, request(target, *lines, method=method, body=body), finish=True))
    ran_out = b"try-later" in answer  # the time that a loaded machine's log had
    assert ran_out or not answer.startswith(b"HTTP/1.1 5"), answer
    assert hub.counted("cx_http_problems_total", status="500", reason="internal") == 0
