"""Refusals of one address or tenant, one after another, and the rates of many."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_runtime.in_flight import LONGEST_PAUSE_SECONDS, Pacer
from cx_runtime.rates import Buckets, Rate


@given(rate=st.floats(1.0, 100.0), burst=st.integers(1, 50), asked=st.integers(1, 400))
def test_refusals_are_paced_at_the_rate_under_any_load(rate: float, burst: int, asked: int) -> None:
    pacer = Pacer(Rate(rate, float(burst)), clock=lambda: 7.0)
    waits = [pacer.count("hostile") for _ in range(asked)]
    assert waits[:burst] == pytest.approx([0.0] * len(waits[:burst]))
    for number, wait in enumerate(waits[burst:], start=1):
        assert wait == pytest.approx(min(number / rate, LONGEST_PAUSE_SECONDS))
    assert pacer.count("quiet") == 0.0


def test_whoever_stops_asking_is_soon_refused_at_once_again() -> None:
    now = [0.0]
    pacer = Pacer(Rate(20.0, 100.0), clock=lambda: now[0])
    for _ in range(10_000):
        pacer.count("hostile")
    now[0] = LONGEST_PAUSE_SECONDS
    assert pacer.count("hostile") <= 1 / 20
    now[0] += 1.0
    assert pacer.count("hostile") == 0.0


def test_rates_are_remembered_for_few_clients() -> None:
    buckets = Buckets(Rate(1.0, 1.0), "handshakes", most=10)
    for number in range(100):
        buckets.take(str(number))
    assert len(buckets) == 10
