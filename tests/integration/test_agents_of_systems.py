"""Each system has an id of its own for an agent; the desk asks for one person, and is answered about one person."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.api import KEYS, Running, running_api, tenants
from tests.integration.test_following import listening
from tests.patience import PATIENCE
from tests.sse import following

from cx_events.facts import connection_source
from cx_events.log import CONTEXT_CHANGES, Partition
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import SECOND, START, an_event
from cx_runtime.directory_config import AgentConfig, QueueConfig
from cx_runtime.tenants import ConnectionConfig, Tenants

BEN = {"id": "ben", "name": "Ben Okafor"}
CLIENT_BEN = {"id": "client:ben", "name": "ben"}
BILLING = {"id": "billing", "name": "Billing"}
PHONE = "phone:+15550100123"


def configured() -> Tenants:
    """Tenants of whom acme has a second account of calls, where another Ben works."""
    known = dict(tenants().by_name)
    acme = known["acme"]
    agents = {
        "ben": AgentConfig.model_validate(
            {
                "name": "Ben Okafor",
                "ids": {"acme-calls": "client:ben", "any": "ben@acme.example"},
                "teams": ["support"],
                "queues": ["billing"],
            }
        ),
        "benedict": AgentConfig.model_validate({"ids": {"sales-calls": "client:ben"}}),
    }
    queues = {"billing": QueueConfig.model_validate({"name": "Billing", "ids": {"acme-calls": "QU1"}})}
    sales = ConnectionConfig(provider="voice/twilio", region="US")
    connections = {**acme.connections, "sales-calls": sales}
    known["acme"] = acme.model_copy(update={"agents": agents, "queues": queues, "connections": connections})
    return Tenants(known)


@pytest.fixture
async def hub(tmp_path: Path, store_url: str) -> AsyncIterator[Running]:
    async with running_api(tmp_path, store_url, configured=configured(), heartbeat=60.0) as hub:
        yield hub


def step(number: int, what: str, *, connection: str = "acme-calls", call: str = "CA1", **data: Any) -> StampedEvent:
    return an_event(
        f"cx.interaction.{what}.v1",
        id=f"{call}-{number}",
        source=connection_source("acme", connection),
        channel="voice",
        interaction=f"{connection}/{call}",
        phone="+15550100123",
        at=START + number * SECOND,
        data=data,
    )


async def test_a_desk_gets_what_any_system_gives_its_agent(hub: Running) -> None:
    async with following(hub.url, "/v1/stream?agent=ben", KEYS["reader"]) as ben:
        await ben.next("live")
        await listening(hub)
        await hub.noticed(step(0, "routed", agent=CLIENT_BEN))
        popped = await ben.next()
        assert (popped.name, popped.data["why"], popped.data["agent"]) == ("assignment", "offered", BEN)
        assert popped.data["context"]["body"]["last_agent"]["id"] == "ben"
        await hub.noticed(step(1, "routed", connection="sales-calls", call="CA2", agent=CLIENT_BEN))
        assert [event for event in await ben.silence(0.2) if event.name == "assignment"] == []
        await hub.noticed(step(2, "ended"))
        assert (await ben.next("released")).data["interaction"] == "acme-calls/CA1"


@pytest.mark.parametrize("asked", ["agent=ben", "agent=ben%40acme.example", "queue=billing", "queue=QU1"])
async def test_whoever_is_asked_for_has_many_ids(hub: Running, asked: str) -> None:
    await hub.happen(
        step(0, "queued", queue={"id": "QU1"}),
        step(1, "routed", call="CA2", agent=CLIENT_BEN),
        step(2, "routed", connection="sales-calls", call="CA3", agent=CLIENT_BEN),
    )
    async with following(hub.url, f"/v1/stream?{asked}", KEYS["reader"]) as desk:
        found = await desk.next("assignment")
        assert found.data["interaction"] == ("acme-calls/CA1" if "queue" in asked else "acme-calls/CA2")
        assert found.data["queue"] == (BILLING if "queue" in asked else None)
        assert len((await desk.next()).data["assignments"]) == 1


async def test_an_id_of_two_people_names_neither(hub: Running) -> None:
    await hub.happen(step(0, "routed", agent=CLIENT_BEN))
    async with following(hub.url, "/v1/stream?agent=client%3Aben", KEYS["reader"]) as desk:
        assert (await desk.next("live")).data["assignments"] == []


async def test_all_reads_of_a_context_speak_of_one_person(hub: Running) -> None:
    await hub.happen(step(0, "queued", queue={"id": "QU1"}), step(1, "answered", agent=CLIENT_BEN))
    body = await hub.body(PHONE)
    customer, conversation = body["customer"]["id"], body["conversations"][0]["id"]
    assert (body["last_agent"]["id"], body["last_agent"]["name"]) == ("ben", "Ben Okafor")
    past = (await hub.get(f"/v1/customers/{customer}/context?as_of=2026-12-31T00:00:00Z")).json()
    shown = [
        body["conversations"][0],
        past["body"]["conversations"][0],
        (await hub.get(f"/v1/conversations/{conversation}")).json()["conversation"],
        (await hub.get(f"/v1/customers/{customer}/conversations")).json()["items"][0],
    ]
    assert [(each["agent"], each["queue"]) for each in shown] == [(BEN, BILLING)] * len(shown)
    timelines = [
        body["timeline"],
        (await hub.get(f"/v1/customers/{customer}/timeline")).json()["items"],
        (await hub.get(f"/v1/conversations/{conversation}")).json()["items"],
    ]
    assert [[entry["agent"] for entry in timeline] for timeline in timelines] == [[BEN, None]] * len(timelines)


async def test_events_keep_what_the_vendor_said(hub: Running) -> None:
    await hub.happen(step(1, "answered", agent=CLIENT_BEN))
    source = connection_source("acme", "acme-calls")
    event = (await hub.get(f"/v1/event?source={source}&id=CA1-1")).json()
    assert event["event"]["data"]["agent"] == CLIENT_BEN


async def test_a_notice_names_the_agent_by_both_ids(hub: Running) -> None:
    await hub.noticed(step(0, "queued", queue={"id": "QU1"}), step(1, "routed", call="CA2", agent=CLIENT_BEN))
    reader = hub.log.reader()
    reader.assign(
        {Partition(CONTEXT_CHANGES, number): 0 for number in range(await hub.log.partitions(CONTEXT_CHANGES))}
    )
    notices = [msgspec.json.decode(record.value) for record in await reader.read(10, wait=PATIENCE)]
    await reader.close()
    assert [(each["agents"], each["queues"]) for each in notices] == [
        (["ben", "benedict", "client:ben"], ["QU1", "billing"])
    ]


async def test_a_decision_about_people_names_its_agent(hub: Running) -> None:
    ana = an_event(id="m-1", email="ana@example.com", text="hello", interaction="chat-1")
    await hub.happen(ana, step(0, "started"))
    a, b = [(await hub.body(each))["customer"]["id"] for each in ("email:ana@example.com", PHONE)]
    decision = {"a": a, "b": b, "reason": "she said so", "agent": {"id": "ben@acme.example"}}
    await hub.decide("/v1/identity/merge", decision)
    told = (await hub.get(f"/v1/customers/{(await hub.body(PHONE))['customer']['id']}/identity")).json()
    assert [each["agent"] for each in told["decisions"]] == [BEN]


async def test_a_desk_reads_who_its_colleagues_are(hub: Running) -> None:
    told = (await hub.get("/v1/directory", key="reader")).json()
    configured = {"told_by": "configuration", "event": None}
    assert told["queues"] == [{**BILLING, **configured, "ids": [{"system": "acme-calls", "id": "QU1"}]}]
    assert told["agents"][0] == {
        **BEN,
        **configured,
        "ids": [{"system": "acme-calls", "id": "client:ben"}, {"system": "any", "id": "ben@acme.example"}],
        "teams": ["support"],
        "queues": ["billing"],
    }
    assert (await hub.get("/v1/directory", key="other")).json() == {"agents": [], "queues": [], "unheeded": []}
    assert (await hub.get("/v1/directory", key="desk")).status_code == 403


async def test_lineage_leads_to_the_events_that_named_the_agent(hub: Running) -> None:
    await hub.happen(step(0, "started"), step(1, "answered", agent=CLIENT_BEN))
    customer = (await hub.body(PHONE))["customer"]["id"]
    told = (await hub.get(f"/v1/customers/{customer}/lineage?path=/last_agent/id")).json()
    assert told["value"] == "ben"
    assert [each["event"]["id"] for each in told["sources"]] == ["CA1-1"]


async def test_a_handoff_is_accepted_once_by_one_person(hub: Running) -> None:
    await hub.happen(step(0, "answered", agent=CLIENT_BEN))
    conversation = (await hub.body(PHONE))["conversations"][0]["id"]
    await hub.decide(f"/v1/conversations/{conversation}/handoffs", {"agent": {"id": "carla"}, "to": "ben@acme.example"})
    async with following(hub.url, "/v1/stream?agent=ben", KEYS["reader"]) as desk:
        assert (await desk.next("assignment")).data["why"] == "handoff"
    accept = f"/v1/conversations/{conversation}/handoffs/accept"
    await hub.decide(accept, {"agent": {"id": "ben@acme.example"}})
    again = await hub.post(accept, {"agent": {"id": "ben"}})
    other = await hub.post(accept, {"agent": {"id": "benedict"}})
    assert (again.status_code, other.status_code, other.json()["reason"]) == (202, 409, "already-accepted")
    assert other.json()["detail"] == "Ben Okafor accepted this handoff already."


async def test_a_stream_is_told_of_another_directory(tmp_path: Path, store_url: str) -> None:
    """The version is the same: what changed is how it is read."""
    async with running_api(tmp_path, store_url) as hub:
        await hub.happen(step(1, "answered", agent=CLIENT_BEN))
        customer = (await hub.body(PHONE))["customer"]["id"]
        path = f"/v1/customers/{customer}/stream"
        async with following(hub.url, path, KEYS["reader"]) as stream:
            first = await stream.next()
        async with following(hub.url, path, KEYS["reader"], first.id) as stream:
            assert await stream.silence(0.2) == []
    async with (
        running_api(tmp_path, store_url, configured=configured()) as hub,
        following(hub.url, path, KEYS["reader"], first.id) as stream,
    ):
        again = await stream.next()
    assert (first.data["body"]["last_agent"]["id"], again.data["body"]["last_agent"]["id"]) == ("client:ben", "ben")
