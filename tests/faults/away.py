"""Servers that go away and come back: which, for how long, and how."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import secrets
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import NamedTuple

import msgspec
from tests import parts

from cx_hub import stack

SECONDS = (1, 5, 9, 15, 60)
WAYS = (signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP)
WHAT: Mapping[str, tuple[stack.Server, ...]] = {
    "broker": ("kafka",),
    "database": ("postgres",),
    "both": ("kafka", "postgres"),
}
TERM_SECONDS = 30.0


@dataclass(frozen=True)
class Outage:
    what: str
    seconds: float
    how: signal.Signals

    @property
    def parts(self) -> tuple[stack.Server, ...]:
        return WHAT[self.what]

    def __str__(self) -> str:
        return f"{self.what} away for {self.seconds:g} s by {self.how.name}"


def planned(times: int, seed: int, most: float = SECONDS[-1]) -> list[Outage]:
    """So many outages at random, none twice before each was there once. ``most``: seconds."""
    dice = random.Random(seed)
    every = [Outage(what, seconds, how) for what, seconds, how in product(WHAT, SECONDS, WAYS) if seconds <= most]
    found: list[Outage] = []
    while len(found) < times:
        found += dice.sample(every, len(every))
    return found[:times]


@dataclass
class Servers:
    """The servers of a stack's home. ``take`` and ``bring_back`` block: call them in a thread."""

    home: Path
    frozen: list[int] = field(default_factory=list)

    def take(self, outage: Outage) -> None:
        for part in outage.parts:
            pid = stack.status(self.home)[part].pid
            assert pid is not None, f"{part} does not run"
            if outage.how is signal.SIGSTOP:
                family = [pid, *children(pid)]
                self.frozen += family
                signal_all(family, signal.SIGSTOP)
            elif outage.how is signal.SIGKILL:
                stack.kill(self.home, part)
            else:
                os.kill(pid, signal.SIGTERM)

    def is_gone(self, outage: Outage) -> bool:
        """Whether the first of its parts answers no more. Told to end by SIGTERM, the broker takes a while, and
        PostgreSQL serves those who are connected until they leave ("smart shutdown")."""
        return outage.how is not signal.SIGTERM or stack.status(self.home)[outage.parts[0]].state != "running"

    def bring_back(self, outage: Outage) -> None:
        """Returns once they answer again."""
        signal_all(self.frozen, signal.SIGCONT)
        self.frozen.clear()
        if outage.how is signal.SIGTERM:
            for part in outage.parts:
                self._ended(part)
        stack.start(self.home, outage.parts)

    def _ended(self, part: stack.Server) -> None:
        """One that still waits for its clients is told more firmly, as whoever runs a server would do."""
        status = stack.status(self.home)[part]
        until = time.monotonic() + TERM_SECONDS
        if status.pid is not None and part == "postgres":
            signal_all([status.pid], signal.SIGINT)
        while stack.status(self.home)[part].state == "running":
            if time.monotonic() > until and status.pid is not None:
                signal_all([status.pid], signal.SIGKILL)
            time.sleep(0.05)


@contextmanager
def own_servers() -> Iterator[tuple[Servers, Mapping[str, str]]]:
    """A Kafka and a PostgreSQL, and the settings that point at them."""
    with parts.own_stack() as home:
        keep_ports(home)
        yield Servers(home), stack.env(stack.start(home, stack.PARTS))


def keep_ports(home: Path) -> None:
    """Give a stack that is yet to be made ports that no client is given by the system. From those, whoever tries to
    connect to a server that is away may at last be connected to itself, and hold the server's port."""
    ports = iter(_unused_ports())
    state = {
        "parts": {
            "kafka": {"port": next(ports), "controller_port": next(ports)},
            "postgres": {"port": next(ports), "password": secrets.token_urlsafe(24)},
        }
    }
    (home / "stack.json").write_bytes(msgspec.json.encode(state))


def _unused_ports() -> Iterator[int]:
    while True:
        port = random.randrange(15_000, 32_000)
        with contextlib.closing(socket.socket()) as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            yield port


def children(parent: int) -> list[int]:
    """A process's children: PostgreSQL serves each connection by one."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(stat.parent.name))
    return found


def signal_all(processes: list[int], what: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, what)


class Times(NamedTuple):
    """Of an outage, on the monotonic clock: told to go, gone (None if it never was), told to come back, back."""

    told: float
    gone: float | None
    called: float
    back: float


async def away(servers: Servers, outage: Outage) -> Times:
    """Carry an outage out."""
    told = time.monotonic()
    await asyncio.to_thread(servers.take, outage)
    gone = None
    try:
        while time.monotonic() < told + outage.seconds:
            if gone is None and await asyncio.to_thread(servers.is_gone, outage):
                gone = time.monotonic()
            await asyncio.sleep(0.1)
    finally:
        called = time.monotonic()
        await asyncio.to_thread(servers.bring_back, outage)
    return Times(told, gone, called, time.monotonic())
