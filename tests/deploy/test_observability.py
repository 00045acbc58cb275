"""Prometheus rules, alerts and the Grafana dashboard: checked by promtool, and against the metrics of a running hub.

That alerts fire when they should is tried by the commands of deploy/observability/README.md (tests/guides).
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.aws_server import stream_serving
from tests.deploy.promql import grouping_labels, result_labels, selectors
from tests.scraping import EVENT, STRUCTURED, asked_hub, samples

from cx_hub.compose import SERVICES
from cx_runtime.directory_config import QueueConfig
from cx_runtime.metric_catalogue import METRICS
from cx_runtime.subscription_config import SubscriptionConfig
from cx_runtime.tenants import ConnectionConfig, load

pytestmark = pytest.mark.clock

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "observability" / "prometheus"
GRAFANA = ROOT / "deploy" / "observability" / "grafana"
DASHBOARD = json.loads((GRAFANA / "dashboards" / "throughline.json").read_text(encoding="utf-8"))
SCRAPED = {"job", "instance"}
"""Labels that Prometheus adds."""
OWN = {"up": set[str](), "ALERTS": {"alertname", "alertstate"}}
"""Metrics that Prometheus makes."""


def rules_of(file: str) -> list[dict[str, Any]]:
    groups = yaml.safe_load((PROMETHEUS / "rules" / file).read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


RECORDED = {rule["record"]: rule["expr"] for rule in rules_of("recording.yml")}
ALERTS = {rule["alert"]: rule for rule in rules_of("alerts.yml")}
PANELS = {each["title"]: each for each in DASHBOARD["panels"] if each["type"] != "row"}


def expressions() -> Iterator[tuple[str, str]]:
    """Yield every expression with its place."""
    yield from RECORDED.items()
    yield from ((name, rule["expr"]) for name, rule in ALERTS.items())
    for title, panel in PANELS.items():
        yield from ((title, target["expr"]) for target in panel["targets"])
    yield from ((each["name"], each["expr"]) for each in DASHBOARD["annotations"]["list"])


EXPRESSIONS = dict(enumerate(expressions()))


LATER = {
    *("cx_projector_lag_events", "cx_relay_lag_seconds", "cx_relay_waiting"),
    *("cx_poller_connected", "cx_poller_lag_seconds", "cx_keys_missing", "cx_waits_over_bound"),
    *("cx_media_files_total", "cx_media_waiting"),
    *("cx_subscription_failures_total", "cx_subscription_oldest_seconds", "cx_subscription_waiting_keys"),
}
"""Told once somebody has measured them, or something has happened."""


@cache
def exposed(home: Path) -> Mapping[str, Mapping[str, frozenset[str]]]:
    """Return the values of each label of each metric that a hub tells, once it took an event and a context was read."""

    secret = f"whsec_{base64.b64encode(bytes(24)).decode()}"
    nobody = SubscriptionConfig(url="https://127.0.0.1/nobody", secrets=(secret,), since="beginning")

    mailbox = ConnectionConfig(
        provider="email/imap", secrets=(secret,), settings={"host": "127.0.0.1", "port": 9, "user": "nobody"}
    )

    pictures = ConnectionConfig(
        provider="social/whatsapp", secrets=(secret,), settings={"media": True, "media_token": secret}
    )

    async def asked() -> Mapping[str, Mapping[str, frozenset[str]]]:
        (tenant,) = load(None, home, {}).by_name.values()
        more = {"subscriptions": {"crm": nobody}, "queues": {"billing": QueueConfig(answer_within=120)}}
        async with stream_serving() as stream, AsyncExitStack() as opened:
            contacts = ConnectionConfig(provider=stream.provider.name, settings=stream.settings)
            connections = {**tenant.connections, "mailbox": mailbox, "contacts": contacts, "pictures": pictures}
            hub, client = await opened.enter_async_context(asked_hub(home, connections=connections, **more))
            assert (await client.post("/v1/events", json=EVENT, headers=STRUCTURED)).status_code == 202
            query = {"identifier": "email:ana@example.com", "at_least": "//shop.example/chat#m-1", "wait": "30s"}
            while (await client.get("/v1/context", params=query)).status_code != 200:
                await asyncio.sleep(0.05)
            found = await samples(hub)
            while not {name for name, _ in found} >= LATER:
                await asyncio.sleep(0.05)
                found = await samples(hub)
        told: dict[str, dict[str, frozenset[str]]] = {}
        for name, labels in found:
            values = told.setdefault(name, {})
            for label, value in labels:
                values[label] = values.get(label, frozenset()) | {value}
        return told

    return asyncio.run(asked())


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, frozenset[str]]]:
    return exposed(tmp_path_factory.mktemp("hub"))


def labels_of(metric: str, told: Mapping[str, Mapping[str, frozenset[str]]]) -> set[str]:
    """Return the labels of a metric that a hub tells, or that a rule records."""
    if metric in RECORDED:
        return result_labels(RECORDED[metric])
    if metric in OWN:
        return OWN[metric] | SCRAPED
    assert metric in told, f"no hub tells {metric}"
    return set(told[metric]) | SCRAPED


@pytest.mark.parametrize("number", EXPRESSIONS)
def test_rules_and_panels_name_existing_metrics(number: int, told: Mapping[str, Mapping[str, frozenset[str]]]) -> None:
    place, expression = EXPRESSIONS[number]
    named = selectors(expression)
    assert named, place
    for metric, matchers in named:
        known = labels_of(metric, told)
        for label, values, excludes in matchers:
            assert label in known, f"{place}: {metric} has no label {label}"
            if metric in told and label not in SCRAPED and not (excludes and values == ("",)):
                assert set(values) <= told[metric][label], f"{place}: {metric} never has {label} {values}"
    every = set[str]().union(*(labels_of(metric, told) for metric, _ in named))
    assert grouping_labels(expression) <= every, place


@pytest.mark.parametrize("title", PANELS)
def test_panels_explain_themselves_and_name_existing_labels(
    title: str, told: Mapping[str, Mapping[str, frozenset[str]]]
) -> None:
    panel = PANELS[title]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    for target in panel["targets"]:
        named = selectors(target["expr"])
        known = set[str]().union(*(labels_of(metric, told) for metric, _ in named))
        assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= known


def test_panels_do_not_overlap() -> None:
    cells = [
        (x, y)
        for each in DASHBOARD["panels"]
        for x in range(each["gridPos"]["x"], each["gridPos"]["x"] + each["gridPos"]["w"])
        for y in range(each["gridPos"]["y"], each["gridPos"]["y"] + each["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    ids = [each["id"] for each in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))


def test_every_metric_is_watched_or_explained_elsewhere() -> None:
    """Nothing but these is left to whoever looks closer."""
    named = {metric for _, expression in EXPRESSIONS.values() for metric, _ in selectors(expression)}
    watched = {re.sub("_(bucket|sum|count)$", "", metric) for metric in named}
    assert set(METRICS) - watched == {
        "cx_intake_ignored_total",
        "cx_keys_fetched_total",  # docs/operators.md, "Keys of vendors"; /readyz names the connection
        "cx_contexts_shown_total",
        "cx_sessions_total",
        "cx_unavailable_total",
        "process_virtual_memory_bytes",
        "process_start_time_seconds",
    }


def test_each_alert_has_its_entry_in_the_guide() -> None:
    guide = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    section = guide.partition("\n## Alerts\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \| (.+) \|$", section, re.MULTILINE)
    assert [row[0] for row in rows] == list(ALERTS)
    assert {rule["labels"]["severity"] for rule in ALERTS.values()} == {"critical", "warning"}


def test_each_alert_has_a_test_of_its_own() -> None:
    tests = yaml.safe_load((PROMETHEUS / "tests.yml").read_text(encoding="utf-8"))["tests"]
    tried = [each for test in tests for each in test.get("alert_rule_test", ())]
    fires = {each["alertname"] for each in tried if each.get("exp_alerts")}
    is_quiet = {each["alertname"] for each in tried if not each.get("exp_alerts")}
    assert fires == is_quiet == set(ALERTS)


def promtool(*arguments: str) -> str:
    """Run Debian's promtool. Where there is none the test is skipped, but never under ``CI``."""
    program = shutil.which("promtool")
    if program is None:
        if os.environ.get("CI"):
            raise FileNotFoundError("no promtool here; .ci/run says how to get it")
        pytest.skip("no promtool here; .ci/run says how to get it")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, cwd=PROMETHEUS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_accepts_the_configuration_and_its_rules() -> None:
    said = promtool("check", "config", "--lint=all", "--lint-fatal", "prometheus.yml")
    assert said.count("SUCCESS") == 4


def test_prometheus_scrapes_every_service_of_compose() -> None:
    (job,) = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    assert {name for each in job["dns_sd_configs"] for name in each["names"]} == SERVICES


def test_a_dashboard_can_be_provisioned() -> None:
    (provider,) = yaml.safe_load((GRAFANA / "provisioning/dashboards/throughline.yml").read_text())["providers"]
    assert provider["type"] == "file"
    (source,) = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())["datasources"]
    assert source["type"] == "prometheus"
    assert {each["name"] for each in DASHBOARD["templating"]["list"]} == {"datasource", "instance"}
    assert DASHBOARD["uid"] == "throughline"
