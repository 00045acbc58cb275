"""Peers of the hub in the benchmarks: one that can't be had is left out, one that tells wrong has no rate."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.bench.dense_workload import make_dense_workload
from tests.bench.peers.fetching import Absent, Finder, kafka_streams, quixstreams
from tests.bench.peers.peer_contest import Change, expected, verify

from cx_events.errors import Fatal

WORKLOAD = make_dense_workload(500)
RIGHT = {key: Change("somebody", *of) for key, of in expected(WORKLOAD).items()}
BUSIEST = max(RIGHT, key=lambda key: RIGHT[key].events)


@pytest.mark.parametrize(("find", "name"), [(quixstreams, "quixstreams"), (kafka_streams, "Kafka Streams")])
def test_a_peer_that_is_not_there_is_absent(tmp_path: Path, find: Finder, name: str) -> None:
    with pytest.raises(Absent, match=f"^{name} is not on this disk$"):
        find({"XDG_CACHE_HOME": str(tmp_path)}, tmp_path, False)


def test_a_peer_whose_jars_nobody_serves_is_absent(tmp_path: Path) -> None:
    environ = {"XDG_CACHE_HOME": str(tmp_path), "CX_MAVEN_URL": "http://127.0.0.1:9"}
    with pytest.raises(Absent, match=r"^Kafka's jar http://127.0.0.1:9/.* can't be fetched: .*$"):
        kafka_streams(environ, tmp_path, True)


def test_a_peer_without_room_for_it_is_absent(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(Absent, match=r"^quixstreams can't be prepared: .+$"):
        quixstreams({"XDG_CACHE_HOME": str(file)}, tmp_path, True)


def test_a_peer_that_tells_of_every_record_is_right() -> None:
    assert sum(change.events for change in RIGHT.values()) == len(WORKLOAD.records)
    assert len(RIGHT) == WORKLOAD.customers
    verify(RIGHT, WORKLOAD)


@pytest.mark.parametrize(
    "wrong",
    [
        {key: change for key, change in RIGHT.items() if key != BUSIEST},
        RIGHT | {BUSIEST: Change("somebody", RIGHT[BUSIEST].events + 1, RIGHT[BUSIEST].latest)},
        RIGHT | {BUSIEST: Change("somebody", RIGHT[BUSIEST].events, "an event before")},
        RIGHT | {b"a key of nobody's": Change("nobody", 1, "")},
    ],
    ids=["one missing", "one twice", "another last", "one more"],
)
def test_a_peer_that_tells_wrong_has_no_rate(wrong: dict[bytes, Change]) -> None:
    with pytest.raises(Fatal, match="no rate of such a run counts"):
        verify(wrong, WORKLOAD)
