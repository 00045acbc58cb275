"""Each event says by whom it came in: by every door of the hub, and never in the client's words."""

from __future__ import annotations

import asyncio
import json
import smtplib
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.asking import PatientClient
from tests.described import HELD
from tests.patience import PATIENCE
from tests.unit.test_vcon import a_vcon
from websockets.asyncio.client import connect

from cx_events.log import INTERACTIONS, Partition
from cx_hub.compose import Hub, running_hub
from cx_hub.demo.run import embedded_settings, until_ready
from cx_runtime.tenants import ConnectionConfig, IdentityConfig, KeyConfig, TenantConfig, Tenants

pytestmark = pytest.mark.clock

KEYS = {
    "desk": ("context:read", "conversations:write", "identity:write"),
    "shop": ("events:write",),
    "recorder": ("events:write", "conversations:write"),
    "importer": ("events:write", "ops"),
}
MAIL = b"From: ana@example.com\r\nMessage-ID: <m@example.com>\r\nDate: Mon, 06 Jan 2020 10:00:00 +0000\r\n\r\nhello\r\n"


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    tenant = TenantConfig(
        id_key="a lasting key of acme",
        keys=tuple(
            KeyConfig.model_validate({"id": id, "secret": f"the secret of {id}", "scopes": scopes})
            for id, scopes in KEYS.items()
        ),
        connections={
            "acme-chat": ConnectionConfig(provider="chat/webchat", secrets=("a secret of the chat",)),
            "acme-mail": ConnectionConfig(provider="email/mime", settings={"addresses": ["support@acme.example"]}),
        },
        identity=IdentityConfig(never_link=("email:noreply@*",)),
    )
    async with running_hub(embedded_settings(tmp_path), Tenants({"acme": tenant})) as running:
        await until_ready(running.url)
        yield running


async def ask(hub: Hub, method: str, path: str, body: Any = None, *, key: str, expected: int) -> Any:
    headers = {"authorization": f"Bearer the secret of {key}"}
    async with PatientClient(
        event_hooks=HELD, base_url=hub.url, trust_env=False, timeout=PATIENCE, headers=headers
    ) as http:
        answer = await http.request(method, path, json=body)
    assert answer.status_code == expected, answer.text
    return answer.json()


async def stored(hub: Hub) -> list[dict[str, Any]]:
    reader = hub.log.reader()
    ends = await hub.log.end_offsets(INTERACTIONS)
    reader.assign({Partition(INTERACTIONS, number): 0 for number in ends})
    found: list[dict[str, Any]] = []
    while records := await reader.read(1000, wait=0.05):
        found += [msgspec.json.decode(record.value) for record in records]
    await reader.close()
    return found


async def writers(hub: Hub) -> dict[str, set[str]]:
    """By the family of their types, the writers of all that lies on the log."""
    found: dict[str, set[str]] = defaultdict(set)
    for event in await stored(hub):
        found[event["type"].split(".")[1]].add(event.get("writer", ""))
    return found


def message(id: str, name: str = "ana", **attributes: str) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": id, "source": "//acme.example/shop", "type": "cx.message.received.v1",
        "time": "2020-01-06T10:00:00Z", **attributes,
        "data": {
            "channel": "web", "interaction": f"shop-{name}", "direction": "inbound",
            "participants": [{"role": "customer", "identifiers": [{"kind": "email", "value": f"{name}@example.com"}]}],
            "message": {"id": id, "text": "hello"},
        },
    }  # fmt: skip


def send_mail(hub: Hub) -> None:
    with smtplib.SMTP("127.0.0.1", hub.smtp_port, timeout=PATIENCE) as server:
        server.ehlo("mx.example.com")
        server.mail("ana@example.com")
        server.rcpt("support@acme.example")
        assert server.data(MAIL)[0] == 250


async def test_every_event_names_its_key_or_connection(hub: Hub) -> None:
    await ask(hub, "POST", "/v1/events", message("m-1"), key="shop", expected=202)
    assert (await writers(hub))["message"] == {"key/shop"}

    await asyncio.to_thread(send_mail, hub)
    async with connect(f"ws://127.0.0.1:{hub.port}/v1/chat/acme-chat", ping_interval=None) as socket:
        await socket.send(json.dumps({"type": "hello"}))
        await socket.send(json.dumps({"type": "message", "id": "1", "text": "hi"}))
        async with asyncio.timeout(PATIENCE):
            while json.loads(await socket.recv())["type"] != "ack":
                pass
    assert (await writers(hub))["message"] == {"key/shop", "connection/acme-mail", "connection/acme-chat"}


async def known(hub: Hub, name: str, id: str) -> Any:
    """The body of the context of a customer who wrote to the shop."""
    await ask(hub, "POST", "/v1/events", message(id, name), key="shop", expected=202)
    path = f"/v1/context?identifier=email:{name}@example.com&at_least=//acme.example/shop%23{id}&wait=60s"
    return (await ask(hub, "GET", path, key="desk", expected=200))["body"]


async def test_actions_and_decisions_name_the_key_that_asked(hub: Hub) -> None:
    ana, bo = await known(hub, "ana", "m-1"), await known(hub, "bo", "m-2")
    thread = ana["conversations"][0]["id"]
    agent = {"id": "agent-7", "name": "Ben"}
    await ask(
        hub, "POST", f"/v1/conversations/{thread}/notes", {"note": "hm", "agent": agent}, key="desk", expected=202
    )
    await ask(hub, "POST", f"/v1/conversations/{thread}/continue", {"agent": agent}, key="desk", expected=202)
    handoff = {"to": "billing", "by": "agent", "agent": agent}
    await ask(hub, "POST", f"/v1/conversations/{thread}/handoffs", handoff, key="desk", expected=202)
    merge = {"a": ana["customer"]["id"], "b": bo["customer"]["id"], "reason": "said so"}
    await ask(hub, "POST", "/v1/identity/merge", merge, key="desk", expected=202)
    found = await writers(hub)
    assert found["conversation"] == found["handoff"] == {"key/desk"}
    # The rules that are configured are the hub's own doing.
    assert found["identity"] == {"key/desk", "hub/configuration"}


async def test_an_imported_event_was_written_by_who_imports_it(hub: Hub) -> None:
    stated = message("m-1", writer="key/desk")
    refused = await ask(hub, "POST", "/v1/events", stated, key="shop", expected=422)
    assert refused["rejected"][0]["reason"] == "reserved-attribute"
    old = {**stated, "recordedtime": "2020-01-06T10:00:00Z"}
    await ask(hub, "POST", "/v1/events", old, key="importer", expected=202)
    assert (await writers(hub))["message"] == {"key/importer"}


async def test_an_imported_vcon_names_its_key_and_only_claims(hub: Hub) -> None:
    await ask(hub, "POST", "/v1/vcons", a_vcon(), key="shop", expected=202)
    events = await stored(hub)
    vcons = [event for event in events if event["source"] == "//throughline/acme/vcons"]
    assert {event["writer"] for event in vcons} == {"key/shop"}
    named = [
        identifier
        for event in vcons
        for one in event["data"].get("participants", ())
        if one["role"] == "customer"
        for identifier in one["identifiers"]
    ]
    assert named
    assert {each["weight"] for each in named} == {"claimed"}


async def test_a_vcon_with_a_topic_needs_the_conversations_scope(hub: Hub) -> None:
    vcon = a_vcon(subject="billing")
    refused = await ask(hub, "POST", "/v1/vcons", vcon, key="shop", expected=403)
    assert refused["reason"] == "missing-scope"
    assert "conversations:write" in refused["detail"]
    assert not [event for event in await stored(hub) if event["source"] == "//throughline/acme/vcons"]
    await ask(hub, "POST", "/v1/vcons", vcon, key="recorder", expected=202)
