"""Test what a running hub's ``/metrics`` tell an operator."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from tests.scraping import EVENT, STRUCTURED, asked_hub, labels, samples

from cx_runtime.directory_config import QueueConfig
from cx_runtime.metric_catalogue import METRICS
from cx_runtime.metrics import Metrics
from cx_runtime.subscription_config import SubscriptionConfig

pytestmark = pytest.mark.clock


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
        assert (await client.get("/v1/ops/lag")).status_code == 200
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
    assert after["cx_http_requests_total", labels(route="/v1/hooks/{connection}", status="4xx")] == 1
    assert after["cx_http_requests_total", labels(route="/v1/ops/lag", status="2xx")] == 1
    assert after["cx_http_requests_total", labels(route="other", status="4xx")] == 1
    assert after["cx_http_request_seconds_count", labels(route="/v1/events")] >= 2


async def test_projectors_and_relay_report_their_lag(tmp_path: Path) -> None:
    async with asked_hub(tmp_path) as (hub, client):
        assert (await client.post("/v1/events", json=EVENT, headers=STRUCTURED)).status_code == 202
        found = await samples(hub)
        while not found.get(("cx_relay_notices_total", ())) or ("cx_relay_lag_seconds", ()) not in found:
            await asyncio.sleep(0.05)
            found = await samples(hub)
    assert found["cx_projector_events_total", labels(outcome="new")] >= 1
    assert found["cx_projector_batch_seconds_count", ()] >= 1


TO_NOBODY = SubscriptionConfig(url="http://127.0.0.1:9/hook", secrets=("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",))


WHERE_CONFIGURED = {"cx_keys_fetched_total", "cx_media_files_total", "cx_poller_failures_total"}
"""Counters of what this hub's connections don't do: fetch a vendor's keys or files, and poll."""


def test_counters_of_pollers_keys_and_files_begin_at_zero() -> None:
    metrics = Metrics()
    metrics.begin_keys("email/amazon-ses")
    metrics.begin_poller("acme-mailbox")
    metrics.begin_media("acme-whatsapp")
    for name in WHERE_CONFIGURED:
        assert re.search(rf"(?m)^{name}{{.+}} 0(\.0)?$", metrics.render()[0].decode()), name


async def test_each_counter_is_there_before_its_first_use(tmp_path: Path) -> None:
    """What rises from nothing to one is no rise to Prometheus: the first event of an outage would be unseen."""
    queues = {"billing": QueueConfig(answer_within=120)}
    async with asked_hub(tmp_path, subscriptions={"to-nobody": TO_NOBODY}, queues=queues) as (hub, _):
        found = await samples(hub)
    counters = {name for name, spec in METRICS.items() if spec.kind == "counter"}
    assert counters - {name for name, _ in found} == WHERE_CONFIGURED
    routes = {dict(its)["route"] for name, its in found if name == "cx_http_requests_total"}
    assert {"/v1/events", "/v1/context", "/v1/customers/{id}/timeline", "/v1/ops/lag", "/healthz"} <= routes
    kinds = {dict(its)["kind"] for name, its in found if name == "cx_intake_ignored_total"}
    assert "pay" in kinds
    failures = {dict(its)["reason"] for name, its in found if name == "cx_subscription_failures_total"}
    assert {"no-connection", "status-500"} <= failures
