"""Test what operators ask over HTTP: lag and dead letters, of their own tenant alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.asking import PatientClient
from tests.described import HELD
from tests.patience import PATIENCE

from cx_context import fold
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.customer_lookup import find_profile
from cx_context.store.dead_letters import write_dead_letters
from cx_events.dead_letters import DeadLetter, encode_original
from cx_events.log import INTERACTIONS, Record
from cx_events.testing.builders import HOUR, an_event
from cx_hub.compose import Hub, running_hub
from cx_hub.demo.run import embedded_settings, until_ready
from cx_identity.rules import DEFAULT
from cx_projectors.tenancy import Tenancy
from cx_projectors.verify import verify
from cx_runtime.tenants import KeyConfig, TenantConfig, Tenants

pytestmark = pytest.mark.clock

OPS, READER, OTHER = "the key of operators", "the key of readers", "another tenant's key"


def tenants() -> Tenants:
    def key(id: str, secret: str, scope: Any) -> KeyConfig:
        return KeyConfig(id=id, secret=secret, scopes=frozenset({scope}))

    return Tenants(
        {
            "acme": TenantConfig(
                id_key="a lasting key of acme", keys=(key("ops", OPS, "ops"), key("reader", READER, "context:read"))
            ),
            "other": TenantConfig(id_key="a lasting key of another", keys=(key("other", OTHER, "ops"),)),
        }
    )


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with running_hub(embedded_settings(tmp_path), tenants()) as running:
        await until_ready(running.url)
        yield running


async def get(hub: Hub, path: str, key: str = OPS, **query: str) -> httpx2.Response:
    async with PatientClient(event_hooks=HELD, base_url=hub.url, trust_env=False, timeout=PATIENCE) as http:
        return await http.get(f"/v1/ops/{path}", params=query, headers={"authorization": f"Bearer {key}"})


async def keep(hub: Hub, *ids: str, reason: str = "malformed") -> None:
    letters = [
        DeadLetter(
            tenant="acme",
            source="//acme.example/chat",
            id=id,
            stage="map",
            reason=reason,
            detail="a field is missing",
            recorded="2026-11-22T10:00:00.000000Z",
            original=encode_original(id.encode()),
        )
        for id in ids
    ]
    async with hub.store.writing() as tx:
        await write_dead_letters(tx, letters)


@pytest.mark.parametrize("path", ["lag", "dead-letters", "dead-letter"])
async def test_only_keys_with_the_scope_ops_may_ask(hub: Hub, path: str) -> None:
    assert (await get(hub, path, READER)).status_code == 403
    assert (await get(hub, path, "nobody's key")).status_code == 401


async def test_lag_tells_every_partition_of_both_topics(hub: Hub) -> None:
    items = (await get(hub, "lag")).json()["items"]
    assert {(item["topic"], item["partition"]) for item in items} == {
        (topic, number) for topic in ("cx.interactions", "cx.dead-letters") for number in range(8)
    }
    assert all(item["events"] == item["end"] - item["position"] == 0 for item in items)


async def test_dead_letters_recorded_at_once_are_paged_completely(hub: Hub) -> None:
    ids = [f"letter-{number}" for number in range(7)]
    await keep(hub, *ids)
    found: list[str] = []
    page = (await get(hub, "dead-letters", limit="3")).json()
    while True:
        assert len(page["items"]) <= 3
        found += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        page = (await get(hub, "dead-letters", limit="3", cursor=page["next"])).json()
    assert found == sorted(ids, reverse=True)


async def test_dead_letters_are_found_by_reason_and_shown_whole(hub: Hub) -> None:
    await keep(hub, "one")
    await keep(hub, "two", reason="too-large")
    items = (await get(hub, "dead-letters", reason="too-large")).json()["items"]
    assert [item["id"] for item in items] == ["two"]
    whole = (await get(hub, "dead-letter", id="two")).json()["items"]
    assert [letter["original"] for letter in whole] == [encode_original(b"two")]


async def test_letters_without_an_adapter_are_distinguished_from_failures(hub: Hub) -> None:
    await keep(hub, "one")
    await keep(hub, *(f"w{number}" for number in range(5)), reason="no-adapter-yet")
    await keep(hub, "new", reason="unknown-kind")
    failed = (await get(hub, "dead-letters", state="failed", limit="2")).json()
    assert [(item["id"], item["state"]) for item in failed["items"]] == [("one", "failed")]
    assert failed["next"] is None
    waiting = (await get(hub, "dead-letters", state="waiting")).json()["items"]
    assert sorted(item["id"] for item in waiting) == ["new", "w0", "w1", "w2", "w3", "w4"]
    assert {item["state"] for item in waiting} == {"waiting"}
    assert len((await get(hub, "dead-letters")).json()["items"]) == 7


async def test_another_tenants_dead_letters_are_unknown(hub: Hub) -> None:
    await keep(hub, "one")
    assert (await get(hub, "dead-letters", OTHER)).json() == {"items": [], "next": None}
    assert (await get(hub, "dead-letter", OTHER, id="one")).status_code == 404


@pytest.mark.parametrize(
    ("name", "value"),
    [("limit", "0"), ("limit", "x"), ("cursor", "!"), ("cursor", "e30="), ("reason", "\0"), ("state", "x")],
)
async def test_an_invalid_query_is_refused(hub: Hub, name: str, value: str) -> None:
    assert (await get(hub, "dead-letters", **{name: value})).status_code == 400


async def test_only_keys_with_the_scope_ops_retry_dead_letters(hub: Hub) -> None:
    assert (await post(hub, "dead-letters/retry", READER, id="one")).status_code == 403
    await keep(hub, "one")
    assert (await post(hub, "dead-letters/retry", OTHER, id="one")).status_code == 404
    refused = await post(hub, "dead-letters/retry", id="one")
    assert (refused.status_code, refused.json()["reason"]) == (409, "not-retriable")


async def post(hub: Hub, path: str, key: str = OPS, **query: str) -> httpx2.Response:
    async with PatientClient(event_hooks=HELD, base_url=hub.url, trust_env=False, timeout=PATIENCE) as http:
        return await http.post(f"/v1/ops/{path}", params=query, headers={"authorization": f"Bearer {key}"})


async def until(hub: Hub, count: int) -> list[dict[str, Any]]:
    """So many dead letters, whenever they are there."""
    async with asyncio.timeout(PATIENCE):
        while True:
            items: list[dict[str, Any]] = (await get(hub, "dead-letters")).json()["items"]
            if len(items) == count:
                return items
            await asyncio.sleep(0.05)


async def test_an_unfoldable_event_is_retried_by_fixed_code(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(part: object, fact: object, at: object) -> None:
        raise ZeroDivisionError

    ids = hub.tenants.ids("acme")
    event = an_event("cx.conversation.note.v1", id="n", email="ana@example.com", data={"note": "hm"}, ids=ids)
    with monkeypatch.context() as planted:
        planted.setattr(fold, "HANDLERS", {**fold.HANDLERS, "cx.conversation.note.v1": broken})
        await hub.log.append([Record(INTERACTIONS, event.key, event.raw)])
        (letter,) = await until(hub, 1)
        assert (letter["stage"], letter["reason"], letter["id"]) == ("fold", "unfoldable", "n")
        assert letter["detail"] == "not folded: ZeroDivisionError in broken"
    answer = await post(hub, "dead-letters/retry", id="n")
    assert (answer.status_code, answer.json()) == (202, {"retried": [{"source": event.source, "id": "n"}]})
    assert await until(hub, 0) == []
    async with hub.store.reading() as tx:
        assert await find_profile(CurrentGraph(tx, "acme"), ids.profile("email", "", "ana@example.com")) is not None
    tenancies = {name: (Tenancy(hub.tenants.ids(name), DEFAULT), 72 * HOUR) for name in hub.tenants.by_name}
    assert (await verify(hub.store, hub.log, tenancies)).wrong == []


async def test_conflicting_copies_are_shown_but_not_retried(hub: Hub) -> None:
    counting, other = (an_event(id="m-1", email="ana@example.com", text=text) for text in ("hi", "ho"))
    first, second = sorted((counting, other), key=lambda each: each.raw)
    await hub.log.append([Record(INTERACTIONS, each.key, each.raw) for each in (first, second)])
    async with asyncio.timeout(PATIENCE):
        while not (items := (await get(hub, "dead-letters", reason="other-content")).json()["items"]):
            await asyncio.sleep(0.05)
    assert [(item["stage"], item["id"]) for item in items] == [("conflict", "m-1")]
    assert items[0]["detail"] == "another event was sent under this id; it differs in data.message.text"
    (whole,) = (await get(hub, "dead-letter", id="m-1")).json()["items"]
    assert whole["original"] == encode_original(second.raw)
    refused = await post(hub, "dead-letters/retry", id="m-1")
    assert (refused.status_code, refused.json()["reason"]) == (409, "not-retriable")
    assert "an id of its own" in refused.json()["detail"]
