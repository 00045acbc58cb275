"""A broker that was away: whoever reads goes on by itself, and readiness tells the truth meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from tests import parts
from tests.patience import PATIENCE
from websockets.asyncio.client import ClientConnection, connect

from cx_hub import stack
from cx_hub.compose import Hub, running_hub
from cx_hub.demo.run import embedded_settings, until_ready
from cx_runtime.tenants import Tenants, load

AWAY_SECONDS = 9.5
"""Longer than it takes a consumer to find its broker silent, and to be thrown away amid a failed fetch."""

pytestmark = [pytest.mark.kafka, pytest.mark.fault, pytest.mark.clock, pytest.mark.timeout(900)]


def an_event(id: str, type: str, role: str, interaction: str) -> dict[str, Any]:
    who: dict[str, Any] = {"role": role}
    if role == "customer":
        who["identifiers"] = [{"kind": "email", "value": "ana@example.com"}]
    return {
        "specversion": "1.0",
        "id": id,
        "source": "//acme.example/desk",
        "type": type,
        "time": "2020-11-22T10:02:11Z",
        "data": {
            "channel": "chat",
            "interaction": interaction,
            "direction": "inbound" if role == "customer" else "outbound",
            "participants": [who],
            "message": {"id": id, "text": id},
        },
    }


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await holds():
            await asyncio.sleep(0.1)


async def taken(hub: Hub, tenants: Tenants, event: dict[str, Any]) -> None:
    """Send until it is acknowledged."""
    headers = {"authorization": f"Bearer {tenants.by_name['acme'].keys[0].secret}"}
    async with httpx2.AsyncClient(base_url=hub.url, trust_env=False, timeout=PATIENCE, headers=headers) as http:

        async def sent() -> bool:
            return (await http.post("/v1/events", json=event)).status_code == 202

        await until(sent)


async def messages_of_ana(hub: Hub, tenants: Tenants) -> int:
    headers = {"authorization": f"Bearer {tenants.by_name['acme'].keys[0].secret}"}
    async with httpx2.AsyncClient(base_url=hub.url, trust_env=False, timeout=PATIENCE, headers=headers) as http:
        answer = await http.get("/v1/context", params={"identifier": "email:ana@example.com"})
    return int(answer.json()["body"]["counts"]["messages"]) if answer.status_code == 200 else 0


async def heard(socket: ClientConnection, type: str) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE):
        while True:
            message: dict[str, Any] = json.loads(await socket.recv())
            if message["type"] == type:
                return message


async def not_ready_until(hub: Hub, over: asyncio.Event) -> list[str]:
    """What was said to be ready from the moment on at which the outage was noticed."""

    async def noticed() -> bool:
        return not (await hub.health.ready()).ok

    await until(noticed)
    wrong = []
    while not over.is_set():
        report = await hub.health.ready()
        if report.ok and not over.is_set():
            wrong.append("ready")
        await asyncio.sleep(0.2)
    return wrong


async def test_a_broker_outage_ends_neither_projectors_nor_chats(breakable_home: Path, tmp_path: Path) -> None:
    url = parts.start_or_skip(breakable_home, "kafka").kafka_url
    settings = embedded_settings(tmp_path).model_copy(
        update={"log_url": url, "topic_prefix": f"test-{uuid4().hex[:12]}."}
    )
    tenants = load(None, tmp_path, {})
    async with running_hub(settings, tenants) as hub:
        await until_ready(hub.url)
        async with connect(f"{hub.url.replace('http', 'ws', 1)}/v1/chat/acme-chat") as socket:
            await socket.send(json.dumps({"type": "hello"}))
            interaction = (await heard(socket, "welcome"))["interaction"]
            for number in range(1, 4):
                await taken(hub, tenants, an_event(f"in-{number}", "cx.message.received.v1", "customer", "chat-1"))
                await taken(hub, tenants, an_event(f"out-{number}", "cx.message.sent.v1", "agent", interaction))
                assert (await heard(socket, "message"))["text"] == f"out-{number}"

                async def applied(number: int = number) -> bool:
                    return await messages_of_ana(hub, tenants) == number

                await until(applied)
                await until(lambda: _ready(hub))
                if number == 3:
                    break
                over = asyncio.Event()
                await asyncio.to_thread(stack.kill, breakable_home, "kafka")
                watching = asyncio.create_task(not_ready_until(hub, over))
                await asyncio.sleep(AWAY_SECONDS)
                over.set()
                assert await watching == []
                await asyncio.to_thread(stack.start, breakable_home, {"kafka"})


async def _ready(hub: Hub) -> bool:
    return (await hub.health.ready()).ok
