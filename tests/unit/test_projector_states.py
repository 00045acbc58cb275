"""The state of a partition, from its lease, its lag, its samples and its worker's report."""

from __future__ import annotations

from typing import Any

import pytest

from cx_context.store.lag_samples import LagSample, WorkerReport
from cx_events.errors import Refused
from cx_events.log import INTERACTIONS
from cx_hub.commands.lag import minutes_since
from cx_ops.lag import Lag
from cx_ops.projectors.states import ProjectorState, State, history_of, seconds_to_level, state_of

MINUTE = 26_000_000
NOW = MINUTE * 60 + 30.0


def sample(minutes_ago: int, position: int, end: int) -> LagSample:
    return LagSample(MINUTE - minutes_ago, INTERACTIONS, 3, position, end)


def state(
    events: int = 0, seconds: float = 0.0, *samples: LagSample, owner: str | None = "w", **told: Any
) -> ProjectorState:
    lag = Lag(INTERACTIONS, 3, events, seconds, 1000, 1000 + events, owner)
    said = told.pop("said", "running")
    report = None if said is None else WorkerReport("w", "1.2", said, NOW - 9, told.pop("error", ""), 0.0, True)
    return state_of(lag, samples, report, is_owned=told.get("is_owned", True), still=told.get("still", 0.0), now=NOW)


def test_rates_and_time_to_level_come_of_samples() -> None:
    found = state(600, 12.0, sample(9, 0, 0), sample(2, 880, 1540), sample(1, 940, 1570))
    assert (found.rate, found.arrivals) == (1.0, 0.5)
    assert found.seconds_to_level == 1200.0
    assert found.version == "1.2"


def test_without_samples_no_rate_is_told() -> None:
    found = state(600, 12.0)
    assert (found.rate, found.arrivals, found.seconds_to_level) == (None, None, None)
    assert state().seconds_to_level == 0.0


@pytest.mark.parametrize(("rate", "arrivals"), [(1.0, 1.0), (1.0, 2.0), (0.0, 0.0)])
def test_one_that_is_no_faster_never_levels(rate: float, arrivals: float) -> None:
    assert seconds_to_level(10, rate, arrivals) is None


def test_a_store_filled_anew_gives_no_negative_rate() -> None:
    assert state(0, 0.0, sample(2, 5000, 5000)).rate is None


def test_states_are_told_apart() -> None:
    assert state().state is State.RUNNING
    assert state(owner=None).state is State.NO_OWNER
    assert state(is_owned=False).state is State.NO_OWNER, "its lease ran out"
    assert state(said="waiting").state is State.WAITING
    assert state(said="stuck").state is State.STUCK
    assert state(5, 70.0, still=70.0).state is State.STUCK
    assert state(5, 70.0, still=1.0).state is State.RUNNING, "it is being caught up"
    assert state(5, 1.0, still=7000.0).state is State.RUNNING, "nothing had come until now"
    assert state(said=None).state is State.RUNNING


def test_a_history_tells_rates_between_its_samples() -> None:
    first, second = history_of([sample(3, 100, 100), sample(1, 220, 340)])
    assert (first.rate, first.arrivals, first.events) == (None, None, 0)
    assert (second.rate, second.arrivals, second.events) == (1.0, 2.0, 120)
    assert second.minute == (MINUTE - 1) * 60


def test_a_history_begins_at_a_moment_of_the_past() -> None:
    assert minutes_since("10m", 6_000_000.0) == 11
    assert minutes_since("30d", 6_000_000.0) == 1440
    with pytest.raises(Refused, match="has not come yet"):
        minutes_since("2090-01-01T00:00:00Z", 6_000_000.0)
