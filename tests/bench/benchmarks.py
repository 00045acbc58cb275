"""The benchmarks by name, and ``main``."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import uvloop
from tests.bench.dense import DENSE, dense
from tests.bench.embedded import embedded
from tests.bench.following import FOLLOWING, following
from tests.bench.freshness import freshness
from tests.bench.history import history_cost
from tests.bench.intake import INTAKE, intake
from tests.bench.latency import LATENCY, latency
from tests.bench.listing import LISTING, listing
from tests.bench.long import LONG, long
from tests.bench.projecting import PROJECTING, hot_customer, projecting
from tests.bench.reading import READING, reading
from tests.bench.report import circumstances
from tests.bench.running import FULL_EVENTS, Asked, Report, say
from tests.bench.servers import servers

from cx_events.errors import Refused
from cx_hub import stack
from cx_runtime.settings import Settings

ROUNDS = 3
QUICK_EVENTS = 2_000


@dataclass(frozen=True, slots=True)
class Race:
    """Benchmarks that are measured together, and the servers that they need."""

    names: Sequence[str]
    needed: frozenset[stack.Server]
    run: Callable[[Asked], Awaitable[Report]]


RACES = (
    Race(PROJECTING, stack.PARTS, projecting),
    Race(DENSE, stack.PARTS, dense),
    Race(("history_cost",), stack.PARTS, history_cost),
    Race(("hot_customer",), stack.PARTS, hot_customer),
    Race(INTAKE, frozenset({"kafka"}), intake),
    Race(READING, frozenset({"postgres"}), reading),
    Race(LATENCY, stack.PARTS, latency),
    Race(LISTING, frozenset({"postgres"}), listing),
    Race(LONG, frozenset({"postgres"}), long),
    Race(("embedded_vs_sqlite",), frozenset(), embedded),
    Race(("freshness_p99_vs_kafka",), stack.PARTS, freshness),
    Race(FOLLOWING, stack.PARTS, following),
)
NAMES = tuple(name for race in RACES for name in race.names)


def main(
    names: Sequence[str] = (),
    *,
    rounds: int | None = None,
    events: int | None = None,
    quick: bool = False,
    settings: Settings | None = None,
) -> int:
    """Run benchmarks (all unless named) and print one JSON object; 0 even where a target is missed.

    ``rounds``: pairs measured, 7 for figures to publish. ``events``: distinct events in the log. ``quick``: few of
    both, to see that all runs. Without ``CX_LOG_URL`` or ``CX_STORE_URL`` the stack's servers are used. ``Refused`` for
    an unknown name or a server that is not durable, ``Fatal`` where a contender did not do what it was measured for.
    """
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        raise Refused("unknown-benchmark", f"{unknown[0]!r} is none of {', '.join(NAMES)}")
    rounds = (1 if quick else ROUNDS) if rounds is None else rounds
    events = (QUICK_EVENTS if quick else FULL_EVENTS) if events is None else events
    if rounds < 1 or events < 1:
        raise Refused("bad-count", "rounds and events must be 1 or more")
    # The client tells of every partition whose leader a topic just made does not know yet.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    races = [race for race in RACES if not names or set(names) & set(race.names)]
    needed = frozenset[stack.Server]().union(*(race.needed for race in races))
    with servers(settings or Settings(), needed) as found, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        report = runner.run(run(names or NAMES, rounds, events, found))
    print(msgspec.json.format(msgspec.json.encode(report)).decode())
    return 0


async def run(
    names: Sequence[str], rounds: int, events: int, settings: Settings, *, fetches: bool = True
) -> dict[str, Any]:
    """The report of benchmarks, in the order of ``NAMES``. ``fetches``: see ``Asked``."""
    report: dict[str, Any] = {"before": circumstances(), "rounds": rounds, "events": events}
    for race in RACES:
        asked = [name for name in race.names if name in names]
        if not asked:
            continue
        say(", ".join(asked))
        with tempfile.TemporaryDirectory(prefix="cx-bench-") as folder:
            report |= await race.run(Asked(asked, rounds, events, settings, Path(folder), fetches))
    report["after"] = circumstances()
    return report
