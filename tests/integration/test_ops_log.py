"""The log over HTTP: each tenant's operators see their own records, and what is nobody's without its content."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.asking import PatientClient
from tests.described import HELD
from tests.patience import PATIENCE

from cx_events.ids import IdSpace, text_of
from cx_events.log import INTERACTIONS, Record
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import an_event
from cx_hub.compose import Hub, running_hub
from cx_hub.demo.run import embedded_settings, until_ready
from cx_ops.http_routes import log_routes
from cx_runtime.tenants import KeyConfig, TenantConfig, Tenants

pytestmark = pytest.mark.clock

OPS, READER, OTHER = "the key of operators", "the key of readers", "another tenant's key"


def tenants(*, alone: bool = False) -> Tenants:
    def key(id: str, secret: str, scope: Any) -> KeyConfig:
        return KeyConfig(id=id, secret=secret, scopes=frozenset({scope}))

    acme = TenantConfig(
        id_key="a lasting key of acme", keys=(key("ops", OPS, "ops"), key("reader", READER, "context:read"))
    )
    other = TenantConfig(id_key="a lasting key of another", keys=(key("other", OTHER, "ops"),))
    return Tenants({"acme": acme} if alone else {"acme": acme, "other": other})


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with running_hub(embedded_settings(tmp_path), tenants()) as running:
        await until_ready(running.url)
        yield running


async def get(hub: Hub, path: str, key: str = OPS, **query: str) -> httpx2.Response:
    async with PatientClient(event_hooks=HELD, base_url=hub.url, trust_env=False, timeout=PATIENCE) as http:
        return await http.get(f"/v1/ops/{path}", params=query, headers={"authorization": f"Bearer {key}"})


async def append(hub: Hub, *records: StampedEvent | bytes) -> None:
    for each in records:
        record = (
            Record(INTERACTIONS, b"k", each) if isinstance(each, bytes) else Record(INTERACTIONS, each.key, each.raw)
        )
        await hub.log.append([record])
        await asyncio.sleep(0.002)


def message(ids: IdSpace, number: int, **more: Any) -> StampedEvent:
    return an_event(id=f"m-{number}", interaction=f"chat-{number}", text=f"text {number}", ids=ids, **more)


async def items(hub: Hub, key: str = OPS, **query: str) -> list[dict[str, Any]]:
    answer = await get(hub, "log", key, **query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_the_log_needs_the_scope_ops(hub: Hub) -> None:
    assert (await get(hub, "log", READER)).status_code == 403
    assert (await get(hub, "log", "nobody's key")).status_code == 401


async def test_records_come_newest_first_and_page_by_cursor(hub: Hub) -> None:
    ids = hub.tenants.ids("acme")
    await append(hub, *(message(ids, number) for number in range(7)))
    shown: list[str] = []
    page: dict[str, Any] = (await get(hub, "log", limit="3")).json()
    while True:
        shown += [item["value"]["id"] for item in page["items"]]
        if page["next"] is None:
            break
        page = (await get(hub, "log", limit="3", cursor=page["next"])).json()
    assert shown == [f"m-{number}" for number in range(6, -1, -1)]


async def test_reading_the_oldest_goes_on_with_later_records(hub: Hub) -> None:
    ids = hub.tenants.ids("acme")
    await append(hub, *(message(ids, number) for number in range(3)))
    first = (await get(hub, "log", order="oldest")).json()
    assert [item["value"]["id"] for item in first["items"]] == ["m-0", "m-1", "m-2"]
    await append(hub, message(ids, 3))
    second = (await get(hub, "log", order="oldest", cursor=first["next"])).json()
    assert [item["value"]["id"] for item in second["items"]] == ["m-3"]


async def test_a_record_is_shown_raw_decoded_or_short(hub: Hub) -> None:
    event = message(hub.tenants.ids("acme"), 1)
    await append(hub, event)
    (decoded,) = await items(hub)
    assert decoded["value"]["data"]["message"]["text"] == "text 1"
    assert (decoded["tenant"], decoded["key"], decoded["bytes"]) == ("acme", event.key.decode(), len(event.raw))
    (raw,) = await items(hub, form="raw")
    assert raw["raw"].encode() == event.raw
    (line,) = await items(hub, form="line")
    assert "chat-1" in line["line"]
    assert "value" not in line


async def test_a_large_value_is_left_out_of_a_list(hub: Hub) -> None:
    ids = hub.tenants.ids("acme")
    await append(hub, an_event(id="large", interaction="chat-1", text="x" * 100_000, ids=ids), message(ids, 1))
    small, large = await items(hub)
    assert (small["value"]["id"], large["cut"]) == ("m-1", True)
    assert "value" not in large
    place = {name: str(large[name]) for name in ("partition", "offset")}
    (alone,) = await items(hub, limit="1", order="oldest", **place)
    assert alone["value"]["id"] == "large"


async def test_tenants_see_their_own_records_alone(hub: Hub) -> None:
    await append(hub, message(hub.tenants.ids("acme"), 1), message(hub.tenants.ids("other"), 2))
    assert [item["value"]["id"] for item in await items(hub)] == ["m-1"]
    assert [item["value"]["id"] for item in await items(hub, OTHER)] == ["m-2"]
    assert await items(hub, OTHER, text="text 1") == []
    changes = await items(hub, OTHER, topic="cx.context-changes")
    assert {item["tenant"] for item in changes} <= {"other"}


async def test_what_names_no_tenant_is_there_without_its_content(hub: Hub) -> None:
    await append(hub, b"\xff no JSON of whoever")
    for key in (OPS, OTHER):
        (item,) = await items(hub, key)
        assert item["withheld"] is True
        assert not item.keys() & {"raw", "raw_base64", "line", "key", "value"}
        assert await items(hub, key, text="whoever") == []


async def test_the_only_tenant_sees_what_names_none(tmp_path: Path) -> None:
    async with running_hub(embedded_settings(tmp_path), tenants(alone=True)) as hub:
        await until_ready(hub.url)
        await append(hub, b"no JSON", b"\xff")
        second, first = await items(hub)
        assert first["raw"] == "no JSON"
        assert second["raw_base64"] == "/w=="
        assert [item["raw"] for item in await items(hub, text="NO json")] == ["no JSON"]


async def test_what_cannot_be_decoded_is_seen_over_http(tmp_path: Path) -> None:
    broken = [b"", b"\xff", b"no JSON", b"[" * 5_000, b'{"specversion":"1.0","tenantid":"acme"}', b'{"tenantid":7}']
    async with running_hub(embedded_settings(tmp_path), tenants(alone=True)) as hub:
        await until_ready(hub.url)
        await append(hub, *broken)
        found: list[dict[str, Any]] = []
        async with asyncio.timeout(PATIENCE):
            while len(found) < len(broken):
                await asyncio.sleep(0.02)
                found = (await get(hub, "dead-letters", stage="decode")).json()["items"]
        assert {each["reason"] for each in found} == {"undecodable"}
        wholes = [(await get(hub, "dead-letter", id=each["id"])).json()["items"][0] for each in found]
        assert {b64decode(each.get("original", "")) for each in wholes} == set(broken)
        shown = await items(hub, form="raw", order="oldest")
        assert [_bytes_of(item) for item in shown] == broken


def _bytes_of(item: dict[str, Any]) -> bytes:
    raw: str | None = item.get("raw")
    return b64decode(item["raw_base64"]) if raw is None else raw.encode()


async def test_a_filter_picks_records(hub: Hub) -> None:
    ids = hub.tenants.ids("acme")
    await append(hub, *(message(ids, number) for number in range(6)), b"\xff names nobody")
    wanted = "type=cx.message.* and data.interaction in (chat-1, chat-4)"
    assert [item["value"]["id"] for item in await items(hub, where=wanted)] == ["m-4", "m-1"]
    assert [item["value"]["id"] for item in await items(hub, where=wanted, id="m-1")] == ["m-1"]
    assert len(await items(hub, where='data.message.text="text "*')) == 6
    assert len(await items(hub)) == 7
    assert len(await items(hub, where="data.channel!=voice")) == 6
    assert await items(hub, OTHER, where=wanted) == []


async def test_a_filtered_page_is_bounded_and_goes_on(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_routes, "MOST_SCANNED", 3)
    ids = hub.tenants.ids("acme")
    await append(hub, *(message(ids, number) for number in range(7)))
    found: list[list[str]] = []
    page: dict[str, Any] = (await get(hub, "log", where="id=m-0")).json()
    while True:
        found.append([item["value"]["id"] for item in page["items"]])
        assert page["scanned"] <= 3
        if page["next"] is None:
            break
        page = (await get(hub, "log", where="id=m-0", cursor=page["next"])).json()
    assert found == [[], [], ["m-0"]]


@pytest.mark.parametrize("where", ["tennant=acme", "type=", "data.nothing=1", "(type=x", "stage=map", "version=1"])
async def test_a_filter_that_cannot_be_is_refused(hub: Hub, where: str) -> None:
    refused = await get(hub, "log", where=where)
    assert (refused.status_code, refused.json()["reason"]) == (400, "bad-filter")
    assert refused.json()["detail"].startswith("character ")


async def test_a_customers_events_are_picked_by_any_id(hub: Hub) -> None:
    ids = hub.tenants.ids("acme")
    ana, ben = ("ana@example.com", "ben@example.com")
    both = [{"kind": "email", "value": ana, "weight": "proved"}, {"kind": "crm", "value": "C-1", "weight": "proved"}]
    await append(
        hub,
        message(ids, 1, email=ana),
        message(ids, 2, email=ben),
        message(ids, 3),
        an_event(
            "cx.identity.verified.v1",
            id="tie",
            ids=ids,
            data={"participants": [{"role": "customer", "identifiers": both}]},
        ),
        message(ids, 4, crm="C-1"),
    )
    async with asyncio.timeout(PATIENCE):
        while any(each["events"] for each in (await get(hub, "lag")).json()["items"]):
            await asyncio.sleep(0.02)
    names = {"email": (ana,), "crm": ("C-1",)}
    for kind, (value,) in names.items():
        id = text_of(ids.profile(kind, "", value))
        found = [item["value"]["id"] for item in await items(hub, customer=id)]
        assert found == ["m-4", "tie", "m-1"]
        assert (await get(hub, "log", OTHER, customer=id)).status_code == 404
        notices = await items(hub, customer=id, topic="cx.context-changes")
        assert {item["tenant"] for item in notices} <= {"acme"}


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("topic", "cx.nothing", 404),
        ("limit", "0", 400),
        ("limit", "501", 400),
        ("order", "random", 400),
        ("since", "yesterday", 400),
        ("partition", "99", 404),
        ("offset", "1", 400),
        ("cursor", "!", 400),
        ("customer", "nobody", 404),
        ("customer", "1eed28c6-4f7f-8871-abb9-c2d9cb565c72", 404),
        ("colour", "red", 400),
        ("form", "pretty", 400),
        ("text", "\0", 400),
    ],
)
async def test_a_question_that_cannot_be_is_refused(hub: Hub, name: str, value: str, status: int) -> None:
    answer = await get(hub, "log", **{name: value})
    assert answer.status_code == status
    assert answer.json()["detail"]


async def test_a_cursor_of_another_topic_is_refused(hub: Hub) -> None:
    cursor = (await get(hub, "log", order="oldest")).json()["next"]
    refused = await get(hub, "log", order="oldest", topic="cx.dead-letters", cursor=cursor)
    assert (refused.status_code, refused.json()["reason"]) == (400, "bad-cursor")
