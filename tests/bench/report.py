"""Report what a benchmark says: paired ratios with median and spread, and what each side cost. Pure."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median
from typing import Any

BUSY = 0.9
"""Of all cores, from which on they count as busy."""


@dataclass(frozen=True, slots=True)
class Result:
    """One contender, once. ``seconds``: from go until the last event is there. ``cpu``: seconds by who spent them
    (application, postgres, broker).

    ``deadlocks``: that PostgreSQL resolved; ``contentions``: transactions that a worker began again. Where events came
    by requests: how many, the load generator's own CPU seconds, and latencies in ms.
    """

    events: int
    seconds: float
    cpu: dict[str, float | None]
    deadlocks: int = 0
    contentions: int = 0
    requests: int = 0
    client_cpu: float = 0.0
    p50: float = 0.0
    p99: float = 0.0

    @property
    def rate(self) -> float:
        """Distinct events a second."""
        return self.events / self.seconds

    @property
    def cpu_total(self) -> float | None:
        """Of all, None where a part of it is unknown."""
        known = [spent for spent in self.cpu.values() if spent is not None]
        return sum(known) if len(known) == len(self.cpu) else None

    @property
    def cores_busy(self) -> float | None:
        return total / self.seconds if (total := self.cpu_total) is not None else None


Worth = Callable[[Result], float | None]
"""What is compared; None where it is not known."""


def rate(result: Result) -> float | None:
    return result.rate


def cpu_per_event(result: Result) -> float | None:
    """Seconds, with PostgreSQL and broker."""
    total = result.cpu_total
    return total / result.events if total else None


def seconds_per_event(result: Result) -> float | None:
    return result.seconds / result.events


def server_cpu_speed(result: Result) -> float | None:
    """Events for a CPU second of the server alone."""
    spent = result.cpu["application"]
    return result.events / spent if spent else None


def p50(result: Result) -> float | None:
    return result.p50


def p99(result: Result) -> float | None:
    return result.p99


def paired(ours: Sequence[Result], theirs: Sequence[Result], worth: Worth = rate) -> dict[str, Any]:
    """``ratio``: the median over rounds of ours by theirs, each pair measured one after the other."""
    pairs = [(worth(one), worth(other)) for one, other in zip(ours, theirs, strict=True)]
    ratios = [one / other for one, other in pairs if one is not None and other]
    if len(ratios) < len(pairs) or not pairs:
        return {"ratio": None, "ratios": [], "spread": None}
    return {
        "ratio": rounded(median(ratios)),
        "ratios": [rounded(ratio) for ratio in ratios],
        "spread": spread(ratios),
    }


def judged(found: Mapping[str, Any], target: float, *, at_most: bool = False) -> dict[str, Any]:
    """With the target, and whether it is met; unknown where the ratio is."""
    ratio = found["ratio"]
    met = None if ratio is None else ratio <= target if at_most else ratio >= target
    return {"ratio": ratio, "target": target, "met": met, **found}


def compared(
    target: float,
    ours: Sequence[Result],
    theirs: Sequence[Result],
    names: tuple[str, str],
    *,
    worth: Worth = rate,
    at_most: bool = False,
) -> dict[str, Any]:
    """A whole report of a pair. ``at_most``: the target is an upper bound."""
    return {
        **judged(paired(ours, theirs, worth), target, at_most=at_most),
        names[0]: side(ours),
        names[1]: side(theirs),
    }


def slower(target: float, ours: Sequence[Result], theirs: Sequence[Result], names: tuple[str, str]) -> dict[str, Any]:
    """Of latencies, the median's ratio and the 99th percentile's; the worse counts, and is an upper bound."""
    found = {"p50": paired(ours, theirs, p50), "p99": paired(ours, theirs, p99)}
    worse = max(found, key=lambda name: found[name]["ratio"] or 0.0)
    return {
        **judged(found[worse], target, at_most=True),
        "of": worse,
        **found,
        names[0]: side(ours),
        names[1]: side(theirs),
    }


def scaling(
    target: float, more: Sequence[Result], one: Sequence[Result], names: tuple[str, str], *, busy_from: float = BUSY
) -> dict[str, Any]:
    """Met as well where the machine has no more to give: CPU seconds of all by wall time, by cores."""
    report = compared(target, more, one, names)
    cores = os.cpu_count() or 1
    busy = [known for result in more if (known := result.cores_busy) is not None]
    share = median(busy) / cores if busy else None
    if not report["met"] and share is not None:
        report["met"] = share >= busy_from
    report["cores_busy_share"] = round(share, 3) if share is not None else None
    return report


def rounded(value: float) -> float:
    """To thousandths, and what is small to three digits."""
    return round(value, 3) if value >= 0.1 else float(f"{value:.3g}")


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
    busy = [value for result in results if (value := result.cores_busy) is not None]
    return {
        "events_per_second": round(median(rates)),
        "spread": spread(rates),
        "cpu_seconds_per_100k": {**cpu, "total": round(sum(known), 2) if len(known) == len(cpu) else None},
        "cores_busy": round(median(busy), 2) if busy else None,
        "deadlocks": sum(result.deadlocks for result in results),
        "contentions": sum(result.contentions for result in results),
        **(_requests(results) if results[0].requests else {}),
    }


def _requests(results: Sequence[Result]) -> dict[str, Any]:
    server = [spent / result.requests for result in results if (spent := result.cpu["application"]) is not None]
    return {
        "requests_per_second": round(median(result.requests / result.seconds for result in results)),
        "server_cpu_us_per_request": round(median(server) * 1_000_000, 1) if server else None,
        "client_cores_busy": round(median(result.client_cpu / result.seconds for result in results), 2),
        "p50_ms": round(median(result.p50 for result in results), 2),
        "p99_ms": round(median(result.p99 for result in results), 2),
    }


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """The least value that ``share`` of all don't exceed."""
    return sorted_values[max(0, ceil(len(sorted_values) * share) - 1)]


def circumstances() -> dict[str, Any]:
    """The machine, and how busy it was: on a machine that others use, only ratios mean something."""
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }
