"""Signatures over the URL: they are checked for CX_PUBLIC_URL alone, and a connection that lacks it says so."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import httpx2
import pytest
from tests.patience import PATIENCE

from cx_channels.kit.signing import shown_url, sign
from cx_channels.kit.twilio_signature import signed_parameters
from cx_events.codec import decode
from cx_events.envelope import Event
from cx_events.log import INTERACTIONS, Partition
from cx_hub.compose import Hub, running_hub
from cx_hub.demo.run import embedded_settings, until_ready
from cx_runtime.tenants import ConnectionConfig, KeyConfig, TenantConfig, Tenants

pytestmark = pytest.mark.clock

PUBLIC_URL = "https://hub.acme.example"
EVIL = "https://evil.example"
SECRET = "an auth token of Twilio's"
HOOK = "/v1/hooks/acme-calls"
KEY = "a key of the desk"
CASES = Path(__file__).parents[2].parent / "shared" / "cases" / "outside"
CALL = {"CallSid": "CA1", "CallStatus": "ringing", "Direction": "inbound", "From": "+15550100145", "To": "+15550100199"}


def tenants() -> Tenants:
    return Tenants(
        {
            "acme": TenantConfig(
                id_key="a lasting key of acme",
                keys=(KeyConfig(id="desk", secret=KEY, scopes=frozenset({"*"})),),
                connections={
                    "acme-calls": ConnectionConfig(
                        provider="voice/twilio", secrets=(SECRET,), settings={"numbers": ["+15550100199"]}
                    ),
                    "acme-inbox": ConnectionConfig(provider="chat/intercom", secrets=("another secret",)),
                },
            )
        }
    )


@asynccontextmanager
async def hub_at(home: Path, public_url: str) -> AsyncIterator[Hub]:
    settings = embedded_settings(home).model_copy(update={"public_url": public_url})
    async with running_hub(settings, tenants()) as hub:
        await until_ready(hub.url)
        yield hub


async def call(
    hub: Hub,
    signed_for: str,
    fields: Mapping[str, str] = CALL,
    headers: Mapping[str, str] | None = None,
    query: str = "",
    signed_query: str | None = None,
) -> httpx2.Response:
    """Send a webhook of Twilio's, whose signature is over another base, or query, than the one that it is sent to."""
    body = urlencode(fields)
    url = signed_for + HOOK + (query if signed_query is None else signed_query)
    signature = sign(SECRET, (url + signed_parameters(parse_qsl(body))).encode(), "sha1", "base64")
    given = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature, **(headers or {})}
    async with httpx2.AsyncClient(timeout=PATIENCE, trust_env=False) as client:
        return await client.post(hub.url + HOOK + query, content=body, headers=given)


FORGED_ORIGINS = [
    {},
    {"host": "evil.example"},
    {"x-forwarded-host": "evil.example", "x-forwarded-proto": "https"},
    {
        "host": "evil.example",
        "x-forwarded-host": "evil.example",
        "x-forwarded-proto": "https",
        "x-forwarded-port": "443",
    },
    {"forwarded": "host=evil.example;proto=https"},
    {"x-original-url": EVIL + HOOK, "x-rewrite-url": EVIL + HOOK},
]


async def test_a_signature_counts_for_the_public_url_alone(tmp_path: Path) -> None:
    async with hub_at(tmp_path, PUBLIC_URL) as hub:
        for headers in FORGED_ORIGINS:
            assert (await call(hub, PUBLIC_URL, headers=headers)).status_code == 200
            refused = await call(hub, EVIL, headers=headers)
            assert (refused.status_code, refused.json()["reason"]) == (401, "bad-signature")


async def test_a_failed_check_says_which_url_was_checked(tmp_path: Path) -> None:
    async with hub_at(tmp_path, "https://someone:hidden@hub.acme.example/calls") as hub:
        refused = await call(hub, EVIL, query="?token=t0p-secret&menu=2")
    detail = refused.json()["detail"]
    assert "https://hub.acme.example/calls/v1/hooks/acme-calls?token=…&menu=…" in detail
    assert "CX_PUBLIC_URL" in detail
    for secret in ("hidden", "someone", "t0p-secret", SECRET):
        assert secret not in detail


async def test_a_sip_address_in_a_query_may_be_unescaped(tmp_path: Path) -> None:
    query, signed_query = "?Caller=sip%3A10%40192.0.2.1", "?Caller=sip:10@192.0.2.1"
    async with hub_at(tmp_path, PUBLIC_URL) as hub:
        assert (await call(hub, PUBLIC_URL, query=query, signed_query=signed_query)).status_code == 200
        assert (await call(hub, PUBLIC_URL, query=query, signed_query=signed_query + "0")).status_code == 401


def test_a_url_is_shown_without_what_may_be_secret() -> None:
    assert shown_url("https://a:b@hub.example:8443/x?k=v&k=w#f") == "https://hub.example:8443/x?k=…&k=…"
    assert shown_url("/v1/hooks/x") == "/v1/hooks/x"


async def test_without_a_public_url_that_connection_alone_answers_503(tmp_path: Path) -> None:
    async with hub_at(tmp_path, "") as hub:
        for headers in FORGED_ORIGINS:
            answer = await call(hub, hub.url, headers=headers)
            assert (answer.status_code, answer.json()["reason"]) == (503, "no-public-url")
            assert "acme-calls" in answer.json()["detail"]
            assert int(answer.headers["retry-after"]) > 0
        async with httpx2.AsyncClient(base_url=hub.url, timeout=PATIENCE, trust_env=False) as client:
            other = await client.post("/v1/hooks/acme-inbox", json={})
            assert other.status_code == 401
            ready = await client.get("/readyz")
    named = ready.json()["notes"]
    assert list(named) == ["connection acme-calls"]
    assert named["connection acme-calls"].startswith("no-public-url")


async def test_with_a_public_url_readiness_has_nothing_to_name(tmp_path: Path) -> None:
    async with hub_at(tmp_path, PUBLIC_URL) as hub, httpx2.AsyncClient(timeout=PATIENCE, trust_env=False) as client:
        assert "notes" not in (await client.get(f"{hub.url}/readyz")).json()


@pytest.mark.parametrize(
    ("name", "direction", "people"),
    [
        ("k15-softphone.form", "outbound", {"customer": ["+15550100145"], "agent": ["ben"]}),
        ("k16-calltoken.form", "internal", {"agent": ["+15550100777"]}),
    ],
)
async def test_a_recorded_call_names_the_customer_by_its_numbers(
    tmp_path: Path, name: str, direction: str, people: dict[str, list[str]]
) -> None:
    path = CASES / name
    if not path.is_file():
        assert not os.environ.get("CI"), f"the case {path} is missing"
        pytest.skip("the cases are not here")
    async with hub_at(tmp_path, PUBLIC_URL) as hub:
        assert (await call(hub, PUBLIC_URL, dict(parse_qsl(path.read_text(encoding="utf-8").strip())))).is_success
        (event,) = await events_of(hub)
    assert event.data.direction == direction
    assert {one.role: [each.value for each in one.identifiers] for one in event.data.participants} == people


async def test_an_attested_call_at_the_webhook_is_asserted(tmp_path: Path) -> None:
    async with hub_at(tmp_path, PUBLIC_URL) as hub:
        assert (await call(hub, PUBLIC_URL, {**CALL, "StirVerstat": "TN-Validation-Passed-A"})).is_success
        (event,) = await events_of(hub)
    assert [each.weight for each in event.data.participants[0].identifiers] == ["asserted"]
    assert event.data.evidence == "StirVerstat=TN-Validation-Passed-A"


async def events_of(hub: Hub) -> list[Event]:
    """All that lies on the log."""
    reader = hub.log.reader()
    ends = await hub.log.end_offsets(INTERACTIONS)
    reader.assign({Partition(INTERACTIONS, number): 0 for number in ends})
    found: list[Event] = []
    while len(found) < sum(ends.values()):
        found += [decode(record.value) for record in await reader.read(1000, wait=0.05)]
    await reader.close()
    return [event for event in found if event.type.startswith("cx.interaction")]
