"""Run rounds of a race, and give every kind of race what it needs."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from tests.bench.report import Result

from cx_runtime.settings import Settings

Report = dict[str, dict[str, Any]]
"""By name of the benchmark."""

FULL_EVENTS = 100_000


@dataclass(frozen=True, slots=True)
class Asked:
    """``settings``: with the servers that the race needs. ``folder``: for files, gone afterwards. ``fetches``: whether
    what is measured beside the hub may be fetched."""

    names: Sequence[str]
    rounds: int
    events: int
    settings: Settings
    folder: Path
    fetches: bool = True


Run = Callable[[], Awaitable[Result]]


async def race(rounds: int, contenders: Mapping[str, Run]) -> dict[str, list[Result]]:
    """Each contender once a round, one after the other, the order turned round each time, so that what drifts on the
    machine favours nobody."""
    results: dict[str, list[Result]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name in list(contenders)[:: 1 if number % 2 == 0 else -1]:
            result = await contenders[name]()
            spent = ", ".join(f"{who} {seconds}" for who, seconds in result.cpu.items())
            told = f", p50 {result.p50:.2f} ms, p99 {result.p99:.2f} ms" if result.requests else ""
            say(f"round {number + 1}: {name}: {result.rate:,.0f} events/s{told}; CPU s: {spent}")
            results[name].append(result)
    return results


def done(name: str, found: dict[str, Any]) -> Report:
    """A benchmark that is through, as a report of its own. It is told at once, as one line of JSON, so that an error in
    a later one does not lose it."""
    say(f"done: {msgspec.json.encode({name: found}).decode()}")
    return {name: found}


def say(what: str) -> None:
    print(f"bench: {what}", file=sys.stderr, flush=True)
