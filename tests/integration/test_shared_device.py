"""A device that several people use, through the real hub: it joins nobody, and nobody is believed to be the other."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from tests.asking import PatientClient
from tests.integration.test_junk_at_the_doors import customer, happen
from tests.patience import PATIENCE

from cx_hub.compose import running_hub
from cx_hub.demo.run import embedded_settings, until_ready
from cx_runtime.tenants import KeyConfig, TenantConfig, Tenants

pytestmark = pytest.mark.clock

KEY = "a-key-of-all-scopes"
CASE = Path(__file__).parents[2].parent / "shared/cases/outside/k03-shared-device.json"


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    keys = (KeyConfig(id="all", secret=KEY, scopes=frozenset({"*"})),)
    tenants = Tenants({"acme": TenantConfig(id_key="a lasting key of acme", keys=keys)})
    async with running_hub(embedded_settings(tmp_path), tenants) as hub:
        await until_ready(hub.url)
        headers = {"authorization": f"Bearer {KEY}"}
        async with PatientClient(base_url=hub.url, trust_env=False, timeout=PATIENCE, headers=headers) as client:
            yield client


async def test_two_accounts_on_one_device_are_two_customers(http: httpx2.AsyncClient) -> None:
    if not CASE.exists() and not os.environ.get("CI"):
        pytest.skip(f"no {CASE}")
    await happen(http, json.loads(CASE.read_bytes()))
    bo = await customer(http, "account:acc-bo")
    ana = await customer(http, "account:acc-ana")
    assert ana["id"] != bo["id"]
    for whose, name in ((ana, "acc-ana"), (bo, "acc-bo")):
        assert [each["value"] for each in whose["identifiers"] if each["kind"] == "account"] == [name]
        assert [whose["assurance"]["verified"]["value"]] == [name]
