"""Telephone numbers through the real hub: one line is one customer, and is found in whatever spelling one asks."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.asking import PatientClient
from tests.patience import PATIENCE

from cx_hub.compose import running_hub
from cx_hub.customer_names.readings import read_customer_name
from cx_hub.demo.run import embedded_settings, until_ready
from cx_runtime.tenants import ConnectionConfig, KeyConfig, TenantConfig, Tenants

pytestmark = pytest.mark.clock

KEY = "a-key-of-all-scopes"
CASES = Path(__file__).parents[2].parent / "shared" / "cases" / "outside"
REGIONS = ("DE", "MX", "US")


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    tenant = TenantConfig(
        id_key="a lasting key of acme",
        keys=(KeyConfig(id="all", secret=KEY, scopes=frozenset({"*"})),),
        connections={
            f"calls-{region.lower()}": ConnectionConfig(provider="voice/twilio", region=region) for region in REGIONS
        },
    )
    settings = embedded_settings(tmp_path).model_copy(update={"public_url": "https://hub.acme.example"})
    async with running_hub(settings, Tenants({"acme": tenant})) as hub:
        await until_ready(hub.url)
        headers = {"authorization": f"Bearer {KEY}"}
        async with PatientClient(base_url=hub.url, trust_env=False, timeout=PATIENCE, headers=headers) as client:
            yield client


async def happen(http: httpx2.AsyncClient, events: list[dict[str, Any]]) -> None:
    content_type = {"content-type": "application/cloudevents-batch+json"}
    answer = await http.post("/v1/events", content=json.dumps(events), headers=content_type)
    assert (answer.status_code, answer.json()["rejected"]) == (202, []), answer.text


def recorded(name: str) -> list[dict[str, Any]]:
    path = CASES / name
    if not path.is_file():
        assert not os.environ.get("CI"), f"the case {path} is missing"
        pytest.skip("the cases are not here")
    events: list[dict[str, Any]] = json.loads(path.read_bytes())
    return events


def message(number: int, phone: str) -> dict[str, Any]:
    who = {"role": "customer", "identifiers": [{"kind": "phone", "value": phone}]}
    return {
        "specversion": "1.0", "id": f"m-{number}", "source": "//acme.example/chat", "type": "cx.message.received.v1",
        "time": "2020-11-27T10:00:00Z",
        "data": {
            "channel": "chat", "interaction": f"chat-{number}", "direction": "inbound", "participants": [who],
            "message": {"id": f"m-{number}", "text": "hello", "content_type": "text/plain"},
        },
    }  # fmt: skip


async def context(http: httpx2.AsyncClient, query: str, messages: int = 1) -> dict[str, Any]:
    """Return the body of the context that a raw query finds, as soon as it has so many messages."""
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = await http.get(f"/v1/context?identifier={query}")
            if answer.status_code == 200 and answer.json()["body"]["counts"]["messages"] >= messages:
                body: dict[str, Any] = answer.json()["body"]
                return body
            assert answer.status_code in (200, 404, 503), answer.text
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    "spellings",
    [
        (
            "phone:+525512345678", "phone:%2B5215512345678", "phone:whatsapp:+5215512345678",
            "phone:01%2055%201234%205678",
        ),
        ("phone:+5511987654321", "phone:+551187654321", "phone:+55+(11)+8765-4321", "tel:+55-11-98765-4321"),
        (
            "phone:+541123456789", "phone:+5491123456789", "phone:+54%2011%2015%202345%206789",
            "tel:+54-9-11-2345-6789",
        ),
    ],
)  # fmt: skip
async def test_every_spelling_of_a_number_finds_the_same_customer(
    http: httpx2.AsyncClient, spellings: tuple[str, ...]
) -> None:
    await happen(http, recorded("k06-same-line.json"))
    found = [await context(http, each, messages=2) for each in spellings]
    assert len({json.dumps(each) for each in found}) == 1
    assert found[0]["counts"]["messages"] == 2


@pytest.mark.parametrize(
    "query",
    [
        "phone:030%20555%200123",
        "phone:(030)%20555-0123",
        "phone:%28030%29+555+0123",
        "phone:030.555.0123",
        "phone:030+555+0123",
        "phone:+49+(0)30+5550123",
        "phone:%2B49%20(0)30%20555-0123",
        "phone:tel:+49-30-555-0123",
        "tel:+49-30-555-0123",
        "tel:030-5550123",
        "phone:0049%2030%205550123",
        "phone:011%2049%2030%205550123",
    ],
)
async def test_a_query_may_spell_a_number_nationally(http: httpx2.AsyncClient, query: str) -> None:
    await happen(http, [message(1, "+49305550123")])
    found = (await context(http, query))["customer"]["identifiers"]
    assert [each["value"] for each in found] == ["+49305550123"]


async def test_extensions_of_one_number_are_customers_of_their_own(http: httpx2.AsyncClient) -> None:
    events = recorded("k08-extensions.json")
    await happen(http, [*events, message(9, "+1 555 010 0112")])
    five = await context(http, "phone:+1%20555%20010%200112%20ext.%205")
    seven = await context(http, "phone:+15550100112;ext=7")
    main = await context(http, "phone:(555)%20010-0112")
    assert [each["counts"]["messages"] for each in (five, seven, main)] == [1, 1, 1]
    assert [each["customer"]["identifiers"][0]["value"] for each in (five, seven, main)] == [
        "+15550100112;ext=5", "+15550100112;ext=7", "+15550100112",
    ]  # fmt: skip


async def test_an_extension_alone_finds_nobody(http: httpx2.AsyncClient) -> None:
    for query in ("phone:1001", "phone:sip:10010@pbx.example", "tel:7042;phone-context=pbx.example"):
        answer = await http.get(f"/v1/context?identifier={query}")
        assert (answer.status_code, answer.json()["reason"]) == (422, "unusable-identifier")


def test_the_command_line_accepts_tel_links_as_numbers() -> None:
    def first(text: str) -> str:
        return read_customer_name(text)[0].value

    assert first("tel:+49-30-5550123") == "tel:+49-30-5550123"
    assert first("mailto:ana@example.com") == "mailto:ana@example.com"
    assert first("(030) 555-0123") == "phone:(030) 555-0123"
    assert first("crm:C-1") == "crm:C-1"
