"""Projectors over a log that is there: by floors, by one another, with a hot customer and without."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from tests.bench.contest import Kind, Place, contest
from tests.bench.report import Result, compared, cpu_per_event, scaling
from tests.bench.running import Asked, Report, Run, done, race, say
from tests.bench.servers import preloaded
from tests.bench.workload import STANDARD_HOT_SHARE, Workload, make_workload

HOT_SHARE = 0.3
HOT_WORKERS = 4

_CONTENDERS: Mapping[str, tuple[Kind, int]] = MappingProxyType(
    {"floor": ("floor", 1), "hub": ("hub", 1), "floor x2": ("floor", 2), "hub x2": ("hub", 2)}
)
_PAIRS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "projector_vs_floor": ("hub", "floor"),
        "pipeline_vs_floor": ("hub x2", "floor x2"),
        "pipeline_cpu_vs_floor": ("hub x2", "floor x2"),
        "projector_scaling": ("hub x2", "hub"),
    }
)
_REPORTS: Mapping[str, Callable[[list[Result], list[Result], tuple[str, str]], dict[str, Any]]] = MappingProxyType(
    {
        "projector_vs_floor": partial(compared, 0.3),
        "pipeline_vs_floor": partial(compared, 0.3),
        "pipeline_cpu_vs_floor": partial(compared, 3.0, worth=cpu_per_event, at_most=True),
        "projector_scaling": partial(scaling, 1.5),
    }
)
PROJECTING = tuple(_PAIRS)


async def projecting(asked: Asked) -> Report:
    """What several benchmarks need is measured once, in the same rounds."""
    workload = _workload(asked.events, STANDARD_HOT_SHARE)
    needed = {side for name in asked.names for side in _PAIRS[name]}
    async with preloaded(asked.settings.log_url, workload) as prefix:
        place = Place(asked.settings.log_url, asked.settings.store_url, prefix, workload)
        contenders: dict[str, Run] = {
            name: partial(contest, kind, place, processes)
            for name, (kind, processes) in _CONTENDERS.items()
            if name in needed
        }
        results = await race(asked.rounds, contenders)
    report: Report = {}
    for name in asked.names:
        ours, theirs = _PAIRS[name]
        report |= done(name, _REPORTS[name](results[ours], results[theirs], (ours, theirs)))
    return report


async def hot_customer(asked: Asked) -> Report:
    """Four workers, with three in ten of the events on one customer by four workers without."""
    hot, even = _workload(asked.events, HOT_SHARE), _workload(asked.events, 0.0)
    settings = asked.settings
    async with preloaded(settings.log_url, hot) as one, preloaded(settings.log_url, even) as other:
        hot_place = Place(settings.log_url, settings.store_url, one, hot)
        even_place = Place(settings.log_url, settings.store_url, other, even)
        contenders: dict[str, Run] = {
            "hot": partial(contest, "hub", hot_place, HOT_WORKERS),
            "even": partial(contest, "hub", even_place, HOT_WORKERS),
        }
        results = await race(asked.rounds, contenders)
    return done("hot_customer", compared(0.8, results["hot"], results["even"], ("hot", "even")))


def _workload(events: int, hot_share: float) -> Workload:
    workload = make_workload(events, hot_share)
    say(f"{events:,} events of {workload.mean_bytes:.0f} bytes, {hot_share:.0%} of them one customer's")
    return workload
