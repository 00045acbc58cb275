"""Projectors over a hub's first weeks, when nearly everybody is new: by floors, by one another, by the same events with
one identifier each, and by stream processors that know nobody."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

from tests.bench.contest import Place, contest
from tests.bench.dense_workload import make_dense_workload
from tests.bench.peers.fetching import Absent, Finder, kafka_streams, quixstreams
from tests.bench.peers.peer_contest import PeerContender
from tests.bench.report import Result, Worth, compared, cpu_per_event, paired, rate, scaling, side
from tests.bench.running import Asked, Report, Run, done, race, say
from tests.bench.servers import preloaded

EVENTS_OF_THESE = 2
"""Times as many as the other benchmarks have: 200,000 of 20,000 customers unless told otherwise."""

_SCALING = "dense_scaling"
_BUSY = 0.95
"""Of all cores, from which on two workers have scaled as far as they can."""


class _Pair(NamedTuple):
    ours: str
    theirs: str
    target: float
    worth: Worth = rate
    at_most: bool = False


_PAIRS: Mapping[str, _Pair] = MappingProxyType(
    {
        "projector_dense_vs_floor": _Pair("hub", "floor", 0.2),
        "pipeline_dense_vs_floor": _Pair("hub x2", "floor x2", 0.2),
        "dense_vs_mail_only": _Pair("hub", "mail only", 0.7),
        _SCALING: _Pair("hub x2", "hub", 1.7),
        "dense_vs_quixstreams": _Pair("hub", "quixstreams", 1.0),
        "pipeline_cpu_vs_kafka_streams": _Pair("hub x2", "kafka streams x2", 0.6, cpu_per_event, at_most=True),
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
    needed = {side for name in asked.names for side in (_PAIRS[name].ours, _PAIRS[name].theirs)}
    full, mail = make_dense_workload(events), make_dense_workload(events, mail_only=True)
    say(f"{events:,} events of {full.customers:,} customers with {full.profiles:,} identifiers")
    log_url, store_url = asked.settings.log_url, asked.settings.store_url
    async with preloaded(log_url, full) as one, preloaded(log_url, mail) as other:
        place, mail_place = Place(log_url, store_url, one, full), Place(log_url, store_url, other, mail)
        contenders: dict[str, Run] = {
            "floor": partial(contest, "floor", place),
            "hub": partial(contest, "hub-relayed", place),
            "mail only": partial(contest, "hub-relayed", mail_place),
            "floor x2": partial(contest, "floor", place, 2),
            "hub x2": partial(contest, "hub-relayed", place, 2),
        }
        peers, absent = _found(asked, place, needed)
        contenders |= {name: peer.measured for name, peer in peers.items()}
        results = await race(asked.rounds, {name: run for name, run in contenders.items() if name in needed})
    report: Report = {}
    for name in asked.names:
        theirs = _PAIRS[name].theirs
        if theirs in absent:
            found = _without_peer(name, results, absent[theirs])
        else:
            found = _compared(name, results, peers.get(theirs))
        report |= done(name, found)
    return report


def _compared(name: str, results: Mapping[str, list[Result]], peer: PeerContender | None) -> dict[str, Any]:
    """Return a pair's report; of a peer, the ratio to the whole of its process beside it, as ``from_start``."""
    pair = _PAIRS[name]
    ours, theirs, names = results[pair.ours], results[pair.theirs], (pair.ours, pair.theirs)
    if name == _SCALING:
        return scaling(pair.target, ours, theirs, names, busy_from=_BUSY)
    found = compared(pair.target, ours, theirs, names, worth=pair.worth, at_most=pair.at_most)
    if peer is not None:
        found["from_start"] = {**paired(ours, peer.from_start, pair.worth), "peer": side(peer.from_start)}
    return found


def _without_peer(name: str, results: Mapping[str, list[Result]], why: str) -> dict[str, Any]:
    pair = _PAIRS[name]
    return {"ratio": None, "target": pair.target, "met": None, "absent": why, pair.ours: side(results[pair.ours])}


def _found(asked: Asked, place: Place, needed: set[str]) -> tuple[dict[str, PeerContender], dict[str, str]]:
    """Return the peers that are needed, and why those that can't be had can't."""
    peers: dict[str, PeerContender] = {}
    absent: dict[str, str] = {}
    for name, (find, threads) in _PEERS.items():
        if name not in needed:
            continue
        try:
            peers[name] = PeerContender(find(os.environ, asked.folder, asked.fetches), place, asked.folder, threads)
        except Absent as error:
            absent[name] = str(error)
            say(f"left out: {name}: {error}")
    return peers, absent
