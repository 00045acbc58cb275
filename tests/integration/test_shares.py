"""Two tenants and strangers at the doors of one hub: what one of them uses up, the others still have."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from tests.api import running_api
from tests.channels import WRITER, Hub, running_hub
from tests.integration.test_limits import event, hook, is_told_to_wait, post, until
from tests.patience import PATIENCE
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from cx_channels.chat.webchat.server.limits import ChatLimits
from cx_context.store.latest_events import read_latest_facts
from cx_context.store.ownership import Ownership
from cx_context_api.reads.turns import ReadTurns
from cx_events.ids import text_of
from cx_events.testing.builders import ACME, HOUR, START, an_event
from cx_runtime.addresses import Addresses
from cx_runtime.fair_queue import FairQueue
from cx_runtime.in_flight import InFlight, Pacer
from cx_runtime.metrics import Metrics
from cx_runtime.rates import Rate
from cx_runtime.shares import TENANT_SHARE

pytestmark = pytest.mark.clock

STRANGER = "127.0.0.2"
ANA = ACME.profile("email", "", "ana@example.com")


@asynccontextmanager
async def slow_bodies(hub: Hub, path: str, count: int, source: str, share: int) -> AsyncIterator[list[bytes]]:
    """So many begin to send and don't end; what each has heard already, or nothing. ``share``: so many must hear
    nothing, and are not waited for until they do."""
    async with AsyncExitStack() as stack:
        heard: list[bytes] = []
        for number in range(count):
            reading, writer = await asyncio.open_connection("127.0.0.1", hub.port, local_addr=(source, 0))
            stack.callback(writer.close)
            writer.write(
                f"POST {path} HTTP/1.1\r\nhost: hub\r\ncontent-type: application/json\r\n"
                f"content-length: 100000\r\n\r\n{{".encode()
            )
            try:
                async with asyncio.timeout(0.2 if number < share else PATIENCE):
                    heard.append(await reading.readuntil(b"\r\n\r\n") + await reading.read(1000))
            except TimeoutError:
                heard.append(b"")
        yield heard


async def test_one_tenants_requests_leave_room_for_another_tenant(tmp_path: Path) -> None:
    async with running_hub(tmp_path, bounds={"max_requests": 10, "tenant_share": TENANT_SHARE}) as hub:
        hub.log.gate.clear()
        under_way = [asyncio.create_task(post(hub, event(f"e-{n}"))) for n in range(4)]
        await until(lambda: hub.load.requests == 4)
        is_told_to_wait(await post(hub, event("too-many")), 429, "requests-of-key")
        other = asyncio.create_task(post(hub, event("e-9"), key="other-key"))
        await until(lambda: hub.load.requests == 5)
        hub.log.gate.set()
        assert {answer.status_code for answer in await asyncio.gather(*under_way, other)} == {202}
        assert (hub.load.requests, hub.load.request_slots.known()) == (0, 0)
        assert hub.counted("cx_http_problems_total", status="429", reason="requests-of-key") == 1


async def test_strangers_slow_bodies_block_neither_tenants_nor_other_addresses(tmp_path: Path) -> None:
    async with (
        running_hub(tmp_path, bounds={"max_requests": 40}) as hub,
        slow_bodies(hub, "/v1/hooks/acme-echo", 8, STRANGER, share=2) as heard,
    ):
        assert heard[:2] == [b"", b""], "within its share one is waited for"
        assert all(b"429" in each and b"requests-of-address" in each for each in heard[2:])
        assert (await post(hub, event("e-1"))).status_code == 202
        assert (await hook(hub, "h-1")).status_code == 200


async def test_one_address_leaves_connections_to_others(tmp_path: Path) -> None:
    async with running_hub(tmp_path, bounds={"max_connections": 100}) as hub, AsyncExitStack() as stack:
        for _ in range(60):
            _, writer = await asyncio.open_connection("127.0.0.1", hub.port, local_addr=(STRANGER, 0))
            stack.callback(writer.close)
        for number in range(20):
            assert (await post(hub, event(f"e-{number}"))).status_code == 202


async def test_a_connection_counts_for_the_tenant_of_its_key(tmp_path: Path) -> None:
    metrics = Metrics()
    load = InFlight(metrics, max_connections=10, tenant_share=TENANT_SHARE)
    assert [load.connected((STRANGER, port)) is None for port in range(3)] == [True, False, False]
    slot = load.connection_of((STRANGER, 0))
    assert slot is not None
    slot.move((load.tenant("acme"),))
    assert load.connected((STRANGER, 9)) is None, "the address has its share again"
    assert load.connection_of((STRANGER, 1)) is None, "one too many holds no place"
    for port in (0, 1, 2, 9):
        load.disconnected((STRANGER, port))


async def test_visitors_behind_a_trusted_proxy_are_told_apart(tmp_path: Path) -> None:
    limits = ChatLimits(sockets=10)
    bounds = {"addresses": Addresses(["127.0.0.1"])}
    async with running_hub(tmp_path, chat_limits=limits, bounds=bounds) as hub, AsyncExitStack() as stack:
        url = f"ws://127.0.0.1:{hub.port}/v1/chat/acme-chat"
        for visitor in ("192.0.2.1", "192.0.2.2", "9.9.9.9, 192.0.2.3"):
            await stack.enter_async_context(connect(url, additional_headers={"x-forwarded-for": visitor}))
        with pytest.raises(InvalidStatus) as refused:
            await connect(url, additional_headers={"x-forwarded-for": "8.8.8.8, 192.0.2.3"})
        assert json.loads(refused.value.response.body or b"")["reason"] == "chats-of-address"


async def test_a_stranger_chooses_no_address_by_a_header(tmp_path: Path) -> None:
    limits = ChatLimits(sockets=10)
    async with running_hub(tmp_path, chat_limits=limits) as hub:
        url = f"ws://127.0.0.1:{hub.port}/v1/chat/acme-chat"
        async with connect(url, additional_headers={"x-forwarded-for": "192.0.2.1"}):
            with pytest.raises(InvalidStatus) as refused:
                await connect(url, additional_headers={"x-forwarded-for": "192.0.2.2"})
        assert refused.value.response.status_code == 429


async def test_whoever_is_refused_again_and_again_waits_for_it(tmp_path: Path) -> None:
    async with running_hub(tmp_path, bounds={"pace": Rate(0.001, 2.0)}) as hub:
        for _ in range(2):
            assert (await post(hub, event("e"), key="wrong key")).status_code == 401
        late = asyncio.create_task(post(hub, event("e"), key="wrong key"))
        await asyncio.sleep(0.3)
        assert not late.done()
        await until(lambda: hub.load.requests == 0)  # meanwhile it holds nothing
        assert (await post(hub, event("e"), key=WRITER)).status_code == 202, "who is known is not kept waiting"
        hub.load.leaving = True
        assert (await late).status_code == 401, "nobody waits for it while the hub stops"


async def test_strangers_wait_at_what_is_not_set_up(tmp_path: Path) -> None:
    async with running_hub(tmp_path, bounds={"pace": Rate(0.001, 2.0)}, public_url="") as hub:
        for _ in range(2):
            assert (await hook(hub, "hello")).status_code == 503
        late = asyncio.create_task(hook(hub, "hello"))
        await asyncio.sleep(0.3)
        assert not late.done()
        hub.load.leaving = True
        assert (await late).json()["reason"] == "no-public-url"


async def test_a_tenant_repeating_oversized_bodies_is_refused_slowly(tmp_path: Path) -> None:
    async with running_hub(tmp_path, bounds={"pace": Rate(0.001, 2.0)}) as hub:
        large = event("e", text="x" * (2 << 20))
        for _ in range(2):
            assert (await post(hub, large, key=WRITER)).status_code == 413
        late = asyncio.create_task(post(hub, large, key=WRITER))
        await asyncio.sleep(0.3)
        assert not late.done()
        hub.load.leaving = True
        assert (await late).status_code == 413


async def test_handshakes_of_one_address_have_a_rate(tmp_path: Path) -> None:
    limits = ChatLimits(opened=Rate(0.001, 2.0))
    bounds = {"addresses": Addresses(["127.0.0.1"])}
    async with running_hub(tmp_path, chat_limits=limits, bounds=bounds) as hub:
        url = f"ws://127.0.0.1:{hub.port}/v1/chat/acme-chat"
        for _ in range(2):
            async with connect(url, additional_headers={"x-forwarded-for": "192.0.2.1"}):
                pass
        with pytest.raises(InvalidStatus) as refused:
            await connect(url, additional_headers={"x-forwarded-for": "192.0.2.1"})
        assert refused.value.response.status_code == 429
        assert json.loads(refused.value.response.body or b"")["reason"] == "handshakes-too-fast"
        async with connect(url, additional_headers={"x-forwarded-for": "192.0.2.2"}):
            pass


async def test_a_refused_handshake_is_no_fault_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with running_hub(tmp_path) as hub:
        with pytest.raises(InvalidStatus):
            await connect(f"ws://127.0.0.1:{hub.port}/v1/chat/nobodys-chat")
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_refusals_are_remembered_for_few_clients() -> None:
    pacer = Pacer(most=10)
    for number in range(100):
        await pacer.pause(str(number))
    assert len(pacer) == 10


async def test_one_tenants_heavy_reads_leave_another_its_turn(tmp_path: Path) -> None:
    async with running_api(tmp_path, turns=ReadTurns.of(2)) as hub:
        await hub.happen(an_event(id="m-1", email="ana@example.com", interaction="chat-1", text="hello"))
        heavy = hub.api.turns.heavy
        heavy._seconds = 60.0  # so that nobody's time is up here, however slow the machine is
        path = f"/v1/customers/{text_of(ANA)}/lineage?path=/counts"
        async with heavy.turn("acme"):
            waiting = [asyncio.create_task(hub.get(path)) for _ in range(21)]
            await until(lambda: heavy.waiting == 20 and any(each.done() for each in waiting))
            answers = [each for each in waiting if each.done()]
            assert [each.result().status_code for each in answers] == [429]
            assert answers[0].result().json()["reason"] == "heavy-reads-of-tenant"
            assert (await hub.get(path, "other")).status_code == 404, "asked at once, and nobody of its own"
            assert (await hub.get(f"/v1/customers/{text_of(ANA)}/timeline")).status_code == 200
        assert {(await each).status_code for each in waiting} == {200, 429}
        assert (heavy.running, heavy.waiting, heavy.known()) == (0, 0, 0)


class Charged(FairQueue):
    """Remembers who was charged."""

    def __init__(self) -> None:
        super().__init__("reads", 4, most_of_one=4, most_waiting=9, most_waiting_of_one=9, seconds=1.0, time_of_one=0.2)
        self.charged: list[tuple[str, bool]] = []

    def charge(self, key: str, seconds: float) -> None:
        self.charged.append((key, seconds > 0.0))
        super().charge(key, seconds)


async def test_a_pages_cpu_time_is_charged_to_its_tenant(tmp_path: Path) -> None:
    pages = Charged()
    async with running_api(tmp_path, turns=ReadTurns.of(2)._replace(pages=pages)) as hub:
        await hub.happen(an_event(id="m-1", email="ana@example.com", interaction="chat-1", text="Hello"))
        for path in ("timeline", "conversations", "identity"):
            answer = await hub.get(f"/v1/customers/{text_of(ANA)}/{path}")
            assert answer.status_code == 200, answer.text
        assert pages.charged == [("acme", True)] * 3


async def test_a_tenant_over_its_cpu_share_waits_alone(tmp_path: Path) -> None:
    pages = Charged()
    async with running_api(tmp_path, turns=ReadTurns.of(2)._replace(pages=pages)) as hub:
        await hub.happen(an_event(id="m-1", email="ana@example.com", interaction="chat-1", text="Hello"))
        path = f"/v1/customers/{text_of(ANA)}/timeline"
        pages.charge("acme", 1_000.0)
        refused = await hub.get(path)
        assert (refused.status_code, refused.json()["reason"]) == (429, "reads-of-tenant")
        assert (await hub.get(path, "other")).status_code == 404


async def test_a_page_of_a_long_history_reads_no_more(tmp_path: Path) -> None:
    """Counted by the steps of SQLite's machine."""

    async def steps(events: int) -> int:
        async with running_api(tmp_path / str(events)) as hub:
            happened = [
                an_event(id=f"m-{n}", email="ana@example.com", interaction="chat-1", text="hello", at=START + n * HOUR)
                for n in range(events)
            ]
            for begin in range(0, events, 500):
                await hub.happen(*happened[begin : begin + 500])
            count = 0

            def step() -> None:
                nonlocal count
                count += 1

            async with hub.store.reading() as tx:
                pooled = await tx._connection.get_raw_connection()  # type: ignore[attr-defined]
                driver = pooled.driver_connection
                await driver.set_progress_handler(step, 100)
                found = await read_latest_facts(tx, ACME, Ownership([ANA]), 51, START + 60 * HOUR)
                await driver.set_progress_handler(None, 0)
            assert len(found) == 51
            return count

    (tmp_path / "100").mkdir()
    (tmp_path / "3000").mkdir()
    assert await steps(3000) < 2 * await steps(100) + 10
