"""What one sender sent is opened by no event in which another sender names it, through the real hub."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.asking import PatientClient
from tests.integration.test_numbers_at_the_doors import context, message
from tests.patience import PATIENCE

from cx_hub.compose import running_hub
from cx_hub.demo.run import embedded_settings, until_ready
from cx_runtime.tenants import KeyConfig, TenantConfig, Tenants

pytestmark = pytest.mark.clock

SECRET = {"words": "only for Ana: " + "x" * 300_000}
"""Large enough to lie in the blob store."""


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    bot = KeyConfig(id="bot", secret="of a bot", scopes=frozenset({"events:write", "context:read"}))
    tenant = TenantConfig(id_key="a lasting key of acme", keys=(bot,))
    async with running_hub(embedded_settings(tmp_path), Tenants({"acme": tenant})) as hub:
        await until_ready(hub.url)
        headers = {"authorization": "Bearer of a bot"}
        async with PatientClient(base_url=hub.url, trust_env=False, timeout=PATIENCE, headers=headers) as client:
            yield client


async def send(http: httpx2.AsyncClient, event: dict[str, Any]) -> httpx2.Response:
    content_type = {"content-type": "application/cloudevents+json"}
    return await http.post("/v1/events", content=json.dumps(event), headers=content_type)


async def test_no_blob_is_opened_by_claiming_its_name(http: httpx2.AsyncClient) -> None:
    ana = message(1, "+4930555001")
    ana["data"]["raw"] = SECRET
    assert (await send(http, ana)).status_code == 202
    await context(http, "phone:+4930555001")
    name = {"source": ana["source"], "id": ana["id"]}
    event = (await http.get("/v1/event", params=name)).json()
    blob = event["event"]["data"]["raw"]["blob"]
    whole = await http.get(f"/v1/attachments/{event['original']['id']}")
    assert blob == f"sha256:{sha256(whole.content).hexdigest()}"
    assert whole.json() == SECRET

    for number, claim in enumerate(
        [
            {"message": {"id": "m", "text": "x", "attachments": [{"name": "a", "blob": blob}]}},
            {"message": {"id": "m", "text": "x", "attachments": [{"name": "a", "part": "1", "blob": blob}]}},
            {"raw": {"blob": blob}},
            {"raw": {"blob": blob, "left_out": ["text"]}, "channel": "email"},
        ]
    ):
        bo = message(2 + number, "+4930555002")
        bo["data"].update(claim)
        refused = await send(http, bo)
        assert refused.status_code == 422
        assert "reserved-blob" in refused.json()["detail"]

    bo = message(9, "+4930555002")
    bo["data"]["message"]["attachments"] = [{"name": "a", "sha256": blob[7:]}, {"name": "b", "part": "1"}]
    assert (await send(http, bo)).status_code == 202
    (entry,) = (await context(http, "phone:+4930555002"))["timeline"]
    for told in entry["attachments"]:
        assert (await http.get(f"/v1/attachments/{told['id']}")).status_code == 404


@pytest.mark.parametrize("pieces", ["dialog", "analysis", "attachments"])
async def test_a_vcon_that_claims_a_stored_blob_is_refused(http: httpx2.AsyncClient, pieces: str) -> None:
    vcon = {
        "vcon": "0.4.0", "uuid": "018f0000-0000-8000-9000-000000000001", "created_at": "2020-11-27T10:00:00Z",
        "parties": [{"tel": "+4930555003"}], "dialog": [], "analysis": [], "attachments": [],
        pieces: [{"blob": f"sha256:{'0' * 64}"}],
    }  # fmt: skip
    refused = await http.post("/v1/vcons", content=json.dumps(vcon), headers={"content-type": "application/vcon"})
    assert (refused.status_code, refused.json()["reason"]) == (422, "reserved-blob")
