"""Measure ``cx verify`` of a hub, and a replay to a file beside a bare consumer that writes the same bytes.

Processes of their own, from their start to their end.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from tests.faults.ground import Ground, Service

from cx_events.log import INTERACTIONS

_LOOK = 0.05


async def verified(ground: Ground, events: int) -> dict[str, float]:
    """Measure a verification, which must find nothing wrong."""
    return _rate(events, await _ended(ground.service("verify", "verify")))


async def replayed(ground: Ground, events: int) -> dict[str, float]:
    """Measure a replay of all events to a file, and the bare consumer. ``ratio``: of their rates."""
    ours, bare = ground.home / "replayed.jsonl", ground.home / "bare.jsonl"
    command = f"replay run --target {ours} --why measured"
    seconds = await _ended(ground.service(command, "replay"))
    began = time.perf_counter()
    topic = ground.settings["CX_TOPIC_PREFIX"] + INTERACTIONS
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.floors.replay", ground.settings["CX_LOG_URL"], topic, str(bare)
    )
    assert await child.wait() == 0
    floor = time.perf_counter() - began
    found = {"bare_" + name: value for name, value in _rate(events, floor).items()}
    assert min(_lines(ours), _lines(bare)) >= events, "not all was written"
    return {**_rate(events, seconds), **found, "ratio": round(floor / seconds, 2)}


async def _ended(service: Service) -> float:
    """Return the seconds until a command has ended well."""
    began = time.perf_counter()
    service.start()
    try:
        while service.ended() is None:
            await asyncio.sleep(_LOOK)
        assert service.ended() == 0, service.said.read_text()[-2000:]
        return time.perf_counter() - began
    finally:
        service.kill()


def _rate(events: int, seconds: float) -> dict[str, float]:
    return {"seconds": round(seconds, 1), "rate": round(events / seconds)}


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
