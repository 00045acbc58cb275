"""What a running hub's ``/metrics`` tell an operator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.patience import PATIENCE

from cx_hub.compose import Hub, running_hub
from cx_hub.demo.run import embedded_settings
from cx_runtime.tenants import load

pytestmark = pytest.mark.clock

EVENT = {
    "specversion": "1.0",
    "id": "m-1",
    "source": "//shop.example/chat",
    "type": "cx.message.received.v1",
    "data": {
        "channel": "chat",
        "interaction": "chat-1",
        "direction": "inbound",
        "participants": [{"role": "customer", "identifiers": [{"kind": "email", "value": "ana@example.com"}]}],
        "message": {"id": "m-1", "text": "I was charged twice"},
    },
}
STRUCTURED = {"content-type": "application/cloudevents+json"}

Labels = tuple[tuple[str, str], ...]


@asynccontextmanager
async def asked_hub(home: Path) -> AsyncIterator[tuple[Hub, httpx2.AsyncClient]]:
    """A hub on the embedded parts, ready, and a client with its key of all scopes."""
    tenants = load(None, home, {})
    async with running_hub(embedded_settings(home).model_copy(update={"metrics_port": 0}), tenants) as hub:
        headers = {"authorization": f"Bearer {(home / 'key').read_text()}"}
        async with httpx2.AsyncClient(base_url=hub.url, headers=headers, trust_env=False, timeout=PATIENCE) as client:
            while (await client.get("/readyz")).status_code != 200:
                await asyncio.sleep(0.05)
            yield hub, client


async def samples(hub: Hub) -> Mapping[tuple[str, Labels], float]:
    """Return all samples that ``/metrics`` has, by name and sorted labels."""
    async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
        text = (await client.get(f"http://127.0.0.1:{hub.metrics_port}/metrics")).text
    return {
        (each.name, tuple(sorted(each.labels.items()))): each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
    }


def labels(**found: str) -> Labels:
    return tuple(sorted(found.items()))


async def test_a_hub_counts_requests_by_route_and_connection(tmp_path: Path) -> None:
    async with asked_hub(tmp_path) as (hub, client):
        before = await samples(hub)
        assert before["cx_http_requests_total", labels(route="/v1/events", status="2xx")] == 0
        assert before["cx_ready", ()] == 1
        assert {each[1] for each in before if each[0] == "cx_part_up"} >= {labels(part="log"), labels(part="store")}
        assert (await client.post("/v1/events", json=EVENT, headers=STRUCTURED)).status_code == 202
        assert (await client.post("/v1/events", json={"id": "no event"}, headers=STRUCTURED)).status_code == 422
        calls = hub.tenants.by_name["acme"].connections["acme-calls"].provider
        assert (await client.post("/v1/hooks/acme-calls", data={"CallSid": "CA1"})).status_code >= 400
        assert (await client.get("/v1/customers/none/timeline")).status_code == 404
        assert (await client.get("/v1/no-such-route")).status_code == 404
        after = await samples(hub)
    outcome = {"provider": "client", "connection": ""}
    assert after["cx_intake_requests_total", labels(**outcome, outcome="accepted")] == 1
    assert after["cx_intake_requests_total", labels(**outcome, outcome="refused")] == 1
    known = {"provider": calls, "connection": "acme-calls"}
    assert (
        sum(after["cx_intake_requests_total", labels(**known, outcome=each)] for each in ("refused", "unavailable"))
        == 1
    )
    assert after["cx_http_requests_total", labels(route="/v1/events", status="2xx")] == 1
    assert after["cx_http_requests_total", labels(route="/v1/events", status="4xx")] == 1
    assert after["cx_http_requests_total", labels(route="/v1/customers/{id}/timeline", status="4xx")] == 1
    assert after["cx_http_requests_total", labels(route="other", status="4xx")] == 1
    assert after["cx_http_request_seconds_count", labels(route="/v1/events")] == 2


async def test_projectors_and_relay_report_their_lag(tmp_path: Path) -> None:
    async with asked_hub(tmp_path) as (hub, client):
        assert (await client.post("/v1/events", json=EVENT, headers=STRUCTURED)).status_code == 202
        found = await samples(hub)
        while not found.get(("cx_relay_notices_total", ())) or ("cx_relay_lag_seconds", ()) not in found:
            await asyncio.sleep(0.05)
            found = await samples(hub)
    assert found["cx_projector_events_total", labels(outcome="new")] >= 1
    assert found["cx_projector_batch_seconds_count", ()] >= 1
