"""Presence: who looks, who types and in what state an agent is, told to followers of every process for a while."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.api import KEYS, Running, running_api
from tests.integration.test_following_several import ANA, NOBODY, said, several
from tests.patience import PATIENCE
from tests.sse import Stream
from tests.stores import sqlite_store

from cx_context.store import open_store
from cx_context_api.following import presence
from cx_context_api.following.presence import PresenceBoard, Present
from cx_context_api.following.subscriptions import Subscriptions

BEN, EVA = {"id": "ben", "name": "Ben"}, {"id": "eva", "name": "Eva"}


@pytest.fixture
async def hub(tmp_path: Path, store_url: str) -> AsyncIterator[Running]:
    async with running_api(tmp_path, store_url, heartbeat=60.0) as hub:
        await hub.happen(said(1))
        yield hub


async def put(hub: Running, key: str = "all", **body: Any) -> httpx2.Response:
    headers = {"authorization": f"Bearer {KEYS[key]}"}
    return await hub.client.put("/v1/presence", json=body, headers=headers)


async def told(stream: Stream) -> list[tuple[str, str, bool]]:
    found = (await stream.next("presence")).data["present"]
    return [(each["agent"]["id"], each["state"], each["typing"]) for each in found]


async def test_followers_are_told_who_looks_and_types(hub: Running) -> None:
    thread = (await hub.body("email:ana@example.com"))["conversations"][0]["id"]
    here = [{"kind": "customer", "id": ANA}]
    async with (
        several(hub, f"customer={ANA}&body=none&presence=true") as customer,
        several(hub, f"conversation={thread}&presence=true") as conversation,
        several(hub, "agent=ben&presence=true") as agent,
    ):
        assert [await told(each) for each in (customer, conversation, agent)] == [[], [], []]
        answer = await put(hub, agent=BEN, looking=here)
        assert (answer.status_code, answer.json()) == (200, {"seconds": 30})
        assert await told(customer) == await told(agent) == [("ben", "available", False)]
        await put(hub, agent=EVA, state="busy", looking=here, typing=thread)
        assert await told(customer) == [("ben", "available", False), ("eva", "busy", True)]
        assert await told(conversation) == [("eva", "busy", True)]
        await put(hub, agent=BEN, state="offline")
        assert await told(customer) == [("eva", "busy", True)]
        assert await told(agent) == []


async def test_presence_ends_by_itself(hub: Running) -> None:
    async with several(hub, f"customer={ANA}&body=none&presence=true") as stream:
        assert await told(stream) == []
        board = hub.api._streams.board
        ben = Present("ben", "Ben", "available", (("customer", ANA),))
        await board.put("acme", "tab", ben, 600)
        assert await told(stream) == [("ben", "available", False)]
        await board.put("acme", "tab", ben, 0.5)
        assert await told(stream) == []


async def test_other_processes_tell_it_too(tmp_path: Path) -> None:
    url = sqlite_store(tmp_path)
    async with running_api(tmp_path, url, heartbeat=60.0) as hub:
        await hub.happen(said(1))
        another = open_store(url)
        await another.start()
        try:
            async with several(hub, f"customer={ANA}&body=none&presence=true") as stream:
                assert await told(stream) == []
                elsewhere = PresenceBoard(another, Subscriptions(60.0))
                await elsewhere.put("acme", "", Present("eva", "Eva", "away", (("customer", ANA),)), 60)
                async with asyncio.timeout(PATIENCE):
                    assert await told(stream) == [("eva", "away", False)]
        finally:
            await another.stop()


@pytest.mark.parametrize(
    ("body", "key", "status", "reason"),
    [
        ({"agent": BEN, "looking": [{"kind": "customer", "id": NOBODY}]}, "all", 404, "unknown-customer"),
        ({"agent": BEN, "looking": [{"kind": "customer", "id": "x"}]}, "all", 404, "bad-id"),
        ({"agent": BEN, "state": "dancing"}, "all", 422, "bad-body"),
        ({"agent": BEN, "seconds": 3600}, "all", 422, "bad-body"),
        ({"agent": BEN, "looking": [{"kind": "customer", "id": ANA}] * 11}, "all", 422, "bad-body"),
        ({}, "all", 422, "no-agent"),
        ({"agent": BEN}, "reader", 403, "missing-scope"),
        ({"agent": BEN}, "desk", 403, "missing-scope"),
        ({"agent": BEN}, "bot", 403, "not-assured"),
        ({"agent": BEN, "looking": [{"kind": "customer", "id": ANA}]}, "other", 404, "unknown-customer"),
    ],
    ids=str,
)
async def test_what_cannot_be_is_refused(hub: Running, body: Any, key: str, status: int, reason: str) -> None:
    answer = await put(hub, key, **body)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)


async def test_presence_is_bounded(hub: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "MOST_PRESENT", 2)
    assert [(await put(hub, agent=BEN, tab=str(number))).status_code for number in (1, 2, 3)] == [200, 200, 429]
    assert (await put(hub, agent=BEN, tab="1")).status_code == 200, "who is there may say so again"
    assert (await put(hub, "other", agent=BEN)).status_code == 200, "another tenant has room of its own"
