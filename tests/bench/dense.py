"""Projectors over a hub's first weeks, when nearly everybody is new: by floors, by one another, by the same events with
one identifier each, and by stream processors that know nobody."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

from tests.bench.contest import Place, contest
from tests.bench.dense_workload import make_dense_workload
from tests.bench.peers.fetching import Absent, Finder, kafka_streams, quixstreams
from tests.bench.peers.peer_contest import contest_of
from tests.bench.report import Result, compared, cpu_per_event, scaling, side
from tests.bench.running import Asked, Report, Run, done, race, say
from tests.bench.servers import preloaded

EVENTS_OF_THESE = 2
"""Times as many as the other benchmarks have: 200,000 of 20,000 customers unless told otherwise."""

_Compare = Callable[[list[Result], list[Result], tuple[str, str]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Pair:
    ours: str
    theirs: str
    target: float
    compare: _Compare


def _pair(
    ours: str, theirs: str, target: float, compare: Callable[..., dict[str, Any]] = compared, **how: Any
) -> _Pair:
    return _Pair(ours, theirs, target, partial(compare, target, **how))


_PAIRS: Mapping[str, _Pair] = MappingProxyType(
    {
        "projector_dense_vs_floor": _pair("hub", "floor", 0.2),
        "pipeline_dense_vs_floor": _pair("hub x2", "floor x2", 0.2),
        "dense_vs_mail_only": _pair("hub", "mail only", 0.7),
        "dense_scaling": _pair("hub x2", "hub", 1.7, scaling, busy_from=0.95),
        "dense_vs_quixstreams": _pair("hub", "quixstreams", 1.0),
        "pipeline_cpu_vs_kafka_streams": _pair("hub x2", "kafka streams x2", 0.6, worth=cpu_per_event, at_most=True),
    }
)
_PEERS: Mapping[str, tuple[Finder, int]] = MappingProxyType(
    {"quixstreams": (quixstreams, 1), "kafka streams x2": (kafka_streams, 2)}
)
"""How each is found, and how many threads of it work."""

DENSE = tuple(_PAIRS)


async def dense(asked: Asked) -> Report:
    """What several benchmarks need is measured once, in the same rounds; peers that can't be had are left out."""
    events = asked.events * EVENTS_OF_THESE
    pairs = {name: _PAIRS[name] for name in asked.names}
    needed = {side for pair in pairs.values() for side in (pair.ours, pair.theirs)}
    settings = asked.settings
    full, mail = make_dense_workload(events), make_dense_workload(events, mail_only=True)
    say(f"{events:,} events of {full.customers:,} customers with {full.profiles:,} identifiers")
    async with preloaded(settings.log_url, full) as one, preloaded(settings.log_url, mail) as other:
        place = Place(settings.log_url, settings.store_url, one, full)
        mail_place = Place(settings.log_url, settings.store_url, other, mail)
        contenders: dict[str, Run] = {
            "floor": partial(contest, "floor", place, 1),
            "hub": partial(contest, "hub-relayed", place, 1),
            "mail only": partial(contest, "hub-relayed", mail_place, 1),
            "floor x2": partial(contest, "floor", place, 2),
            "hub x2": partial(contest, "hub-relayed", place, 2),
        }
        peers, absent = _found(asked, place, needed)
        results = await race(asked.rounds, {name: run for name, run in (contenders | peers).items() if name in needed})
    report: Report = {}
    for name, pair in pairs.items():
        if pair.theirs in absent:
            found = {"ratio": None, "target": pair.target, "met": None, "absent": absent[pair.theirs]}
            report |= done(name, {**found, pair.ours: side(results[pair.ours])})
        else:
            report |= done(name, pair.compare(results[pair.ours], results[pair.theirs], (pair.ours, pair.theirs)))
    return report


def _found(asked: Asked, place: Place, needed: set[str]) -> tuple[dict[str, Run], dict[str, str]]:
    """Return the peers that are needed, and why those that can't be had can't."""
    peers: dict[str, Run] = {}
    absent: dict[str, str] = {}
    for name, (find, threads) in _PEERS.items():
        if name not in needed:
            continue
        try:
            peer = find(os.environ, asked.folder, asked.fetches)
        except Absent as error:
            absent[name] = str(error)
            say(f"left out: {name}: {error}")
        else:
            peers[name] = partial(contest_of, peer, place, asked.folder, threads)
    return peers, absent
