"""Health means progress, not liveness.

The commonest fault of engines of this kind is to be alive and not to progress, silently. So each worker keeps a
``Progress`` that it marks whenever it has done something or has found nothing to do, and readiness fails, naming it,
once a mark is too old; liveness fails once it is far too old. What a service needs (log, store) is asked by a probe.

    health = Health()
    progress = health.progress("projector-0", max_age=30.0); ...; progress.mark()
    health.probe("log", check_log)
    report = await health.ready()
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from msgspec import Struct

from cx_events.errors import CxError

Probe = Callable[[], Awaitable[object]]
"""Returns if the part answers, raises if not."""

DEFAULT_MAX_AGE = 30.0
STUCK_AFTER = 10.0
"""A worker that has not even tried for so many times its ``max_age`` never will: its process is to be started again."""
PROBE_TIMEOUT = 2.0


class Part(Struct, frozen=True, omit_defaults=True):
    """``age``: seconds since the last progress. ``why``: what is wrong, for people."""

    ok: bool
    why: str = ""
    age: float | None = None


class Report(Struct, frozen=True):
    ok: bool
    parts: Mapping[str, Part]


class Progress:
    """One worker's marks. ``max_age`` in seconds. It starts as just marked."""

    def __init__(self, max_age: float, clock: Callable[[], float]) -> None:
        self.max_age = max_age
        self._clock = clock
        self._marked = self._tried = clock()

    def mark(self) -> None:
        self._marked = self._tried = self._clock()

    def tried(self) -> None:
        """No progress, but it is not the worker's fault: a part that it needs told it to try again later."""
        self._tried = self._clock()

    @property
    def age(self) -> float:
        return self._clock() - self._marked

    @property
    def idle(self) -> float:
        """Seconds since it last did or tried anything."""
        return self._clock() - self._tried


class Health:
    """The named parts of a process. ``clock``: seconds, monotonic."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._progress: dict[str, Progress] = {}
        self._probes: dict[str, Probe] = {}
        self._failures: dict[str, str] = {}
        self._leaving = ""

    def progress(self, name: str, max_age: float = DEFAULT_MAX_AGE) -> Progress:
        """A worker's marks, from now on part of readiness."""
        self._progress[name] = Progress(max_age, self._clock)
        return self._progress[name]

    def probe(self, name: str, check: Probe) -> None:
        """Ask ``check`` at each readiness report; one that needs longer than 2 s counts as down."""
        self._probes[name] = check

    def fail(self, name: str, why: str) -> None:
        """A part has stopped for good: the process is neither live nor ready until it is started again."""
        self._failures[name] = why

    def leave(self, why: str) -> None:
        """The process is about to end in good order: it is alive, and not ready any more."""
        self._leaving = why

    def forget(self, name: str) -> None:
        """A part that is no longer run."""
        for parts in (self._progress, self._probes, self._failures):
            parts.pop(name, None)

    def ages(self) -> Mapping[str, float]:
        """Seconds since each worker's last progress."""
        return {name: progress.age for name, progress in self._progress.items()}

    def live(self) -> Report:
        """Whether this process is worth keeping: false once a part has failed for good, or a worker is stuck. One that
        waits for the log or the store is not."""
        parts = {
            name: _progressing(progress.idle, progress.max_age * STUCK_AFTER)
            for name, progress in self._progress.items()
            if progress.idle > progress.max_age * STUCK_AFTER
        }
        parts |= {name: Part(ok=False, why=why) for name, why in self._failures.items()}
        return Report(ok=not parts, parts=parts)

    async def ready(self) -> Report:
        """Whether every part answers and progresses."""
        parts = {name: _progressing(progress.age, progress.max_age) for name, progress in self._progress.items()}
        probes = list(self._probes.items())
        answers = await asyncio.gather(*(_asked(check) for _, check in probes))
        parts |= {name: answer for (name, _), answer in zip(probes, answers, strict=True)}
        parts |= self.live().parts
        if self._leaving:
            parts["process"] = Part(ok=False, why=self._leaving)
        return Report(ok=all(part.ok for part in parts.values()), parts=parts)


def _progressing(age: float, allowed: float) -> Part:
    age = round(age, 3)
    if age <= allowed:
        return Part(ok=True, age=age)
    return Part(ok=False, age=age, why=f"no progress for {age:.0f} s; {allowed:.0f} s are allowed")


async def _asked(check: Probe) -> Part:
    try:
        async with asyncio.timeout(PROBE_TIMEOUT):
            await check()
    except TimeoutError:
        return Part(ok=False, why=f"no answer within {PROBE_TIMEOUT:.0f} s")
    except CxError as error:
        return Part(ok=False, why=str(error))
    except Exception as error:  # a probe's fault is a part's fault, not the report's
        return Part(ok=False, why=f"{type(error).__name__}: {error}")
    return Part(ok=True)
