"""A trial tells memory that leaks from caches that fill."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.faults.ground import Service, Trial
from tests.faults.memory import Memory

pytestmark = pytest.mark.clock

MB = 1 << 20
SECONDS = 90


def found(name: str, before: float, growth: float, kept: float) -> bool:
    """Return whether memory that grows by so many MB over a trial is found to be no more than what caches, which grow
    by ``kept``, and ten per cent explain."""
    memory = Memory({name: Service("", {}, Path())}, {}, "")
    memory.samples[name] = [int((before + growth * at / SECONDS) * MB) for at in range(SECONDS)]
    memory.kept[name] = [(50 + kept * at / SECONDS) * MB for at in range(SECONDS)]
    trial = Trial("memory")
    memory.check(trial, 10.0, 16 * MB)
    return not trial.broken


@pytest.mark.parametrize("name", ["channels", "projectors", "api"])
def test_a_leak_is_found_where_caches_are_full(name: str) -> None:
    assert found(name, 300, 30, 0)
    assert not found(name, 300, 100, 0)


def test_memory_may_grow_by_what_caches_tell() -> None:
    assert found("api", 300, 300, 200)
    assert found("projectors", 200, 100, 100)


@pytest.mark.parametrize("name", ["projectors", "api"])
def test_a_leak_beside_filling_caches_is_found(name: str) -> None:
    assert not found(name, 300, 300, 100)


def test_what_no_cache_tells_is_a_leak() -> None:
    assert not found("channels", 200, 200, 200)


def test_memory_that_was_not_measured_is_not_flat() -> None:
    trial = Trial("memory")
    Memory({"api": Service("", {}, Path())}, {}, "").check(trial, 10.0, 16 * MB)
    assert trial.broken
