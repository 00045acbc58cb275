"""``python -m tests.bench.whole_hub``: what a hub in one process takes for each event of a tenant's ordinary load.

The load is that of the fault trials (``tests.faults.quiet``): 200 events and 20 reads a second, 50 followers, 10 chats.
Printed is a line of JSON: the CPU seconds of the hub's process, of PostgreSQL and of the broker by event, and how
many batches and notices these were. CPU means something on a machine that others use; latencies do not.

With ``CX_LOG_URL`` (and a ``CX_TOPIC_PREFIX`` of its own) and ``CX_STORE_URL`` of an empty database these are used,
else servers of its own are started.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from tests.bench.measure import cpu_seconds, process_clock
from tests.faults.ground import Service, home, servers
from tests.faults.neighbours import NeighboursGround
from tests.faults.quiet import Quiet

from cx_hub.stack.processes import free_port

SETTLE_SECONDS = 3.0
_SETTINGS = ("CX_LOG_URL", "CX_STORE_URL", "CX_TOPIC_PREFIX")
_COUNTED = ("cx_projector_batch_seconds_count", "cx_relay_notices_total", "cx_lists_written_total")


class _Reading(NamedTuple):
    """``own``: CPU seconds of the process; ``family``: with those of its children; ``counted``: by metric."""

    own: float
    family: float
    events: int
    counted: Mapping[str, float]


async def measured(ground: NeighboursGround, seconds: float, pause: float, load: float) -> dict[str, float]:
    """Return what the hub took for each event. ``pause``: seconds between the process id's line and the reading.
    ``load``: a share of the usual one."""
    ground = ground.configured()
    port, metrics_port = free_port(), free_port()
    hub = ground.service(f"up --port {port}", "hub", CX_METRICS_PORT=str(metrics_port), CX_HOST="127.0.0.1")
    hub.start()
    try:
        await hub.ready()
        quiet = Quiet(port, ground.secret("quiet"), ground.tenants.ids("quiet"), "quiet-chat", load)
        await quiet.fill()
        living = asyncio.create_task(quiet.run())
        await asyncio.sleep(SETTLE_SECONDS)
        print(f"the hub is process {hub.pid}", file=sys.stderr, flush=True)
        await asyncio.sleep(pause)
        quiet.seen.seconds.clear()
        before = await _reading(hub, metrics_port, quiet)
        await asyncio.sleep(seconds)
        after = await _reading(hub, metrics_port, quiet)
        assert not living.done(), living.result()
        living.cancel()
        await asyncio.wait([living])
        return _told(before, after, quiet, seconds)
    finally:
        hub.kill()


async def _reading(hub: Service, metrics_port: int, quiet: Quiet) -> _Reading:
    family = cpu_seconds(hub.pid)
    own = process_clock(hub.pid)
    assert family is not None
    assert own is not None
    text = await asyncio.to_thread(_metrics, metrics_port)
    counted = {
        name: sum(float(value) for value in re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", text, re.MULTILINE))
        for name in _COUNTED
    }
    return _Reading(own, family, quiet.number, counted)


def _metrics(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        return str(answer.read().decode())


def _told(before: _Reading, after: _Reading, quiet: Quiet, seconds: float) -> dict[str, float]:
    events = after.events - before.events
    told = {
        "events": events,
        "seconds": seconds,
        "cpu_ms_per_event": round(1000 * (after.own - before.own) / events, 3),
        "children_ms_per_event": round(1000 * (after.family - after.own - before.family + before.own) / events, 3),
    }
    told["refused_or_lost"] = len(quiet.seen.wrong)
    for name in _COUNTED:
        told[f"{name}_per_event"] = round((after.counted[name] - before.counted[name]) / events, 3)
    for what in ("posts", "reads", "frames", "acks"):
        for percent in (50, 99):
            told[f"{what}_p{percent}_ms"] = round(1000 * quiet.seen.percentile(what, "quiet", percent), 1)
    return told


@contextmanager
def _parts() -> Iterator[Mapping[str, str]]:
    if "CX_STORE_URL" in os.environ:
        yield {name: os.environ[name] for name in _SETTINGS if name in os.environ}
        return
    with servers("kafka", "postgres") as (_, settings):
        yield settings


def main(arguments: Sequence[str]) -> int:
    """Measure as ``arguments`` say, and print it."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.whole_hub", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds before it, to attach a profiler")
    parser.add_argument("--load", type=float, default=1.0, help="a share of that load (default %(default)s)")
    asked = parser.parse_args(arguments)
    with home() as folder, _parts() as settings:
        told = asyncio.run(measured(NeighboursGround(folder, settings), asked.seconds, asked.pause, asked.load))
    print(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
