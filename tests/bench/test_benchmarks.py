"""Every benchmark runs, verifies what it measured, and reports in the documented shape. How fast is not asked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.bench import benchmarks
from tests.bench.benchmarks import NAMES, RACES, Race

from cx_events.errors import Refused
from cx_runtime.settings import Settings

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

FEW = 300
OF_CPU = ("pipeline_cpu_vs_floor", "pipeline_cpu_vs_kafka_streams", "history_cost")
"""Ratios of CPU seconds, servers' included: those of another account's process can't be read in every container."""

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("race", RACES, ids=lambda race: race.names[0])
async def test_a_benchmark_reports_ratio_target_and_cost_per_side(
    kafka_url: str, postgres_url: str, race: Race, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(log_url=kafka_url, store_url=postgres_url)
    report = await benchmarks.run(race.names, 1, FEW, settings, fetches=False)
    assert [name for name in report if name in NAMES] == list(race.names)
    for name in race.names:
        found = report[name]
        assert found["target"] > 0
        sides = [side for side in found.values() if isinstance(side, dict) and "events_per_second" in side]
        assert len(sides) >= (1 if "absent" in found else 2)
        if "peer" in found.get("from_start", {}):
            assert found["from_start"]["peer"]["events_per_second"] > 0
        if "absent" in found:
            assert (found["ratio"], found["met"]) == (None, None), "a peer that is not on this disk is not made up"
        elif name in OF_CPU and any(None in side["cpu_seconds_per_100k"].values() for side in sides):
            assert (found["ratio"], found["met"]) == (None, None), "what can't be read here is not made up"
        else:
            assert len(found["ratios"]) == 1
            assert found["ratio"] == found["ratios"][0] > 0
            assert found["met"] in (True, False)
        for side in sides:
            assert side["events_per_second"] > 0
            assert side["cpu_seconds_per_100k"]["application"] is not None
            _is_told_of_requests(side, name)
    json.dumps(report)
    told = [line.partition("bench: done: ")[2] for line in capsys.readouterr().err.splitlines()]
    assert [json.loads(line) for line in told if line] == [{name: report[name]} for name in race.names]


def _is_told_of_requests(side: dict[str, Any], name: str) -> None:
    if name.startswith(("intake", "context", "long_read", "freshness", "follow")):
        assert side["requests_per_second"] > 0
        assert 0 < side["p50_ms"] <= side["p99_ms"]


def test_documented_benchmarks_are_the_measured_ones() -> None:
    told = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    table = told.partition("## What is measured")[2].partition("## ")[0]
    documented = [line.split("`")[1] for line in table.splitlines() if line.startswith("| `")]
    assert documented == list(NAMES)


@pytest.mark.parametrize("names", [["faster"], ["projector_vs_floor", "faster"]])
def test_an_unknown_benchmark_is_refused_before_any_runs(names: Sequence[str]) -> None:
    with pytest.raises(Refused, match="'faster' is none of projector_vs_floor"):
        benchmarks.main(names)
