"""The benchmarks by name, and ``main``."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from cx_events.errors import Refused
from cx_hub.bench.contest import Kind, Place, Result, contest
from cx_hub.bench.report import circumstances, compared
from cx_hub.bench.servers import preloaded, servers
from cx_hub.bench.workload import STANDARD_HOT_SHARE, Workload, make_workload
from cx_runtime.settings import Settings

ROUNDS = 3
EVENTS = 100_000
HOT_SHARE = 0.3
HOT_WORKERS = 4


def main(
    names: Sequence[str] = (), *, rounds: int = ROUNDS, events: int = EVENTS, settings: Settings | None = None
) -> int:
    """Run benchmarks (all unless named) and print one JSON object; 0 even where a target is missed.

    ``rounds``: pairs measured, 7 for figures to publish. ``events``: distinct events in the log. Without
    ``CX_LOG_URL`` or ``CX_STORE_URL`` the stack's servers are used. ``Refused`` for an unknown name or a server that is
    not durable, ``Fatal`` where a contender's store is not what the workload makes of it.
    """
    unknown = [name for name in names if name not in _BENCHMARKS]
    if unknown:
        raise Refused("unknown-benchmark", f"{unknown[0]!r} is none of {', '.join(_BENCHMARKS)}")
    if rounds < 1 or events < 1:
        raise Refused("bad-count", "rounds and events must be 1 or more")
    # The client tells of every partition whose leader a topic just made does not know yet.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    with servers(settings or Settings()) as found:
        report = asyncio.run(_run(names or NAMES, rounds, events, found))
    print(msgspec.json.format(msgspec.json.encode(report)).decode())
    return 0


async def _run(names: Sequence[str], rounds: int, events: int, settings: Settings) -> dict[str, Any]:
    report: dict[str, Any] = {"before": circumstances(), "rounds": rounds, "events": events}
    for name in names:
        report[name] = await _BENCHMARKS[name](rounds, events, settings)
    report["after"] = circumstances()
    return report


async def _projector_vs_floor(rounds: int, events: int, settings: Settings) -> dict[str, Any]:
    """One worker by one floor, one process each."""
    workload = _workload(events, STANDARD_HOT_SHARE)
    async with preloaded(settings.log_url, workload) as prefix:
        place = Place(settings.log_url, settings.store_url, prefix, workload)
        ours, theirs = await _rounds(rounds, ("hub", place, 1), ("floor", place, 1))
    return compared(0.3, ours, theirs, ("hub", "floor"))


async def _hot_customer(rounds: int, events: int, settings: Settings) -> dict[str, Any]:
    """Four workers, with three in ten of the events on one customer by four workers without."""
    hot, even = _workload(events, HOT_SHARE), _workload(events, 0.0)
    async with preloaded(settings.log_url, hot) as one, preloaded(settings.log_url, even) as other:
        hot_place = Place(settings.log_url, settings.store_url, one, hot)
        even_place = Place(settings.log_url, settings.store_url, other, even)
        ours, theirs = await _rounds(rounds, ("hub", hot_place, HOT_WORKERS), ("hub", even_place, HOT_WORKERS))
    return compared(0.8, ours, theirs, ("hot", "even"))


Entry = tuple[Kind, Place, int]


async def _rounds(rounds: int, ours: Entry, theirs: Entry) -> tuple[list[Result], list[Result]]:
    """Pairs, the order turned round each time, so that what drifts on the machine favours nobody."""
    results: tuple[list[Result], list[Result]] = ([], [])
    for number in range(rounds):
        for which in ((0, 1), (1, 0))[number % 2]:
            kind, place, processes = (ours, theirs)[which]
            result = await contest(kind, place, processes)
            _say(f"round {number + 1}: {kind} x{processes} {result.rate:,.0f} events/s, CPU {result.cpu}")
            results[which].append(result)
    return results


def _workload(events: int, hot_share: float) -> Workload:
    workload = make_workload(events, hot_share)
    _say(f"{events:,} events of {workload.mean_bytes:.0f} bytes, {hot_share:.0%} of them one customer's")
    return workload


def _say(what: str) -> None:
    print(f"bench: {what}", file=sys.stderr, flush=True)


_BENCHMARKS: Mapping[str, Callable[[int, int, Settings], Awaitable[dict[str, Any]]]] = MappingProxyType(
    {"projector_vs_floor": _projector_vs_floor, "hot_customer": _hot_customer}
)
NAMES = tuple(_BENCHMARKS)
