"""Whether the memory of services stays flat, but for caches that are still filling."""

from __future__ import annotations

import asyncio
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.ground import Service, Trial

KEPT_TAKES = {"api": 1.4, "projectors": 1.0}
"""Resident bytes for each byte that a service tells of its caches (``cx_cache_bytes``), measured. An API's are of all
sizes and dropped by chance, which leaves gaps; of a projector's parts more is told than they take."""

PAGE = 4096
FEWEST = 3
"""Samples: one for each third. A process that has too much to do tells seldom."""

ANSWER_SECONDS = 30.0


@dataclass
class Memory:
    """Resident bytes of processes, and what those tell of their caches, which fill for as long as customers' histories
    grow: hours where little is taken. ``ports``: where the metrics of each are; ``key``: what opens them."""

    services: Mapping[str, Service]
    ports: Mapping[str, int]
    key: str
    samples: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    kept: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    async def watch(self, every: float) -> None:
        """Look at all of them every so many seconds, until cancelled."""
        while True:
            for name, service in self.services.items():
                kept = await cache_bytes(self.ports[name], self.key)
                if kept is not None:
                    self.samples[name].append(resident(service.pid))
                    self.kept[name].append(kept)
            await asyncio.sleep(every)

    def check(self, trial: Trial, percent: float, spare: int) -> None:
        """Compare the last third with the first, of each its median. Memory may grow by what caches grew by; once they
        are full, or where there are none, by no more than ``percent`` and ``spare`` bytes."""
        for name in self.services:
            samples = self.samples[name]
            trial.check(len(samples) >= FEWEST, f"memory of {name} was measured {len(samples)} times")
            if len(samples) < FEWEST:
                continue
            first, last = thirds(samples)
            kept_first, kept_last = thirds(self.kept[name])
            filling = KEPT_TAKES.get(name, 0.0) * max(kept_last - kept_first, 0.0)
            shown = (
                f"{first / 1e6:.0f} MB in the first third, {last / 1e6:.0f} in the last, {max(samples) / 1e6:.0f} once"
            )
            told = f"caches tell of {kept_first / 1e6:.0f} and {kept_last / 1e6:.0f}"
            flat = last <= first * (1 + percent / 100) + spare + filling
            trial.check(flat, f"memory of {name} stays flat but for its caches: {shown}; {told}")


def thirds(samples: Sequence[float]) -> tuple[float, float]:
    """Return the medians of the first third and of the last."""
    third = len(samples) // 3
    return statistics.median(samples[:third]), statistics.median(samples[-third:])


async def cache_bytes(port: int, key: str) -> float | None:
    """Return what a process tells of its caches; None where it has no time to."""
    head = f"GET /metrics HTTP/1.1\r\nhost: hub\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\r\n"
    content = b""
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head.encode())
            content = await reader.read()
            writer.close()
    if not content.startswith(b"HTTP/1.1 200 "):
        return None
    lines = [line for line in content.decode().splitlines() if line.startswith("cx_cache_bytes{")]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def resident(pid: int) -> int:
    """Return a process's resident bytes; https://man7.org/linux/man-pages/man5/proc_pid_statm.5.html."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * PAGE
