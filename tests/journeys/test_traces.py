"""One trace from the request to the log, linked to the batch that makes the context; nobody's trace is believed who has
no key."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from tests.collector import Collector, KeptSpan, collecting
from tests.patience import PATIENCE
from tests.processes import Running, running
from tests.scraping import EVENT, STRUCTURED

from cx_runtime.open_tracing import open_tracing
from cx_runtime.tracing import OFF

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"
QUERY = {"identifier": "email:ana@example.com", "at_least": "//shop.example/chat#m-1", "wait": "30s"}


def found(collector: Collector, is_wanted: Callable[[KeptSpan], bool]) -> KeptSpan:
    """Return the first span of this kind; it is sent some seconds after its end."""
    until = time.monotonic() + PATIENCE
    while True:
        for each in collector.spans():
            if is_wanted(each):
                return each
        assert time.monotonic() < until, sorted({each.name for each in collector.spans()})
        time.sleep(0.1)


def asking(hub: Running, home: Path, **headers: str) -> httpx2.Client:
    key = {"authorization": f"Bearer {(home / 'key').read_text().strip()}"}
    return httpx2.Client(base_url=hub.url, headers={**key, **headers}, trust_env=False, timeout=PATIENCE)


def traced(home: Path, collector: Collector) -> dict[str, str]:
    return {
        "CX_HOME": str(home),
        "CX_TRACES": "otlp",
        "CX_PUBLIC_URL": "https://hub.acme.example",
        "CX_LOG_FORMAT": "json",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "200",
    }


def follow_one_event(collector: Collector, client: httpx2.Client) -> None:
    """Send an event in a client's trace, read the context, and find the whole way in what was exported."""
    sent = client.post("/v1/events", json=EVENT, headers={**STRUCTURED, "traceparent": TRACEPARENT})
    assert sent.status_code == 202
    while client.get("/v1/context", params=QUERY).status_code != 200:
        time.sleep(0.05)
    request = found(collector, lambda each: each.name == "POST /v1/events")
    assert (request.trace, request.parent) == (TRACE, "b7ad6b7169203331")
    append = found(collector, lambda each: each.name == "send cx.interactions" and each.trace == TRACE)
    assert append.parent == request.id
    batch = found(collector, lambda each: each.name == "process cx.interactions" and TRACE in each.links)
    assert batch.trace != TRACE
    assert not batch.parent
    transaction = found(collector, lambda each: each.name == "transaction" and each.parent == batch.id)
    found(collector, lambda each: each.name == "fold and write" and each.parent == transaction.id)
    found(collector, lambda each: each.name == "send cx.context-changes")
    ok = ("http.response.status_code", "200")
    found(collector, lambda each: each.name == "GET /v1/context" and ok in each.attributes.items())
    page = client.get("/v1/ops/events", params={"source": EVENT["source"], "id": EVENT["id"]}).json()
    assert page["trace_id"] == TRACE
    assert TRACE not in page["raw"]


def test_an_event_is_followed_from_request_to_context(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with collecting() as collector, running("up", traced(home, collector), tmp_path / "said") as hub:
        with asking(hub, home) as client:
            follow_one_event(collector, client)
        hub.stop()
        assert {each.service for each in collector.spans()} == {"throughline"}


@pytest.mark.kafka
@pytest.mark.postgres
def test_a_trace_passes_kafka_between_processes(
    tmp_path: Path, kafka_url: str, topic_prefix: str, postgres_database: str
) -> None:
    home = tmp_path / "home"
    with collecting() as collector:
        shared = {
            **traced(home, collector),
            "CX_LOG_URL": kafka_url,
            "CX_STORE_URL": postgres_database,
            "CX_BLOB_URL": postgres_database,
            "CX_TOPIC_PREFIX": topic_prefix,
            "CX_PARTITIONS": "2",
        }
        with (
            running("run projectors", shared, tmp_path / "projectors"),
            running("up", shared, tmp_path / "hub") as hub,
            asking(hub, home) as client,
        ):
            follow_one_event(collector, client)


def test_a_strangers_trace_is_not_continued(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with collecting() as collector, running("up", traced(home, collector), tmp_path / "said") as hub:
        with httpx2.Client(base_url=hub.url, trust_env=False, timeout=PATIENCE) as stranger:
            for headers in ({}, {"authorization": "Bearer no key of anybody"}):
                given = {**headers, "traceparent": TRACEPARENT}
                stranger.post("/v1/hooks/acme-calls", data={"CallSid": "CA1"}, headers=given)
                stranger.post("/v1/events", json=EVENT, headers={**STRUCTURED, **given})
        hook = found(collector, lambda each: each.name == "POST /v1/hooks/{connection}")
        found(collector, lambda each: each.name == "verify" and each.parent == hook.id)
        found(collector, lambda each: each.name == "POST /v1/events")
        hub.stop()
        assert TRACE not in {each.trace for each in collector.spans()}


def test_a_line_of_the_log_tells_its_trace(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with collecting() as collector, running("up", traced(home, collector), tmp_path / "said") as hub:
        with httpx2.Client(base_url=hub.url, trust_env=False, timeout=PATIENCE) as stranger:
            stranger.post("/v1/hooks/acme-calls", data={"CallSid": "CA1"})
        hook = found(collector, lambda each: each.name == "POST /v1/hooks/{connection}")
        lines = [json.loads(line) for line in hub.stop().splitlines() if line.startswith("{")]
    refused = next(line for line in lines if line["event"] == "a signature did not pass")
    assert refused["trace_id"] == hook.trace


def test_a_collector_that_is_away_costs_nobody_an_answer(tmp_path: Path) -> None:
    home = tmp_path / "home"
    settings = {**traced(home, Collector()), "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    with running("up", settings, tmp_path / "said") as hub:
        with asking(hub, home) as client:
            assert client.post("/v1/events", json=EVENT, headers=STRUCTURED).status_code == 202
        said = hub.stop()
    assert said.count("127.0.0.1") < 20


# The others wait for an exporter whose timed waits do not end under a clock that is turned: not on another day.
@pytest.mark.clock
def test_traces_are_off_unless_asked_for() -> None:
    assert open_tracing("off", "hub") is OFF
    with OFF.span("work", provider="p") as span:
        span.describe(failed="whatever")
        assert OFF.traceparent() == ""
        assert OFF.ids() == {}
