"""A signed notice that no adapter maps waits in the dead letters, and becomes an event once there is an adapter."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx2
import msgspec
import pytest
from tests.asking import PatientClient
from tests.described import HELD
from tests.patience import PATIENCE

from cx_channels.intake import Intake
from cx_channels.kit.signing import sign
from cx_channels.provider import Connection, Mapped, Provider, Request
from cx_channels.registry import provider, providers
from cx_channels.remapping import map_again
from cx_context.store import dead_letters
from cx_events.dead_letters import DeadLetter
from cx_events.envelope import Data, Draft, Identifier, Message, Participant
from cx_events.errors import Refused
from cx_hub.compose import Hub, running_hub
from cx_hub.demo.run import embedded_settings, until_ready
from cx_identity.rules import DEFAULT
from cx_projectors.tenancy import Tenancy
from cx_projectors.verify import verify
from cx_runtime.metrics import Metrics
from cx_runtime.tenants import ConnectionConfig, KeyConfig, TenantConfig, Tenants

pytestmark = pytest.mark.clock

KEY, SECRET = "a key of all scopes", "an app secret and an auth token"
SMS = {"MessageSid": "SM1", "From": "+15550100123", "To": "+15550100199", "Body": "Where is my parcel?"}
WINDOW = 72 * 3_600_000_000


def tenants() -> Tenants:
    connections = {
        "acme-calls": ConnectionConfig(provider="voice/twilio", secrets=(SECRET,)),
        "acme-texts": ConnectionConfig(provider="voice/twilio", secrets=(SECRET,)),
        "acme-social": ConnectionConfig(provider="social/meta", secrets=(SECRET,)),
    }
    keys = (KeyConfig(id="all", secret=KEY, scopes=frozenset({"*"})),)
    return Tenants({"acme": TenantConfig(id_key="a lasting key of acme", keys=keys, connections=connections)})


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    settings = embedded_settings(tmp_path).model_copy(update={"public_url": "https://hub.example.com"})
    async with running_hub(settings, tenants()) as running:
        await until_ready(running.url)
        yield running


async def told(hub: Hub, body: bytes, path: str, headers: dict[str, str]) -> httpx2.Response:
    async with PatientClient(event_hooks=HELD, base_url=hub.url, trust_env=False, timeout=PATIENCE) as http:
        return await http.post(path, content=body, headers=headers)


async def told_by_twilio(hub: Hub) -> httpx2.Response:
    path = "/v1/hooks/acme-calls"
    signed = f"https://hub.example.com{path}" + "".join(name + SMS[name] for name in sorted(SMS))
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "x-twilio-signature": sign(SECRET, signed.encode(), "sha1", "base64"),
    }
    return await told(hub, urlencode(SMS).encode(), path, headers)


async def told_by_meta(hub: Hub, *texts: str) -> httpx2.Response:
    changes = [{"field": "messages", "value": {"messages": [{"id": each, "text": {"body": each}}]}} for each in texts]
    body = json.dumps({"object": "threads", "entry": [{"id": "1", "changes": changes}]}).encode()
    headers = {"content-type": "application/json", "x-hub-signature-256": "sha256=" + sign(SECRET, body)}
    return await told(hub, body, "/v1/hooks/acme-social", headers)


async def until(hub: Hub, count: int) -> list[DeadLetter]:
    async with asyncio.timeout(PATIENCE):
        while True:
            async with hub.store.reading() as tx:
                found = list(await dead_letters.listed(tx))
            if len(found) == count:
                return found
            await asyncio.sleep(0.02)


async def until_applied(hub: Hub) -> None:
    async with (
        asyncio.timeout(PATIENCE),
        PatientClient(event_hooks=HELD, base_url=hub.url, trust_env=False, timeout=PATIENCE) as http,
    ):
        while True:
            lag = (await http.get("/v1/ops/lag", headers={"authorization": f"Bearer {KEY}"})).json()["items"]
            if all(each["events"] == 0 for each in lag):
                return
            await asyncio.sleep(0.02)


def _texts(request: Request, connection: Connection) -> Mapped:
    """An adapter for text messages, as there may be one some day."""
    fields = dict(parse_qsl(request.body.decode()))
    sender = Participant(role="customer", identifiers=[Identifier(kind="phone", value=fields["From"])])
    message = Message(id=fields["MessageSid"], text=fields["Body"], content_type="text/plain")
    data = Data(
        channel="sms",
        interaction=f"{connection.id}/{fields['From']}",
        direction="inbound",
        participants=[sender],
        message=message,
    )
    return Mapped((Draft(type="cx.message.received.v1", id=fields["MessageSid"], data=data),))


def again(
    hub: Hub, letter: DeadLetter, **adapters: Callable[[Request, Connection], Mapped]
) -> Callable[..., Awaitable[int]]:
    known: dict[str, Provider] = dict(providers())
    for name, adapter in adapters.items():
        known[name.replace("_", "/")] = replace(provider(name.replace("_", "/")), map=adapter)
    intake = Intake(hub.log, hub.blobs, hub.tenants, known, Metrics())

    async def run(connection: str = "") -> int:
        return await map_again(intake, hub.log, hub.blobs, letter, hub.tenants.ids("acme"), connection)

    return run


async def wrong(hub: Hub) -> Any:
    return (await verify(hub.store, hub.log, {"acme": (Tenancy(hub.tenants.ids("acme"), DEFAULT), WINDOW)})).wrong


async def test_repeated_attempts_of_one_notice_are_one_dead_letter(hub: Hub) -> None:
    for _ in range(3):
        assert (await told_by_twilio(hub)).status_code == 200
    assert (await told_by_meta(hub, "one", "two")).status_code == 200
    assert (await told_by_meta(hub, "two")).status_code == 200
    found = await until(hub, 3)
    await until_applied(hub)
    assert await until(hub, 3) == found
    assert {each.reason for each in found} == {"no-adapter-yet"}
    assert await wrong(hub) == []


async def test_a_request_that_still_has_no_adapter_stays(hub: Hub) -> None:
    await told_by_twilio(hub)
    (letter,) = await until(hub, 1)
    with pytest.raises(Refused) as refused:
        await again(hub, letter)()
    assert (refused.value.reason, refused.value.status) == ("not-retriable", 409)
    assert "no-adapter-yet" in refused.value.detail
    assert await until(hub, 1) == [letter]


@pytest.mark.parametrize("connection", ["", "acme-texts"])
async def test_with_an_adapter_a_dead_letter_becomes_its_event(hub: Hub, connection: str) -> None:
    await told_by_twilio(hub)
    (letter,) = await until(hub, 1)
    retry = again(hub, letter, voice_twilio=_texts)
    assert await retry(connection) == 1
    assert await retry(connection) == 1  # as after a crash
    await until(hub, 0)
    query = {"identifier": f"phone:{SMS['From']}", "wait": "60s"}
    async with PatientClient(event_hooks=HELD, base_url=hub.url, trust_env=False, timeout=PATIENCE) as http:
        answer = await http.get("/v1/context", params=query, headers={"authorization": f"Bearer {KEY}"})
    (said,) = answer.json()["body"]["timeline"]
    assert said["text"] == SMS["Body"]
    assert said["time"][:19] == letter.recorded[:19]
    assert answer.json()["body"]["counts"]["events"] == 1
    await until_applied(hub)
    assert await wrong(hub) == []


async def test_a_dead_letter_that_recurs_after_settling_is_listed(hub: Hub) -> None:
    await told_by_twilio(hub)
    (letter,) = await until(hub, 1)
    await again(hub, letter, voice_twilio=_texts)()
    await until(hub, 0)
    await told_by_twilio(hub)
    await until(hub, 1)
    await until_applied(hub)
    assert await wrong(hub) == []


async def test_only_a_connection_of_the_letters_tenant_maps_it(hub: Hub) -> None:
    await told_by_twilio(hub)
    (letter,) = await until(hub, 1)
    for other in (changed(letter, stage="fold"), changed(letter, tenant="other")):
        with pytest.raises(Refused):
            await again(hub, other, voice_twilio=_texts)()
    with pytest.raises(Refused) as refused:
        await again(hub, letter, voice_twilio=_texts)("acme-nothing")
    assert refused.value.reason == "unknown-connection"


def changed(letter: DeadLetter, **changes: Any) -> DeadLetter:
    return msgspec.structs.replace(letter, **changes)
