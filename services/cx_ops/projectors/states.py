"""Work out the state of a partition from its lease, its lag, its samples and what its worker said. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from msgspec import Struct

from cx_context.store.lag_samples import LagSample, WorkerReport
from cx_ops.lag import Lag

STUCK_SECONDS = 60.0
"""A partition whose first waiting record is older and that has not moved for so long is stuck."""

RATE_MINUTES = 5
"""Rates are those of the latest minutes."""


class State(StrEnum):
    """``RUNNING``: applied as it comes, or being caught up. ``WAITING``: its worker waits for the log or the store.
    ``STUCK``: its worker fails again and again, or nothing moves. ``NO_OWNER``: no worker has it."""

    RUNNING = "running"
    WAITING = "waiting"
    STUCK = "stuck"
    NO_OWNER = "no owner"


class ProjectorState(Struct, frozen=True):
    """A partition as its projector gets on.

    ``version``: of the owner's code. ``events`` wait, the first for ``seconds``. ``rate``: applied a second;
    ``arrivals``: appended a second; both null where there are no two samples. ``seconds_to_level``: at these rates, 0
    for now, null for never or not known. ``error``: the owner's last one, and when it was (seconds since 1970).
    """

    topic: str
    partition: int
    state: State
    owner: str | None
    version: str | None
    position: int
    end: int
    events: int
    seconds: float
    rate: float | None
    arrivals: float | None
    seconds_to_level: float | None
    error: str | None
    error_at: float | None


def state_of(
    lag: Lag,
    samples: Sequence[LagSample],
    report: WorkerReport | None,
    *,
    is_owned: bool,
    still: float,
    now: float,
) -> ProjectorState:
    """Return the state of one partition.

    ``samples``: its own, oldest first. ``report``: of its owner. ``is_owned``: whether the lease is valid. ``still``:
    seconds since the offset moved. ``now``: seconds since 1970, by the database's clock.
    """
    rate, arrivals = rates_of(lag, samples, now)
    return ProjectorState(
        lag.topic,
        lag.partition,
        _state(lag, report, is_owned=is_owned, still=still),
        lag.owner,
        report.version if report else None,
        lag.position,
        lag.end,
        lag.events,
        lag.seconds,
        rate,
        arrivals,
        seconds_to_level(lag.events, rate, arrivals),
        (report.error or None) if report else None,
        (report.error_at or None) if report else None,
    )


def _state(lag: Lag, report: WorkerReport | None, *, is_owned: bool, still: float) -> State:
    if not lag.owner or not is_owned:
        return State.NO_OWNER
    if report is not None and report.state in (State.WAITING, State.STUCK):
        return State(report.state)
    # Silence is no standstill: nothing may have come for hours, until a moment ago.
    if lag.events and lag.seconds > STUCK_SECONDS and (still > STUCK_SECONDS or lag.position == 0):
        return State.STUCK
    return State.RUNNING


def rates_of(lag: Lag, samples: Sequence[LagSample], now: float) -> tuple[float | None, float | None]:
    """Return how many records a second were applied and appended since the oldest of the latest samples."""
    latest = [each for each in samples if now - each.minute * 60 <= RATE_MINUTES * 60 + 60]
    if not latest:
        return None, None
    first = latest[0]
    # A sample is taken somewhere within its minute; the middle is half a minute off at most.
    seconds = now - (first.minute * 60 + 30)
    if seconds < 15 or lag.position < first.next_offset or lag.end < first.end_offset:
        return None, None
    return round((lag.position - first.next_offset) / seconds, 1), round((lag.end - first.end_offset) / seconds, 1)


def seconds_to_level(events: int, rate: float | None, arrivals: float | None) -> float | None:
    """Return how long it takes until nothing waits, at these rates; None where it never comes to that."""
    if not events:
        return 0.0
    if rate is None or arrivals is None or rate <= arrivals:
        return None
    return round(events / (rate - arrivals), 1)


class LagMinute(Struct, frozen=True):
    """A partition in one minute. ``minute``: when it began, seconds since 1970. ``rate``, ``arrivals``: records a
    second since the sample before, null for the first one."""

    minute: int
    topic: str
    partition: int
    position: int
    end: int
    events: int
    rate: float | None
    arrivals: float | None


def history_of(samples: Iterable[LagSample]) -> list[LagMinute]:
    """Return the history of one partition's samples, oldest first."""
    found: list[LagMinute] = []
    before: LagSample | None = None
    for each in samples:
        rate = arrivals = None
        if before is not None:
            seconds = (each.minute - before.minute) * 60
            rate = round((each.next_offset - before.next_offset) / seconds, 1)
            arrivals = round((each.end_offset - before.end_offset) / seconds, 1)
        waiting = max(each.end_offset - each.next_offset, 0)
        found.append(
            LagMinute(
                each.minute * 60, each.topic, each.number, each.next_offset, each.end_offset, waiting, rate, arrivals
            )
        )
        before = each
    return found
