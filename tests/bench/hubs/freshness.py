"""A client that sends events at an even rate, and asks for each one's context once the event is accepted."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import accumulate, islice
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec
from tests.bench import requests as made
from tests.bench.children import Go, Task
from tests.bench.floors.freshness import A_SECOND, WARM, paced
from tests.bench.load import Asking, connect
from tests.bench.workload import STEP, make_workload

from cx_events.errors import Fatal
from cx_events.testing.builders import SECOND

_STATUS = slice(9, 12)
_NOT_YET = (b"429", b"503", b"504")
"""What a read is answered that cannot be answered now: on a loaded machine many wait at once."""

_PAUSE = 0.2
_PATIENCE = 60.0


def _of_now(events: Sequence[bytes]) -> list[dict[str, Any]]:
    """Events that no round before has sent, since one that is known would be read at once, of the time in which this
    round sends them: else those of rounds before crowd the hot customer's latest out of the context."""
    values = [msgspec.json.decode(event) for event in events]
    then, now = datetime.fromisoformat(values[0]["time"]), datetime.now(UTC)
    for value in values:
        after = (datetime.fromisoformat(value["time"]) - then) * (SECOND / STEP / A_SECOND)
        value["time"] = (now + after).isoformat(timespec="microseconds")
        value["id"] = f"{os.getpid()}-{value['id']}"
    return values


async def run(task: Task, _over: asyncio.Event, go: Go) -> dict[str, Any]:
    """``urls``: where events are sent, and where contexts are read."""
    values = _of_now(list(islice(made.client_events(make_workload(task.count).records), task.count)))
    events = [msgspec.json.encode(value) for value in values]
    posts = made.single(events, task.key)
    reads = [_read(event, task.key) for event in events]
    channels, api = Lines(task.urls[0]), Lines(task.urls[1])
    # A busy customer's context shows the latest events: one that tells of minutes ago need not be among them.
    times = [value["time"] for value in values]
    latest = list(accumulate(times, max))
    latencies = [0.0] * len(events)
    asked_again = 0
    await go(listens=False)

    async def one(number: int) -> None:
        nonlocal asked_again
        asked = time.perf_counter()
        # A broker on a loaded machine may be slow for a moment; what is measured begins once the event is accepted.
        while (accepted := await channels.ask(posts[number]))[_STATUS] == b"503":
            if time.perf_counter() - asked > _PATIENCE:
                break
            await asyncio.sleep(_PAUSE)
        if accepted[_STATUS] != b"202":
            raise Fatal(f"an event was answered {accepted[:400]!r}")
        since = time.perf_counter()
        while (answer := await api.ask(reads[number]))[_STATUS] in _NOT_YET:
            asked_again += 1
            if time.perf_counter() - since > _PATIENCE:
                raise Fatal(f"an accepted event is not readable after {_PATIENCE:.0f} s: {answer[:400]!r}")
            if answer[_STATUS] == b"429":
                await asyncio.sleep(_PAUSE)
        latencies[number] = time.perf_counter() - since
        if answer[_STATUS] != b"200":
            raise Fatal(f"a read was answered {answer[:400]!r}")
        late = times[number] < latest[number]
        if not late and made.event_id(events[number]).encode() not in answer:
            raise Fatal(f"the context does not show the event {made.event_id(events[number])} that it was asked for")

    seconds = await paced(len(events), one)
    return {"seconds": seconds, "latencies": latencies[WARM:] or latencies, "asked_again": asked_again}


def _read(event: bytes, key: str) -> bytes:
    """Waits until the context holds the event, for as long as such a read may."""
    decoded = msgspec.json.decode(event)
    identifier = decoded["data"]["participants"][0]["identifiers"][0]
    name = quote(f"{decoded['source']}#{decoded['id']}", safe="")
    return made.context((identifier["kind"], identifier["value"]), key, f"&at_least={name}&wait=10s")


class Lines:
    """As many connections as there are requests under way."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self._host, self._port = parts.hostname, parts.port
        self._idle: list[Asking] = []

    async def ask(self, request: bytes) -> bytes:
        while self._idle and self._idle[-1].is_closed:  # the server closes what it did not hear of for some seconds
            self._idle.pop()
        line = self._idle.pop() if self._idle else await connect(self._host, self._port)
        answer = await line.ask(request)
        self._idle.append(line)
        return answer
