"""Mail that comes by webhook: read in a process of its own, so that no mail holds up the hub."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from tests.asking import PatientClient
from tests.described import HELD
from tests.patience import PATIENCE

from cx_channels.mapping_pool import MappingPool
from cx_events.dead_letters import DeadLetter, decode_dead_letter
from cx_events.log import DEAD_LETTERS, INTERACTIONS, Partition
from cx_hub import compose
from cx_hub.compose import intake as intake_composition
from cx_hub.demo.run import embedded_settings, until_ready
from cx_runtime.tenants import ConnectionConfig, KeyConfig, TenantConfig, Tenants

pytestmark = pytest.mark.clock

WRITER = "a key that writes"
HOOK = "/v1/hooks/acme-mail"
CREDENTIALS = ("postmark", "a password")
MAIL = {
    "FromFull": {"Email": "ana@example.com", "Name": "Ana"},
    "ToFull": [{"Email": "support@acme.example"}],
    "Subject": "Charged twice",
    "MessageID": "5b8c1d2e-0000-4000-8000-000000000001",
    "TextBody": "Hello",
    "Attachments": [{"Name": "a.txt", "Content": "aGVsbG8=", "ContentType": "text/plain", "ContentLength": 5}],
}
EVENT = {
    "specversion": "1.0",
    "id": "m-1",
    "source": "//acme.example/chat",
    "type": "cx.message.received.v1",
    "data": {"channel": "chat", "interaction": "chat-42", "message": {"id": "m-1", "text": "Hello"}},
}


def tenants() -> Tenants:
    mail = ConnectionConfig(provider="email/postmark", secrets=(":".join(CREDENTIALS),))
    key = KeyConfig(id="writer", secret=WRITER, scopes=frozenset({"events:write"}))
    return Tenants({"acme": TenantConfig(id_key="a lasting key of acme", keys=(key,), connections={"acme-mail": mail})})


@dataclass
class WebhookHub:
    hub: compose.Hub
    http: httpx2.AsyncClient
    workers: MappingPool

    async def stored(self, topic: str) -> list[bytes]:
        reader = self.hub.log.reader()
        reader.assign({Partition(topic, number): 0 for number in await self.hub.log.end_offsets(topic)})
        found: list[bytes] = []
        while records := await reader.read(1000, wait=0.05):
            found += [record.value for record in records]
        await reader.close()
        return found

    async def events(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(raw) for raw in await self.stored(INTERACTIONS)]

    async def letters(self) -> list[DeadLetter]:
        return [decode_dead_letter(raw) for raw in await self.stored(DEAD_LETTERS)]

    async def receive(self, mail: dict[str, Any]) -> httpx2.Response:
        return await self.http.post(HOOK, json=mail, auth=CREDENTIALS)


@asynccontextmanager
async def webhook_hub(folder: Path, monkeypatch: pytest.MonkeyPatch, deadline: float) -> AsyncIterator[WebhookHub]:
    """All of a hub's channels with one connection, which has no SMTP listener."""
    workers = MappingPool(1, deadline=deadline)
    monkeypatch.setattr(intake_composition, "MappingPool", lambda **_: workers)
    settings = embedded_settings(folder)
    async with compose.running_hub(settings, tenants(), frozenset({"channels"})) as hub:
        await until_ready(hub.url)
        async with PatientClient(event_hooks=HELD, base_url=hub.url, timeout=PATIENCE, trust_env=False) as http:
            yield WebhookHub(hub, http, workers)


async def until_started(workers: MappingPool) -> int:
    async with asyncio.timeout(PATIENCE):
        while not workers.pids:
            await asyncio.sleep(0.02)
    (pid,) = workers.pids
    return pid


async def test_a_webhook_mail_is_mapped_in_a_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with webhook_hub(tmp_path, monkeypatch, deadline=PATIENCE) as running:
        assert running.hub.smtp_port == 0
        assert (await running.receive(MAIL)).status_code == 200
        assert running.workers.pids
        (event,) = await running.events()
        assert event["id"].endswith("/received")
        (attachment,) = event["data"]["message"]["attachments"]
        assert await running.hub.blobs.get("acme", attachment["blob"]) == b"hello"


async def test_a_hanging_webhook_mail_delays_nobody_and_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with webhook_hub(tmp_path, monkeypatch, deadline=10.0) as running:
        hanging = await until_started(running.workers)
        os.kill(hanging, signal.SIGSTOP)
        mail = asyncio.create_task(running.receive(MAIL))
        await asyncio.sleep(0.2)
        authorization = {"authorization": f"Bearer {WRITER}", "content-type": "application/cloudevents+json"}
        assert (await running.http.get("/healthz")).status_code == 200
        assert (await running.http.post("/v1/events", json=EVENT, headers=authorization)).status_code == 202
        assert not mail.done()
        assert (await mail).status_code == 200
        (letter,) = await running.letters()
        assert (letter.reason, letter.connection) == ("took-too-long", "acme-mail")
        assert msgspec.json.decode(letter.content) == MAIL
        assert "authorization" not in letter.headers
        assert hanging not in running.workers.pids
        running.workers._deadline = PATIENCE
        assert (await running.receive(MAIL)).status_code == 200
        assert {event["type"] for event in await running.events()} == {"cx.message.received.v1"}
        assert len(await running.events()) == 2


async def test_a_webhook_without_credentials_is_asked_for_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with webhook_hub(tmp_path, monkeypatch, deadline=PATIENCE) as running:
        for auth in (None, ("postmark", "guessed")):
            answer = await running.http.post(HOOK, json=MAIL, auth=auth)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Basic ")
        assert await running.events() == []
        assert await running.letters() == []
