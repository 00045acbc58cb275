"""Test what senders are told of misspelt events over HTTP, and what a dry run shows without storing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.asking import PatientClient
from tests.channels import IMPORTER, Hub, running_hub
from tests.described import HELD
from tests.patience import PATIENCE

pytestmark = pytest.mark.clock

BATCH = "application/cloudevents-batch+json"


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with running_hub(tmp_path) as running:
        yield running


def event(id: str = "m-1", **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": id,
        "source": "//acme.example/chat",
        "type": "cx.message.received.v1",
        "data": {"channel": "chat", "interaction": "chat-42", "message": {"id": id, "text": "hello"}, **data},
    }


async def send(hub: Hub, events: list[dict[str, Any]], query: str = "") -> httpx2.Response:
    headers = {"content-type": BATCH, "authorization": f"Bearer {IMPORTER}"}
    async with PatientClient(event_hooks=HELD, base_url=hub.url, timeout=PATIENCE) as client:
        return await client.post(f"/v1/events{query}", content=json.dumps(events).encode(), headers=headers)


async def test_accepted_typos_come_back_as_warnings(hub: Hub) -> None:
    answer = await send(hub, [event("a"), event("b", agnet={"id": "ben"}), event("c", channel="voise")])
    assert answer.status_code == 202
    told = answer.json()
    assert [one["id"] for one in told["accepted"]] == ["a", "b"]
    assert told["rejected"][0]["detail"].endswith("did you mean 'voice'?")
    assert [(one["index"], one["place"], one["nearest"]) for one in told["warnings"]] == [(1, "data.agnet", "agent")]
    assert "'agent'" in told["warnings"][0]["detail"]
    kept = {one["id"]: one["data"] for one in await hub.events()}
    assert kept["b"]["agnet"] == {"id": "ben"}


async def test_a_dry_run_shows_and_stores_nothing(hub: Hub) -> None:
    tried = await send(hub, [event("a", agnet={"id": "ben"}), event("b", channel="voise")], "?dry_run=true")
    assert tried.status_code == 200
    told = tried.json()
    assert [one["place"] for one in told["warnings"]] == ["data.agnet"]
    assert [one["index"] for one in told["rejected"]] == [1]
    (shown,) = told["events"]
    assert shown["tenantid"] == "acme"
    assert await hub.events() == []
    assert hub.counted("cx_intake_events_total", provider="client", type="cx.message.received.v1") == 0
    assert hub.counted("cx_intake_refused_total", provider="client", reason="bad-data") == 0

    await send(hub, [event("a", agnet={"id": "ben"})])
    (stored,) = await hub.events()
    moments = ("recordedtime", "time")
    assert {**stored, **dict.fromkeys(moments)} == {**shown, **dict.fromkeys(moments)}


async def test_a_dry_run_of_bad_events_answers_422(hub: Hub) -> None:
    assert (await send(hub, [event(channel="voise")], "?dry_run=true")).status_code == 422


@pytest.mark.parametrize("query", ["?dryrun=true", "?dry_run=yes", "?dry_run=true&dry_run=true"])
async def test_a_misspelt_dry_run_stores_nothing(hub: Hub, query: str) -> None:
    assert (await send(hub, [event()], query)).status_code == 400
    assert await hub.events() == []
