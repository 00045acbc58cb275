"""The catalogue of metrics and what a process reports are the same; counters begin at zero, absent reporters tell
nothing."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cx_runtime.health import ComponentHealth, Report
from cx_runtime.metric_catalogue import METRICS
from cx_runtime.metrics import OUTCOMES, Metrics

READY = Report(True, {"log": ComponentHealth(True), "worker-1": ComponentHealth(True, age=0.1)})


def exposed(metrics: Metrics, report: Report | None = None) -> dict[str, object]:
    """Return the families that are told, by the name that the catalogue has for them."""
    text = metrics.render(report)[0].decode()
    families = {each.name: each for each in text_string_to_metric_families(text) if not each.name.endswith("_created")}
    return {f"{name}_total" if each.type == "counter" else name: each for name, each in families.items()}


def test_each_exposed_metric_stands_in_the_catalogue() -> None:
    found = exposed(Metrics(), READY)
    assert set(found) == set(METRICS) - {"cx_progress_age_seconds"}
    assert {name: each.type for name, each in found.items()} == {name: METRICS[name].kind for name in found}
    assert {name: each.documentation for name, each in found.items() if name.startswith("cx_")} == {
        name: METRICS[name].meaning for name in found if name.startswith("cx_")
    }


def test_a_connection_counts_from_zero() -> None:
    metrics = Metrics()
    metrics.begin_connection("voice/twilio", "acme-calls")
    metrics.request("voice/twilio", "acme-calls", "refused")
    samples = {
        each.labels["outcome"]: each.value
        for each in exposed(metrics)["cx_intake_requests_total"].samples
        if each.name.endswith("_total")
    }
    assert samples == {outcome: float(outcome == "refused") for outcome in OUTCOMES}


def test_a_measured_gauge_is_absent_without_its_reporter() -> None:
    measured = {name for name, spec in METRICS.items() if spec.measured and name != "cx_progress_age_seconds"}
    found = exposed(Metrics())
    assert measured and all(not found[name].samples for name in measured)


@pytest.mark.parametrize("up", [True, False])
def test_parts_are_told_as_readiness_found_them(up: bool) -> None:
    report = Report(up, {"store": ComponentHealth(up), "relay": ComponentHealth(up, age=1.0)})
    text = Metrics().render(report)[0].decode()
    assert f"cx_ready {float(up)}" in text
    assert f'cx_part_up{{part="store"}} {float(up)}' in text
    assert 'part="relay"' not in text
