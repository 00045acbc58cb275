"""What a benchmark says: paired ratios with median and spread, and what each side cost. Pure."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from statistics import median
from typing import Any

from cx_hub.bench.contest import Result


def compared(target: float, ours: Sequence[Result], theirs: Sequence[Result], names: tuple[str, str]) -> dict[str, Any]:
    """``ratio``: the median over rounds of our rate by theirs, each pair measured one after the other."""
    ratios = [one.rate / other.rate for one, other in zip(ours, theirs, strict=True)]
    return {
        "ratio": round(median(ratios), 3),
        "target": target,
        "met": median(ratios) >= target,
        "ratios": [round(ratio, 3) for ratio in ratios],
        "spread": spread(ratios),
        names[0]: side(ours),
        names[1]: side(theirs),
    }


def spread(values: Sequence[float]) -> float:
    """(largest - least) by the median: 0.1 is a tenth."""
    return round((max(values) - min(values)) / median(values), 3)


def side(results: Sequence[Result]) -> dict[str, Any]:
    """Medians of one contender; CPU seconds are per 100,000 events."""
    rates = [result.rate for result in results]
    cpu: dict[str, float | None] = {}
    for who in results[0].cpu:
        spent = [value * 100_000 / result.events for result in results if (value := result.cpu[who]) is not None]
        cpu[who] = round(median(spent), 2) if spent else None
    known = [value for value in cpu.values() if value is not None]
    return {
        "events_per_second": round(median(rates)),
        "spread": spread(rates),
        "cpu_seconds_per_100k": {**cpu, "total": round(sum(known), 2) if len(known) == len(cpu) else None},
        "deadlocks": sum(result.deadlocks for result in results),
        "contentions": sum(result.contentions for result in results),
    }


def circumstances() -> dict[str, Any]:
    """The machine, and how busy it was: on a machine that others use, only ratios mean something."""
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }
