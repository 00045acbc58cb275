"""Identifiers with characters that nobody sees, and addresses of an own network, through the real hub."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from tests.asking import PatientClient
from tests.integration.test_junk_at_the_doors import customer, happen, message
from tests.patience import PATIENCE

from cx_hub.compose import running_hub
from cx_hub.demo.run import embedded_settings, until_ready
from cx_runtime.tenants import KeyConfig, MailConfig, TenantConfig, Tenants

pytestmark = pytest.mark.clock

KEY = "a-key-of-all-scopes"
CASE = Path(__file__).parents[2].parent / "shared/cases/outside/k07-invisible.json"


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    tenant = TenantConfig(
        id_key="a lasting key of acme",
        keys=(KeyConfig(id="all", secret=KEY, scopes=frozenset({"*"})),),
        mail=MailConfig(local_domains=("local", "mailhost")),
    )
    async with running_hub(embedded_settings(tmp_path), Tenants({"acme": tenant})) as hub:
        await until_ready(hub.url)
        headers = {"authorization": f"Bearer {KEY}"}
        async with PatientClient(base_url=hub.url, trust_env=False, timeout=PATIENCE, headers=headers) as client:
            yield client


async def messages_of(http: httpx2.AsyncClient, identifier: str, last: str) -> int:
    """How many messages a customer has in the context by an identifier, once the event ``last`` is in it."""
    query = {"identifier": identifier, "at_least": last, "wait": "30s"}
    answer = await http.get("/v1/context", params=query)
    assert answer.status_code == 200, answer.text
    count: int = answer.json()["body"]["counts"]["messages"]
    return count


async def test_a_number_with_invisible_characters_is_the_same_identifier(http: httpx2.AsyncClient) -> None:
    if not CASE.exists() and not os.environ.get("CI"):
        pytest.skip("the cases are not on this machine")
    events = json.loads(CASE.read_text(encoding="utf-8"))
    await happen(http, events)
    last = f"{events[-1]['source']}#{events[-1]['id']}"
    assert await messages_of(http, "phone:+15550100133", last) == 3
    assert await messages_of(http, "phone:\u202a+1\u00a0555\u2009010\u200b0133\u202c", last) == 3


async def test_a_colleague_on_the_own_network_is_a_customer(http: httpx2.AsyncClient) -> None:
    await happen(http, [message(1, ("email", "Ana@corp.local")), message(2, ("email", "bo@mailhost"))])
    ana, bo = await customer(http, "email:ana@corp.local"), await customer(http, "email:bo@MAILHOST")
    assert ana["id"] != bo["id"]
    assert [each["value"] for each in ana["identifiers"]] == ["ana@corp.local"]
    other = await http.get("/v1/context", params={"identifier": "email:ana@other"})
    assert other.status_code == 422
    assert "local" in other.json()["detail"]
