"""Work gathers while its thread is busy, and never where there is time to spare."""

from __future__ import annotations

import pytest

from cx_runtime.thread_load import EASY, FULL, SAMPLE_SECONDS, ThreadLoad


class Thread:
    """A thread by hand: seconds that passed, and those that it worked."""

    def __init__(self) -> None:
        self.now = self.worked = 100.0
        self.load = ThreadLoad(lambda: self.now, lambda: self.worked)

    def live(self, seconds: float, share: float) -> float:
        """Let time pass, of which the thread works a share; return the gap of a second at most."""
        self.now += seconds
        self.worked += seconds * share
        return self.load.gap(1.0)


@pytest.fixture
def thread() -> Thread:
    thread = Thread()
    thread.live(0.0, 0.0)
    return thread


def test_an_idle_thread_does_all_at_once(thread: Thread) -> None:
    assert [thread.live(SAMPLE_SECONDS, share) for share in (0.0, 0.2, EASY)] == [0.0, 0.0, 0.0]


def test_the_gap_grows_with_what_the_thread_does(thread: Thread) -> None:
    middle = (EASY + FULL) / 2
    gaps = [thread.live(SAMPLE_SECONDS, share) for share in (middle, FULL, 1.0)]
    assert gaps == pytest.approx([0.5, 1.0, 1.0])


def test_nothing_waits_before_a_first_sample_is_over() -> None:
    thread = Thread()
    assert thread.live(0.0, 0.0) == 0.0
    assert thread.live(SAMPLE_SECONDS / 2, 1.0) == 0.0
    assert thread.live(SAMPLE_SECONDS / 2, 1.0) == 1.0


def test_a_short_burst_does_not_count_as_busy(thread: Thread) -> None:
    """What comes after a silence is done at once, however hard the thread works on it."""
    assert thread.live(10.0, 0.0) == 0.0
    assert thread.live(SAMPLE_SECONDS / 10, 1.0) == 0.0
