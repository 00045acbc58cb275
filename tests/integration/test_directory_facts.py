"""A personnel system tells who agents and queues are; a running hub speaks of one person from then on."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.api import KEYS, Running, running_api
from tests.integration.test_agents_of_systems import BEN, BILLING, CLIENT_BEN, PHONE, configured, step
from tests.integration.test_rebuild import rebuilt, wrong
from tests.patience import PATIENCE
from tests.sse import following

from cx_context.store.directories import LiveDirectories
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import SECOND, START, an_event

pytestmark = pytest.mark.clock

EVA = {"id": "eva", "name": "Eva Lind", "ids": {"acme-calls": ["client:eva"], "any": ["eva@acme.example"]}}
BEN_TOLD = {"id": "ben", "name": "Ben Okafor", "ids": {"voice/twilio": ["client:ben"]}, "teams": ["support"]}
BILLING_TOLD = {"id": "billing", "name": "Billing", "ids": {"acme-calls": ["QU1"]}}


def told(what: str, number: int, **entry: Any) -> StampedEvent:
    return an_event(
        f"cx.directory.{what}.v1",
        id=f"roster-{number}",
        source="//acme.example/roster",
        at=START + number * SECOND,
        data={"directory": entry},
    )


@pytest.fixture
async def hub(tmp_path: Path, store_url: str) -> AsyncIterator[Running]:
    async with running_api(tmp_path, store_url, heartbeat=60.0) as hub:
        yield hub


async def known(hub: Running, *agents: str) -> dict[str, Any]:
    """The directory, once it has these agents."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found: dict[str, Any] = (await hub.get("/v1/directory", key="reader")).json()
            if [each["id"] for each in found["agents"]] == list(agents):
                return found
            await asyncio.sleep(0.05)


async def test_a_directory_shows_what_told_of_each(hub: Running) -> None:
    await hub.happen(
        told("agent_set", 1, **BEN_TOLD), told("agent_set", 2, **EVA), told("queue_set", 3, **BILLING_TOLD)
    )
    found = await known(hub, "ben", "eva")
    event = {"source": "//acme.example/roster", "id": "roster-1", "recorded_at": "2026-11-22T10:00:01Z"}
    assert found["agents"][0] == {
        **BEN,
        "ids": [{"system": "acme-calls", "id": "client:ben"}],
        "told_by": "event",
        "event": event,
        "teams": ["support"],
        "queues": [],
    }
    assert found["queues"][0]["id"] == "billing"
    assert (await hub.get("/v1/directory", key="other")).json()["agents"] == []
    await hub.happen(told("agent_removed", 4, id="ben"))
    await known(hub, "eva")


async def test_contexts_speak_of_one_person_without_a_restart(hub: Running) -> None:
    await hub.happen(step(0, "queued", queue={"id": "QU1"}), step(1, "answered", agent=CLIENT_BEN))
    before = await hub.get(f"/v1/context?identifier={PHONE}")
    assert before.json()["body"]["last_agent"]["id"] == "client:ben"
    await hub.happen(told("agent_set", 1, **BEN_TOLD), told("queue_set", 2, **BILLING_TOLD))
    await known(hub, "ben")
    body = await hub.body(PHONE)
    customer, conversation = body["customer"]["id"], body["conversations"][0]["id"]
    shown = [
        body["conversations"][0],
        (await hub.get(f"/v1/customers/{customer}/context?as_of=2026-12-31T00:00:00Z")).json()["body"]["conversations"][
            0
        ],
        (await hub.get(f"/v1/conversations/{conversation}")).json()["conversation"],
        (await hub.get(f"/v1/customers/{customer}/conversations")).json()["items"][0],
    ]
    assert [(each["agent"], each["queue"]) for each in shown] == [(BEN, BILLING)] * len(shown)
    assert body["last_agent"]["id"] == "ben"
    etag = before.headers["etag"]
    again = await hub.get(f"/v1/context?identifier={PHONE}", headers={"if-none-match": etag})
    assert again.status_code == 200, "what a reader has is not the same any more"
    assert again.json()["meta"]["version"] == before.json()["meta"]["version"], "though no fact of hers is new"


async def test_open_streams_tell_of_who_an_agent_is(hub: Running) -> None:
    await hub.happen(step(1, "answered", agent=CLIENT_BEN))
    body = await hub.body(PHONE)
    customer, conversation = body["customer"]["id"], body["conversations"][0]["id"]
    other = an_event(id="m-1", email="zoe@example.com", interaction="chat-zoe", text="hello")
    await hub.happen(other)
    zoe = (await hub.body("email:zoe@example.com"))["customer"]["id"]
    key = KEYS["reader"]
    async with (
        following(hub.url, f"/v1/customers/{customer}/stream", key) as context,
        following(hub.url, f"/v1/conversations/{conversation}/stream", key) as thread,
        following(hub.url, "/v1/stream?agent=ben", key) as desk,
        following(hub.url, f"/v1/customers/{zoe}/stream", key) as unconcerned,
    ):
        assert (await context.next()).data["body"]["last_agent"]["id"] == "client:ben"
        assert (await thread.next()).data["conversation"]["agent"]["id"] == "client:ben"
        assert (await desk.next("live")).data["assignments"] == []
        await unconcerned.next()
        await hub.happen(told("agent_set", 1, **BEN_TOLD))
        popped = await desk.next("assignment")
        assert (popped.data["agent"], popped.data["context"]["body"]["last_agent"]["id"]) == (BEN, "ben")
        told_anew = await context.next()
        assert told_anew.data["body"]["last_agent"]["id"] == "ben"
        assert (await thread.next()).data["conversation"]["agent"] == BEN
        assert await unconcerned.silence(0.3) == [], "nothing that she is shown has changed"
        await hub.happen(told("agent_removed", 2, id="ben"))
        assert (await desk.next("released")).data["interaction"] == "acme-calls/CA1"
        assert (await context.next()).data["body"]["last_agent"]["id"] == "client:ben"
    async with following(hub.url, f"/v1/customers/{customer}/stream", key, told_anew.id) as resumed:
        assert (await resumed.next()).data["body"]["last_agent"]["id"] == "client:ben"


async def test_the_configuration_counts_before_an_event(tmp_path: Path, store_url: str) -> None:
    async with running_api(tmp_path, store_url, configured=configured()) as hub:
        await hub.happen(
            told("agent_set", 1, id="ben", name="Mallory"),
            told("agent_set", 2, id="mallory", ids={"acme-calls": ["client:ben"]}),
            step(1, "answered", agent=CLIENT_BEN),
        )
        found = await known(hub, "ben", "benedict", "mallory")
        assert (found["agents"][0]["name"], found["agents"][0]["told_by"]) == ("Ben Okafor", "configuration")
        assert [(each["entry"], each["id"]) for each in found["unheeded"]] == [("ben", ""), ("mallory", "client:ben")]
        assert (await hub.body(PHONE))["last_agent"]["id"] == "ben"


@pytest.mark.parametrize("seed", range(3))
async def test_no_order_and_no_rebuild_makes_another_directory(tmp_path: Path, store_url: str, seed: int) -> None:
    roster = [
        told("agent_set", 1, **BEN_TOLD),
        told("agent_set", 2, **EVA),
        told("agent_removed", 3, id="ben"),
        told("agent_set", 4, **{**EVA, "name": "Eva L."}),
        told("agent_set", 5, id="carla", ids={"any": ["eva@acme.example"]}),
        told("queue_set", 6, **BILLING_TOLD),
        step(1, "answered", agent=CLIENT_BEN),
    ]
    random.Random(seed).shuffle(roster)
    async with running_api(tmp_path, store_url) as hub:
        for each in [*roster, *roster[:2]]:
            await hub.happen(each)
        before = await known(hub, "carla", "eva")
        assert before["agents"][1]["name"] == "Eva L."
        assert [each["entry"] for each in before["unheeded"]] == ["eva"]
        assert await wrong(hub) == []
        own = await rebuilt(hub)
        assert own.record.report is not None
        assert (own.record.report.differing, await wrong(hub)) == (0, [])
        anew = LiveDirectories(hub.store, hub.tenants.configured_directories)
        assert await anew.refresh() == {"acme"}
        assert anew["acme"].entries.keys() == {("agent", "carla"), ("agent", "eva"), ("queue", "billing")}
        assert await anew.refresh() == set()
        async with hub.store.writing() as tx:
            await tx.execute(
                "DELETE FROM events WHERE stream_id = :node", node=hub.tenants.ids("acme").directory_node()
            )
        assert any(each.startswith("events ") for each in await wrong(hub))


async def test_an_earlier_copy_of_an_event_counts(hub: Running) -> None:
    """As of all events, of two copies the one that was recorded first; also where it comes last."""

    def copy(recorded: int, name: str) -> StampedEvent:
        entry = {"id": "eva", "name": name}
        at = START + recorded * SECOND
        return an_event("cx.directory.agent_set.v1", id="r-1", at=START, recorded=at, data={"directory": entry})

    directories = LiveDirectories(hub.store, hub.tenants.configured_directories)
    await hub.happen(copy(9, "Later"))
    assert await directories.refresh() == {"acme"}
    await hub.happen(copy(3, "Earlier"))
    assert await directories.refresh() == {"acme"}
    assert directories["acme"].entries["agent", "eva"].name == "Earlier"
    assert await wrong(hub) == []
