"""Replays over HTTP: planned, begun, seen, cancelled; each with a reason and an event; each tenant's own alone."""

from __future__ import annotations

import asyncio
import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from standardwebhooks import Webhook
from tests.asking import PatientClient
from tests.described import HELD
from tests.integration.test_ops_log import OPS, OTHER, READER, append, message, tenants
from tests.patience import PATIENCE
from tests.receiver import LOCAL, OK, answer, receiving

from cx_events.log import INTERACTIONS, Partition
from cx_events.log.declarations import TopicDeclaration
from cx_events.log.open import open_log
from cx_hub.compose import Hub, running_hub
from cx_hub.demo.run import embedded_settings, until_ready
from cx_ops.http_routes.replay_routes import MOST_AT_ONCE

pytestmark = pytest.mark.clock

SECRET = "whsec_" + "c2VjcmV0LW9mLXRoaXMtdGVzdC1hbG9uZS0wMDAx"
COPY = "copies"


@asynccontextmanager
async def a_hub(home: Path, *, alone: bool) -> AsyncIterator[Hub]:
    settings = embedded_settings(home).model_copy(update={"outbound_networks": LOCAL})
    async with running_hub(settings, tenants(alone=alone)) as running:
        await until_ready(running.url)
        await append(running, *(message(running.tenants.ids("acme"), number) for number in range(6)))
        yield running


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with a_hub(tmp_path, alone=True) as running:
        yield running


async def ask(hub: Hub, path: str = "", key: str = OPS, **body: Any) -> httpx2.Response:
    """POST a body, or GET without one."""
    async with PatientClient(event_hooks=HELD, base_url=hub.url, trust_env=False, timeout=PATIENCE) as http:
        headers = {"authorization": f"Bearer {key}"}
        if body:
            return await http.post(f"/v1/ops/replays{path}", json=body, headers=headers)
        return await http.get(f"/v1/ops/replays{path}", headers=headers)


async def until_phase(hub: Hub, id: str, phase: str) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE):
        while True:
            state: dict[str, Any] = (await ask(hub, f"/{id}")).json()
            if state["phase"] == phase:
                return state
            await asyncio.sleep(0.02)


async def acts(hub: Hub) -> list[tuple[str, str, str]]:
    """Return of each event about replays: the act, who, why."""
    async with PatientClient(event_hooks=HELD, base_url=hub.url, trust_env=False, timeout=PATIENCE) as http:
        query = {"type": "cx.operations.log_replayed", "order": "oldest"}
        page = await http.get("/v1/ops/log", params=query, headers={"authorization": f"Bearer {OPS}"})
    events = [item["value"] for item in page.json()["items"]]
    return [(each["data"]["attributes"]["act"], each["writer"], each["data"]["reason"]) for each in events]


async def copied(hub: Hub) -> list[Any]:
    """Return what lies on the topic of copies."""
    declared = {COPY: TopicDeclaration(topic=COPY, partitions=await hub.log.partitions(INTERACTIONS))}
    log = open_log(hub.settings.resolved_log_url(), declared=declared)
    await log.start()
    reader = log.reader()
    try:
        ends = await log.end_offsets(COPY)
        reader.assign({Partition(COPY, number): 0 for number in ends})
        found: list[Any] = []
        while len(found) < sum(ends.values()):
            found += [json.loads(each.value) for each in await reader.read(1_000)]
        return found
    finally:
        await reader.close()
        await log.stop()


async def test_a_replay_goes_its_whole_way_over_http(hub: Hub) -> None:
    asked = {"target": COPY, "where": "data.interaction in (chat-1, chat-4)"}
    assert (await ask(hub)).json() == {"items": []}
    planned = (await ask(hub, "/plan", **asked)).json()
    assert (planned["records"], planned["wanted"]) == (6, 2)
    assert (await ask(hub)).json() == {"items": []}
    begun = await ask(hub, **asked, why="the mirror lost them")
    assert begun.status_code == 202
    id = begun.json()["id"]
    done = await until_phase(hub, id, "done")
    assert (done["sent"], done["who"], done["why"]) == (2, "key/ops", "the mirror lost them")
    found = await copied(hub)
    assert sorted(each["id"] for each in found) == ["m-1", "m-4"]
    assert {each["replayid"] for each in found} == {id}
    assert [each["id"] for each in (await ask(hub)).json()["items"]] == [id]
    assert (await ask(hub, f"/{id}/resume", why="once more")).json()["reason"] == "replay-over"
    assert (await ask(hub, "/" + "a" * 300)).status_code == 404
    async with asyncio.timeout(PATIENCE):
        while len(await acts(hub)) < 2:
            await asyncio.sleep(0.02)
    assert sorted(await acts(hub)) == [(act, "key/ops", "the mirror lost them") for act in ("began", "done")]


async def test_a_failing_receiver_is_cancelled_and_signed_requests_arrive(hub: Hub) -> None:
    async with receiving(lambda _: answer(500)) as receiver:
        begun = (await ask(hub, target=receiver.url(), secret=SECRET, why="they asked for it")).json()
        await asyncio.wait_for(receiver.arrived.wait(), PATIENCE)
        assert (await ask(hub, f"/{begun['id']}/resume", why="twice")).json()["reason"] == "replay-under-way"
        assert (await ask(hub, f"/{begun['id']}/cancel", why="they fail")).status_code == 200
        assert (await until_phase(hub, begun["id"], "cancelled"))["sent"] == 0
    async with receiving(lambda _: OK) as receiver:
        begun = (await ask(hub, target=receiver.url(), secret=SECRET, why="they are back")).json()
        await until_phase(hub, begun["id"], "done")
        for got in receiver.got:
            Webhook(SECRET).verify(got.body, got.headers)
        assert len(receiver.got) >= 6
    assert SECRET not in "".join(path.read_text() for path in (hub.settings.home / "replays").glob("*.json"))


async def test_no_event_tells_the_query_of_a_target(hub: Hub) -> None:
    """It may hold a secret, and the log is for good."""
    async with receiving(lambda _: OK) as receiver:
        target = receiver.url("/hook?token=s3cret")
        begun = (await ask(hub, target=target, where="data.interaction in (chat-1)", why="a try")).json()
        done = await until_phase(hub, begun["id"], "done")
        assert receiver.got[0].target == "/hook?token=s3cret"
    assert done["target"] == done["asked"]["target"] == receiver.url("/hook?...")
    async with PatientClient(event_hooks=HELD, base_url=hub.url, trust_env=False, timeout=PATIENCE) as http:
        page = await http.get("/v1/ops/log?type=cx.operations.log_replayed", headers={"authorization": f"Bearer {OPS}"})
    assert len(page.json()["items"]) == 2
    assert "s3cret" not in page.text


async def test_any_bytes_are_sent_and_signed(hub: Hub) -> None:
    strange = [b"\xff names nobody", b'{"id": "\xff"}']
    await append(hub, *strange)
    async with receiving(lambda _: OK) as receiver:
        begun = (await ask(hub, target=receiver.url(), secret=SECRET, why="whatever it is")).json()
        assert (await until_phase(hub, begun["id"], "done"))["sent"] >= 8
    key = b64decode(SECRET.removeprefix("whsec_"))
    for got in receiver.got:
        signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
        expected = b64encode(hmac.digest(key, signed, "sha256")).decode()
        assert got.headers["webhook-signature"] == f"v1,{expected}"
    assert strange[0] in [got.body for got in receiver.got]


WRONG: list[tuple[dict[str, Any], int, str]] = [
    ({"target": COPY}, 400, "no-reason"),
    ({"target": INTERACTIONS, "why": "x"}, 400, "target-is-source"),
    ({"target": "/tmp/out.jsonl", "why": "x"}, 400, "bad-target"),
    ({"target": "kafka://127.0.0.1:1#other", "why": "x"}, 400, "bad-target"),
    ({"target": COPY, "where": "tennant=acme", "why": "x"}, 400, "bad-filter"),
    ({"target": COPY, "from": "yesterday", "why": "x"}, 400, "bad-range"),
    ({"target": COPY, "from": "0/999999", "why": "x"}, 400, "no-such-offset"),
    ({"target": COPY, "to": "2001-01-01T00:00:00Z", "why": "x"}, 400, "empty-range"),
    ({"target": COPY, "topic": "cx.nothing", "why": "x"}, 404, "unknown-topic"),
    ({"target": COPY, "speed": "fast", "why": "x"}, 400, "bad-speed"),
    ({"target": COPY, "rate": 0, "why": "x"}, 400, "bad-rate"),
    ({"target": COPY, "rate": "many", "why": "x"}, 400, "bad-body"),
    ({"target": COPY, "colour": "red", "why": "x"}, 400, "bad-body"),
    ({"target": "https://example.com/hook", "secret": "mine", "why": "x"}, 400, "bad-secret"),
    ({"target": COPY, "customer": "1eed28c6-4f7f-8871-abb9-c2d9cb565c72", "why": "x"}, 404, "unknown-customer"),
]


async def test_what_is_asked_wrongly_begins_nothing(hub: Hub) -> None:
    for body, status, reason in WRONG:
        refused = await ask(hub, **body)
        assert (refused.status_code, refused.json()["reason"]) == (status, reason), (body, refused.text)
    assert (await ask(hub)).json() == {"items": []}
    assert (await ask(hub, "/nobody")).status_code == 404


async def test_each_tenant_sends_and_sees_its_own(tmp_path: Path) -> None:
    async with a_hub(tmp_path, alone=False) as hub, receiving(lambda _: OK) as receiver:
        await append(hub, message(hub.tenants.ids("other"), 7), b"\xff names nobody")
        assert (await ask(hub, key=READER)).status_code == 403
        refused = await ask(hub, target=COPY, why="x")
        assert (refused.status_code, refused.json()["reason"]) == (409, "not-the-only-tenant")
        begun = (await ask(hub, key=OTHER, target=receiver.url(), why="ours")).json()
        async with asyncio.timeout(PATIENCE):
            while (await ask(hub, f"/{begun['id']}", OTHER)).json()["phase"] != "done":
                await asyncio.sleep(0.02)
        assert [json.loads(got.body)["id"] for got in receiver.got] == ["m-7"]
        assert (await ask(hub)).json() == {"items": []}
        assert (await ask(hub, f"/{begun['id']}")).status_code == 404
        assert (await ask(hub, f"/{begun['id']}/cancel", why="theirs")).status_code == 404


async def test_no_tenant_takes_the_room_of_others(tmp_path: Path) -> None:
    async with a_hub(tmp_path, alone=False) as hub, receiving(lambda _: answer(500)) as receiver:
        await append(hub, message(hub.tenants.ids("other"), 7))
        asked = {"target": receiver.url(), "why": "a mirror that is down"}
        many = await asyncio.gather(*(ask(hub, **asked) for _ in range(8)))
        assert sorted(each.status_code for each in many) == [202] * MOST_AT_ONCE + [409] * (8 - MOST_AT_ONCE)
        theirs = await ask(hub, key=OTHER, **asked)
        assert theirs.status_code == 202, theirs.text
        for begun, key in [*((each, OPS) for each in many), (theirs, OTHER)]:
            if begun.status_code == 202:
                await ask(hub, f"/{begun.json()['id']}/cancel", key, why="enough")
