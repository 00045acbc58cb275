"""Share what trials need: services in processes that can be killed, servers of their own, and what must hold."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests import parts
from tests.forked import Process, begun
from tests.patience import PATIENCE
from tests.processes import bare_environment

from cx_context.store import Store, offsets, open_store
from cx_events.log import INTERACTIONS, Log, LogRecord, Partition
from cx_events.log.declarations import TopicDeclaration
from cx_events.log.open import open_log
from cx_hub import stack
from cx_identity.rules import DEFAULT
from cx_projectors.tenancy import Tenancy
from cx_projectors.verify import verify
from cx_runtime.tenants import Tenants, load

TENANT = "acme"
MICROS = 1_000_000
LOOK_SECONDS = 0.1


class Service:
    """``cx COMMAND`` in a process of its own, which can be killed and started again."""

    def __init__(self, command: str, settings: Mapping[str, str], said: Path) -> None:
        self.command = command
        self.said = said
        self._environment = {**bare_environment(), "CX_LOG_LEVEL": "warning", "CX_SMTP_PORT": "0", **settings}
        self._process: Process | None = None
        self._said_before = 0

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        with self.said.open("ab") as output:
            self._said_before = output.tell()
            self._process = begun(self.command.split(), self._environment, stderr=output)

    async def ready(self) -> None:
        """Returns once it says so, this time."""
        assert self._process is not None
        while b"ready: " not in self.said.read_bytes()[self._said_before :]:
            self.check_running()
            await asyncio.sleep(LOOK_SECONDS)

    def check_running(self) -> None:
        """Raise AssertionError with what it said if it ended by itself: who waits for it would wait for ever."""
        assert self.ended() is None, f"cx {self.command} ended: {self.said.read_text()[-3000:]}"

    def ended(self) -> int | None:
        """Return the exit code; None while it runs."""
        assert self._process is not None
        return self._process.poll()

    def kill(self) -> None:
        """SIGKILL: no goodbye."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def stop(self) -> int:
        """SIGTERM; the exit code. ``subprocess.TimeoutExpired`` if it does not end."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(PATIENCE)


@dataclass
class Ground:
    """One hub's settings, as its services and the trial itself see them."""

    home: Path
    settings: Mapping[str, str]

    def service(self, command: str, name: str, **more: str) -> Service:
        return Service(command, {"CX_HOME": str(self.home), **self.settings, **more}, self.home / f"{name}.txt")

    @property
    def tenants(self) -> Tenants:
        return load(None, self.home, {})

    @property
    def key(self) -> str:
        return self.tenants.by_name[TENANT].keys[0].secret

    @property
    def tenancies(self) -> dict[str, Tenancy]:
        return {name: Tenancy(self.tenants.ids(name), DEFAULT) for name in self.tenants.by_name}

    @property
    def window(self) -> int:
        """Microseconds."""
        return self.tenants.by_name[TENANT].threading.window * MICROS

    @asynccontextmanager
    async def log(self, declared: Mapping[str, TopicDeclaration] | None = None) -> AsyncIterator[Log]:
        """The hub's log, or others of its topics."""
        log = open_log(
            self.settings.get("CX_LOG_URL", f"sqlite:///{self.home / 'log.db'}"),
            prefix=self.settings.get("CX_TOPIC_PREFIX", ""),
            declared=declared,
        )
        await log.start()
        try:
            yield log
        finally:
            await log.stop()

    @asynccontextmanager
    async def store(self, url: str = "") -> AsyncIterator[Store]:
        store = open_store(url or self.settings.get("CX_STORE_URL", f"sqlite+aiosqlite:///{self.home / 'store.db'}"))
        await store.start()
        try:
            yield store
        finally:
            await store.stop()


@contextmanager
def home() -> Iterator[Path]:
    with TemporaryDirectory(prefix="throughline-trial-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def servers(*wanted: stack.Server) -> Iterator[tuple[Path, Mapping[str, str]]]:
    """Servers of this trial's own: their home, by which they can be killed, and the settings that point at them."""
    with parts.own_stack() as folder:
        yield folder, stack.env(stack.start(folder, set(wanted)))


@contextmanager
def running(services: Sequence[Service], tasks: Sequence[asyncio.Task[Any]]) -> Iterator[None]:
    """The services, started; whatever comes, none of them and no task goes on afterwards."""
    try:
        for service in services:
            service.start()
        yield
    finally:
        for task in tasks:
            task.cancel()
        for service in services:
            service.kill()


@dataclass
class Trial:
    """Tells what happens, and whether what must hold did."""

    name: str
    broken: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self.started:7.1f} s  {text}", flush=True)

    def check(self, holds: bool, what: str) -> None:
        self.say(f"{'held' if holds else 'BROKEN'}: {what}")
        if not holds:
            self.broken.append(what)

    async def ended_well(self, service: Service) -> None:
        """Ask a service to stop, once it is ready: it must do so by itself, and have said nothing of a fault."""
        await service.ready()
        code = service.stop()
        said = service.said.read_text()
        self.check(code == 0, f"cx {service.command} stops when asked to (exit {code})")
        self.check("Traceback" not in said, f"cx {service.command} told of no fault{fault_in(said)}")

    async def verified(self, ground: Ground, store: Store, log: Log) -> None:
        """``cx verify``: everything applied, nothing lost, every context as defined."""
        known = {name: (tenancy, ground.window) for name, tenancy in ground.tenancies.items()}
        found = await verify(store, log, known)
        self.check(
            not found.wrong and not found.behind,
            f"verify: {found.records} records, {found.events} events, {found.customers} customers, "
            f"{found.behind} behind, {len(found.wrong)} findings{''.join(f'; {one}' for one in found.wrong[:5])}",
        )

    def end(self) -> int:
        """The exit code."""
        verdict = f"{len(self.broken)} BROKEN" if self.broken else "all held"
        self.say(f"{self.name}: {verdict}")
        return 1 if self.broken else 0


def fault_in(said: str) -> str:
    """What it said about the first fault, if it met one."""
    place = said.find("Traceback")
    return f":\n{said[max(place - 500, 0) : place + 3000]}" if place >= 0 else ""


def run(trial: Coroutine[Any, Any, Trial]) -> int:
    return asyncio.run(trial).end()


def command(described: str | None, trial: Callable[..., Coroutine[Any, Any, Trial]], **counts: float) -> int:
    """A trial as a command: an option for each of its ``counts``, with its usual value."""
    parser = argparse.ArgumentParser(description=described, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, usual in counts.items():
        parser.add_argument(f"--{name}", type=type(usual), default=usual)
    return run(trial(**vars(parser.parse_args())))


async def applied(store: Store) -> int:
    """How many records of the interactions are applied; offsets may have gaps, so it is at least that."""
    async with store.reading() as tx:
        return sum(at[0] for partition, at in (await offsets.progress(tx)).items() if partition.topic == INTERACTIONS)


async def caught_up(store: Store, log: Log) -> None:
    """Returns once the store has all that the log holds now."""
    ends = {Partition(INTERACTIONS, number): end for number, end in (await log.end_offsets(INTERACTIONS)).items()}
    while True:
        async with store.reading() as tx:
            done = await offsets.progress(tx)
        if all(partition in done and done[partition][0] >= end for partition, end in ends.items()):
            return
        await asyncio.sleep(LOOK_SECONDS)


async def all_records(log: Log) -> AsyncIterator[LogRecord]:
    """The interactions from the log's start to its end as it is now."""
    ends = {number: end for number, end in (await log.end_offsets(INTERACTIONS)).items() if end}
    reader = log.reader()
    reader.assign({Partition(INTERACTIONS, number): 0 for number in ends})
    try:
        while ends:
            for record in await reader.read(5_000):
                yield record
                if record.offset + 1 >= ends.get(record.partition, 0):
                    ends.pop(record.partition, None)
    finally:
        await reader.close()
