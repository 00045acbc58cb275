"""Junk among customers' identifiers, through the real hub: it joins nobody, and nobody is found by it."""

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
from cx_hub.demo.run import embedded_settings, until_ready
from cx_runtime.tenants import IdentityConfig, KeyConfig, TenantConfig, Tenants

pytestmark = pytest.mark.clock

KEY = "a-key-of-all-scopes"
CASE = Path(__file__).parents[2].parent / "shared/cases/outside/k02-junk.json"


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    tenant = TenantConfig(
        id_key="a lasting key of acme",
        keys=(KeyConfig(id="all", secret=KEY, scopes=frozenset({"*"})),),
        identity=IdentityConfig(junk=("account:demo*",)),
    )
    async with running_hub(embedded_settings(tmp_path), Tenants({"acme": tenant})) as hub:
        await until_ready(hub.url)
        headers = {"authorization": f"Bearer {KEY}"}
        async with PatientClient(base_url=hub.url, trust_env=False, timeout=PATIENCE, headers=headers) as client:
            yield client


async def happen(http: httpx2.AsyncClient, events: list[dict[str, Any]]) -> None:
    answer = await http.post(
        "/v1/events", content=json.dumps(events), headers={"content-type": "application/cloudevents-batch+json"}
    )
    assert answer.status_code == 202, answer.text
    assert answer.json()["rejected"] == []


async def customer(http: httpx2.AsyncClient, identifier: str) -> dict[str, Any]:
    """The customer in the context by an identifier, as soon as it is known."""
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = await http.get("/v1/context", params={"identifier": identifier})
            if answer.status_code == 200:
                found: dict[str, Any] = answer.json()["body"]["customer"]
                return found
            assert answer.status_code in (404, 503), answer.text
            await asyncio.sleep(0.02)


def message(number: int, *identifiers: tuple[str, str]) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": f"m-{number}", "source": "//acme.example/chat", "type": "cx.message.received.v1",
        "time": "2020-11-27T10:00:00Z",
        "data": {
            "channel": "chat", "interaction": f"chat-{number}", "direction": "inbound",
            "participants": [
                {"role": "customer", "identifiers": [{"kind": kind, "value": value} for kind, value in identifiers]}
            ],
            "message": {"id": f"m-{number}", "text": "hello", "content_type": "text/plain"},
        },
    }  # fmt: skip


async def test_six_people_who_came_with_junk_are_six_customers(http: httpx2.AsyncClient) -> None:
    if not CASE.exists() and not os.environ.get("CI"):
        pytest.skip(f"no {CASE}")
    await happen(http, json.loads(CASE.read_bytes()))
    found = [await customer(http, f"email:{name}@example.com") for name in ("ana", "bo", "cy", "di", "ed", "fi")]
    found.append(await customer(http, "phone:+15550100177"))
    assert len({each["id"] for each in found}) == 7
    assert [len(each["identifiers"]) for each in found] == [1] * 7
    for identifier in ("account:undefined", "crm:null", "cookie:undefined"):
        answer = await http.get("/v1/context", params={"identifier": identifier})
        assert (answer.status_code, answer.json()["reason"]) == (422, "unusable-identifier")


async def test_a_tenants_own_junk_joins_nobody_and_finds_nobody(http: httpx2.AsyncClient) -> None:
    await happen(
        http,
        [
            message(1, ("email", "ana@example.com"), ("account", "demo-1")),
            message(2, ("email", "bo@example.com"), ("account", "DEMO-1")),
        ],
    )
    ana, bo = await customer(http, "email:ana@example.com"), await customer(http, "email:bo@example.com")
    assert ana["id"] != bo["id"]
    for given in ({"identifier": "account:demo-1"}, {"identifier": {"kind": "account", "value": "'Demo-1'"}}):
        answer = await http.post("/v1/context/lookup", json=given)
        assert (answer.status_code, answer.json()["reason"]) == (422, "unusable-identifier")
        assert "junk" in answer.json()["detail"]


async def test_a_platforms_id_resembling_junk_still_finds_its_customer(http: httpx2.AsyncClient) -> None:
    event = message(1)
    event["data"]["participants"][0]["identifiers"] = [{"kind": "telegram", "value": "111", "weight": "proved"}]
    await happen(http, [event])
    assert [each["value"] for each in (await customer(http, "telegram:111"))["identifiers"]] == ["111"]


async def test_a_lost_id_of_a_platform_joins_nobody(http: httpx2.AsyncClient) -> None:
    lost = {"kind": "facebook-psid", "value": "undefined", "weight": "proved", "scope": "p-1"}
    events = [message(number, ("email", f"{name}@example.com")) for number, name in ((1, "ana"), (2, "bo"))]
    for event in events:
        event["data"]["participants"][0]["identifiers"].append(dict(lost))
    await happen(http, events)
    ana, bo = await customer(http, "email:ana@example.com"), await customer(http, "email:bo@example.com")
    assert ana["id"] != bo["id"]
    answer = await http.get("/v1/context", params={"identifier": "facebook-psid:undefined"})
    assert (answer.status_code, answer.json()["reason"]) == (422, "unusable-identifier")
