"""Tell whether a process makes progress: health means that, not liveness.

The commonest fault of engines of this kind is to be alive and not to progress, silently. So each worker has a
``Progress`` that it marks whenever it has done something or has found nothing to do. Readiness fails, naming the
worker, from when it is expected until its first mark, while it waits for a part that is away, once its mark is too old,
and when it has ended. Liveness fails once it has not even tried for far too long. What a service needs (log, store) is
asked by a probe.

    health = Health()
    health.expect("projector-0", max_age=30.0)        # whoever composes the process says who must be at work
    progress = health.progress("projector-0"); ...; progress.mark(); ...; progress.end()
    health.probe("log", check_log)
    report = await health.ready()
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from msgspec import Struct

from cx_events.cancellation import guard_cancellation
from cx_events.errors import CxError, TryLater
from cx_runtime.outages import Outages

Probe = Callable[[], Awaitable[object]]
"""Returns if the part answers, raises if not."""

DEFAULT_MAX_AGE = 30.0
STUCK_AFTER = 10.0
"""A worker that has not even tried for so many times its ``max_age`` never will: its process is to be started again."""
PROBE_TIMEOUT = 2.0


class ComponentHealth(Struct, frozen=True, omit_defaults=True):
    """``age``: seconds since the last progress. ``why``: what is wrong, for people."""

    ok: bool
    why: str = ""
    age: float | None = None


class Report(Struct, frozen=True, omit_defaults=True):
    """``notes``: what does not work as it is set up, by name, while everything else does; ``ok`` all the same."""

    ok: bool
    parts: Mapping[str, ComponentHealth]
    notes: Mapping[str, str] = {}


class Progress:
    """One worker's marks. ``max_age`` in seconds. It begins as just marked, unless it is only ``expected``."""

    def __init__(
        self, name: str, max_age: float, clock: Callable[[], float], outages: Outages, *, expected: bool = False
    ) -> None:
        self.max_age = max_age
        self._name = name
        self._clock = clock
        self._outages = outages
        self._tried = clock()
        self._marked = None if expected else self._tried
        self._at_work = not expected
        self._trouble = ""

    def begin(self) -> None:
        """The worker is there, perhaps again. After an end it has to show progress before it counts."""
        if not self._at_work:
            self._at_work, self._tried = True, self._clock()

    def mark(self) -> None:
        self._marked = self._tried = self._clock()
        self._at_work = True
        if self._trouble:
            self._trouble = ""
            self._outages.back(self._name)

    def tried(self, why: TryLater) -> None:
        """No progress, but it is not the worker's fault: a part that it needs told it to try again later."""
        self._tried = self._clock()
        self._trouble = f"it waits for {why}"
        self._outages.away(why.part, self._name, why.detail)

    def failed(self, why: str) -> None:
        """No progress, by a fault that is told elsewhere. It counts as not even tried."""
        self._trouble = why

    def end(self) -> None:
        """The worker is over, though it is still expected. What it reported counts no more."""
        self._at_work, self._marked = False, None
        self._trouble = ""
        self._outages.back(self._name)

    @property
    def age(self) -> float | None:
        """Seconds since the last mark; None while nobody is at work."""
        return None if self._marked is None else self._clock() - self._marked

    @property
    def idle(self) -> float:
        """Seconds since it last did or tried anything; 0 while nobody is at work, whose absence is another matter."""
        return self._clock() - self._tried if self._at_work else 0.0

    def part(self) -> ComponentHealth:
        """Return this worker's state for the readiness report."""
        age = self.age
        if age is None:
            return ComponentHealth(
                ok=False, why="it has shown no progress yet" if self._at_work else "it is not at work"
            )
        age = round(age, 3)
        if self._trouble:
            return ComponentHealth(ok=False, age=age, why=self._trouble)
        return _progressing(age, self.max_age)


class Health:
    """The named parts of a process. ``clock``: seconds, monotonic."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._progress: dict[str, Progress] = {}
        self._outages = Outages(clock)
        self._probes: dict[str, Probe] = {}
        self._asked: dict[str, asyncio.Task[ComponentHealth]] = {}
        self._failures: dict[str, str] = {}
        self._leaving = ""
        self._notes: dict[str, str] = {}

    def expect(self, name: str, max_age: float = DEFAULT_MAX_AGE) -> Progress:
        """A worker that must be at work: from now on readiness fails unless it is and progresses."""
        self._progress[name] = Progress(name, max_age, self._clock, self._outages, expected=True)
        return self._progress[name]

    def progress(self, name: str, max_age: float = DEFAULT_MAX_AGE) -> Progress:
        """The marks of a worker that begins now, whether it was expected or not."""
        known = self._progress.get(name)
        if known is None:
            known = self._progress[name] = Progress(name, max_age, self._clock, self._outages)
        known.max_age = max_age
        known.begin()
        return known

    def away(self, who: str, why: TryLater) -> None:
        """``who``, which need be no worker, can't go on without a part. It is told, but not more often than useful."""
        self._outages.away(why.part, who, why.detail)

    def back(self, who: str) -> None:
        self._outages.back(who)

    def probe(self, name: str, check: Probe) -> None:
        """Ask ``check`` at each readiness report; one that needs longer than 2 s counts as down."""
        self._probes[name] = check

    def fail(self, name: str, why: str) -> None:
        """A part has stopped for good: the process is neither live nor ready until it is started again."""
        self._failures[name] = why

    def note(self, name: str, why: str) -> None:
        """Name something that does not work as it is set up. Readiness tells it and holds: others are served."""
        self._notes[name] = why

    def unnote(self, name: str) -> None:
        """Name it no more."""
        self._notes.pop(name, None)

    def leave(self, why: str) -> None:
        """The process is about to end in good order: it is alive, and not ready any more."""
        self._leaving = why

    def forget(self, name: str) -> None:
        """A part that is no longer run, as was wanted."""
        for parts in (self._progress, self._probes, self._failures):
            parts.pop(name, None)
        self._outages.back(name)

    def ages(self) -> Mapping[str, float]:
        """Seconds since the last progress of each worker that is at work."""
        ages = {name: progress.age for name, progress in self._progress.items()}
        return {name: age for name, age in ages.items() if age is not None}

    def live(self) -> Report:
        """Return whether this process should be kept: not once a part has failed for good or a worker is stuck. A
        worker that waits for the log or the store is not stuck."""
        parts = {
            name: _progressing(progress.idle, progress.max_age * STUCK_AFTER)
            for name, progress in self._progress.items()
            if progress.idle > progress.max_age * STUCK_AFTER
        }
        parts |= {name: ComponentHealth(ok=False, why=why) for name, why in self._failures.items()}
        return Report(ok=not parts, parts=parts)

    async def ready(self) -> Report:
        """Return whether every part answers and makes progress."""
        answers = await asyncio.gather(*(self._ask(name, check) for name, check in self._probes.items()))
        parts = {name: progress.part() for name, progress in self._progress.items()}
        parts |= dict(answers)
        parts |= self.live().parts
        if self._leaving:
            parts["process"] = ComponentHealth(ok=False, why=self._leaving)
        return Report(ok=all(part.ok for part in parts.values()), parts=parts, notes=dict(self._notes))

    async def _ask(self, name: str, check: Probe) -> tuple[str, ComponentHealth]:
        """Ask a probe, once at a time: a driver takes its time to give up a frozen server, and is not waited for."""
        task = self._asked.get(name)
        if task is None:
            task = self._asked[name] = asyncio.create_task(_answer(check), name=f"probe of {name}")
            task.add_done_callback(lambda _: self._asked.pop(name, None))
        done, _ = await asyncio.wait({task}, timeout=PROBE_TIMEOUT)
        if not done:
            task.cancel()
            return name, ComponentHealth(ok=False, why=f"no answer within {PROBE_TIMEOUT:g} s")
        return name, task.result() if not task.cancelled() else ComponentHealth(ok=False, why="the probe was cancelled")


def _progressing(age: float, allowed: float) -> ComponentHealth:
    age = round(age, 3)
    if age <= allowed:
        return ComponentHealth(ok=True, age=age)
    return ComponentHealth(ok=False, age=age, why=f"no progress for {age:.0f} s; {allowed:.0f} s are allowed")


async def _answer(check: Probe) -> ComponentHealth:
    try:
        with guard_cancellation("the probe"):
            await check()
    except CxError as error:
        return ComponentHealth(ok=False, why=str(error))
    except Exception as error:  # a probe's fault is a part's fault, not the report's
        return ComponentHealth(ok=False, why=f"{type(error).__name__}: {error}")
    return ComponentHealth(ok=True)
