"""Watch a hub from outside as a trial does: its ``/readyz``, and whether it really goes on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import httpx2

from cx_context.store import Store, offsets
from cx_events.errors import TryLater
from cx_events.log import INTERACTIONS, Log

LOOK_SECONDS = 0.25
ASK_SECONDS = 10.0
STALLED_SECONDS = 6.0
"""Records wait and none is applied for so long: whoever applies them is gone, whatever it says."""


class Answer(NamedTuple):
    """Of ``/readyz``, asked at ``began``."""

    began: float
    ended: float
    ready: bool
    why: str


class Sample(NamedTuple):
    """``applied`` and ``end``: records of all partitions."""

    at: float
    applied: int
    end: int


@dataclass
class Watching:
    """``urls``: of each process. ``stalls``: what was wrong, in words."""

    urls: Mapping[str, str]
    log: Log
    store: Store
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for name, url in self.urls.items():
                group.create_task(self._ask(name, url))
            group.create_task(self._sample())

    async def _ask(self, name: str, url: str) -> None:
        answers = self.answers.setdefault(name, [])
        async with httpx2.AsyncClient(base_url=url, timeout=ASK_SECONDS, trust_env=False) as http:
            while True:
                began = time.monotonic()
                try:
                    answer = await http.get("/readyz")
                    ready = answer.status_code == 200
                    why = "" if ready else str(answer.json().get("detail"))
                except httpx2.HTTPError as error:
                    ready, why = False, f"no answer: {type(error).__name__}"
                answers.append(Answer(began, time.monotonic(), ready, why))
                await asyncio.sleep(LOOK_SECONDS)

    async def _sample(self) -> None:
        while True:
            found = await self.now()
            if found is not None:
                self.samples.append(found)
            await asyncio.sleep(LOOK_SECONDS)

    async def now(self) -> Sample | None:
        """None while it can't be known."""
        try:
            async with asyncio.timeout(5):
                ends = await self.log.end_offsets(INTERACTIONS)
                async with self.store.reading() as tx:
                    done = await offsets.progress(tx)
        except (TryLater, TimeoutError):
            return None
        applied = sum(at[0] for partition, at in done.items() if partition.topic == INTERACTIONS)
        return Sample(time.monotonic(), applied, sum(ends.values()))

    async def caught_up(self, until: float) -> float | None:
        """When nothing waits any more; None if that is not before ``until``."""
        while time.monotonic() < until:
            found = await self.now()
            if found is not None and found.applied >= found.end:
                return found.at
            await asyncio.sleep(0.1)
        return None

    async def all_ready(self, until: float) -> float | None:
        """When every process says so; None if that is not before ``until``."""
        asked = time.monotonic()
        while time.monotonic() < until:
            latest = [answers[-1] for answers in self.answers.values() if answers]
            if len(latest) == len(self.urls) and all(each.ready and each.began >= asked for each in latest):
                return max(each.ended for each in latest)
            await asyncio.sleep(0.1)
        return None

    def ready_between(self, names: list[str], begin: float, end: float) -> list[str]:
        """Who said in between that it was ready."""
        return [
            f"{name} {answer.began - begin:.1f} s after"
            for name in names
            for answer in self.answers.get(name, ())
            if answer.began >= begin and answer.ended <= end and answer.ready
        ]

    def untrue(self, names: list[str], slower: float = 1.0) -> list[str]:
        """Times at which all of these said that they were ready while records waited and none was applied for long.
        ``slower``: how much slower the machine may be."""
        found = []
        since: Sample | None = None
        for sample in self.samples:
            if since is None or sample.applied > since.applied or sample.applied >= sample.end:
                since = sample
            elif sample.at - since.at > STALLED_SECONDS * slower:
                if self._all_ready_throughout(names, since.at, sample.at):
                    found.append(f"{sample.end - sample.applied} waited for {sample.at - since.at:.1f} s")
                since = sample
        return found

    def _all_ready_throughout(self, names: list[str], begin: float, end: float) -> bool:
        meanwhile = [
            [answer for answer in self.answers.get(name, ()) if answer.began >= begin and answer.ended <= end]
            for name in names
        ]
        return all(answers and all(answer.ready for answer in answers) for answers in meanwhile)

    def why(self) -> str:
        """What the processes said last that are not ready."""
        latest = {name: answers[-1] for name, answers in self.answers.items() if answers}
        return "; ".join(f"{name}: {answer.why}" for name, answer in latest.items() if not answer.ready)
