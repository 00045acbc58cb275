"""A Messenger thread that never ends, next to a chat: from Meta's webhook and the events API to what an agent reads."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from tests.asking import PatientClient
from tests.patience import PATIENCE

from cx_events.testing.builders import DAY, MINUTE
from cx_events.timestamps import Micros, format_time
from cx_hub.compose import running_hub
from cx_hub.demo.run import embedded_settings, until_ready
from cx_runtime.tenants import load

pytestmark = pytest.mark.clock

PAGE, ANA = "100000000000001", "2000000000000001"
BEN = {"id": "agent-7", "name": "Ben"}
Json = dict[str, Any]


@dataclass
class World:
    http: httpx2.AsyncClient
    secret: str
    now: Micros

    async def messenger(self, text: str, ago: Micros) -> None:
        """Ana writes to the page, as Meta tells it."""
        at = (self.now - ago) // 1000
        person = {"sender": {"id": ANA}, "recipient": {"id": PAGE}}
        item = {**person, "timestamp": at, "message": {"mid": f"m_{text}", "text": text}}
        body = msgspec.json.encode({"object": "page", "entry": [{"id": PAGE, "time": at, "messaging": [item]}]})
        signature = hmac.digest(self.secret.encode(), body, "sha256").hex()
        headers = {"content-type": "application/json", "x-hub-signature-256": f"sha256={signature}"}
        answer = await self.http.post("/v1/hooks/acme-social", content=body, headers=headers)
        assert answer.status_code == 200, answer.text

    async def event(self, type: str, id: str, ago: Micros, data: Json) -> None:
        event = {"specversion": "1.0", "id": id, "source": "//acme.example/test", "type": type}
        answer = await self.http.post("/v1/events", json={**event, "time": format_time(self.now - ago), "data": data})
        assert answer.status_code == 202, answer.text

    async def conversations(self, until: Callable[[list[Json]], bool]) -> list[Json]:
        """Ana's conversations in order of their start, once they are so."""
        found: list[Json] = []
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            answer = await self.http.get("/v1/context", params={"identifier": "email:ana@example.com"})
            if answer.status_code == 200:
                found = answer.json()["body"]["conversations"]
                found.sort(key=lambda each: each["opened_at"])
                if until(found):
                    return found
            await asyncio.sleep(0.1)
        raise AssertionError(found)

    async def act(self, id: str, what: str, body: Json) -> None:
        answer = await self.http.post(f"/v1/conversations/{id}/{what}", json={**body, "agent": BEN})
        assert answer.status_code == 202, answer.text

    async def read(self, id: str) -> Json:
        answer = await self.http.get(f"/v1/conversations/{id}")
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found


def channels(found: list[Json]) -> list[list[str]]:
    return [each["channels"] for each in found]


async def test_a_chat_continues_a_year_old_thread(tmp_path: Path) -> None:
    settings, tenants = embedded_settings(tmp_path), load(None, tmp_path, {})
    acme = tenants.by_name["acme"]
    async with running_hub(settings, tenants) as hub:
        await until_ready(hub.url)
        key = {"authorization": f"Bearer {acme.keys[0].secret}"}
        async with PatientClient(base_url=hub.url, headers=key, timeout=PATIENCE, trust_env=False) as http:
            world = World(http, acme.connections["acme-social"].secrets[0], time.time_ns() // 1000)
            await _told(world)


async def _told(world: World) -> None:
    email = {"kind": "email", "value": "ana@example.com"}
    messenger = {"kind": "facebook-psid", "value": ANA, "scope": PAGE}
    await world.event("cx.identity.asserted.v1", "crm", 400 * DAY, {"links": [[email, messenger]], "evidence": "crm"})
    await world.messenger("a year ago", 365 * DAY)
    await world.messenger("five days ago", 5 * DAY)
    chat = {
        "channel": "chat", "interaction": "chat-1", "direction": "inbound",
        "participants": [{"role": "customer", "identifiers": [email]}], "message": {"id": "c-1", "text": "in the chat"},
    }  # fmt: skip
    await world.event("cx.message.received.v1", "c-1", 20 * MINUTE, chat)
    await world.messenger("twelve minutes later", 8 * MINUTE)

    found = await world.conversations(lambda found: len(found) == 3 and len(found[2]["messages"]) == 2)
    assert channels(found) == [["social"], ["social"], ["chat", "social"]]
    oldest, older, latest = (each["id"] for each in found)

    await world.act(older, "resolve", {"reason": "done"})
    found = await world.conversations(lambda found: found[1]["state"] == "resolved")
    assert [each["state"] for each in found] == ["open", "resolved", "open"]
    assert found[2]["waiting_since"] is not None
    assert channels(found) == [["social"], ["social"], ["chat", "social"]]

    await world.messenger("told late", 5 * DAY // 2)
    found = await world.conversations(lambda found: len(found) == 2)
    assert channels(found) == [["social"], ["social", "chat"]]
    assert (await world.read(older))["conversation"]["id"] == (await world.read(latest))["conversation"]["id"]
    assert (await world.read(oldest))["conversation"]["id"] == oldest
    assert {older, latest} <= {found[1]["id"], *found[1]["aliases"]}
