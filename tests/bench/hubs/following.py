"""A client that sends events at an even rate, and followers of the customers that they are about: from accepted until
a follower holds a state with the event in it."""

from __future__ import annotations

import asyncio
import os
import re
import time
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, urlsplit

import msgspec
from tests.bench import requests as made
from tests.bench.children import Go, Task
from tests.bench.floors.freshness import WARM, paced
from tests.bench.hubs.freshness import Lines
from tests.bench.workload import WORDS

from cx_events.errors import Fatal
from cx_runtime.serve import room_for

_STATUS = slice(9, 12)
_COUNTED = re.compile(rb'"counts":\{"events":(\d+)')
_PATIENCE = 60.0
_AT_ONCE = 50
_SETTLE_SECONDS = 1.0


def _event(customer: str, number: int) -> bytes:
    """As large as the workload's."""
    identifiers = [{"kind": "email", "value": f"{customer}@example.com"}]
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": f"{customer}-{number}",
            "source": made.SOURCE,
            "type": "cx.message.received.v1",
            "data": {
                "channel": "chat",
                "interaction": f"chat-{customer}",
                "direction": "inbound",
                "participants": [{"role": "customer", "name": "Ana", "identifiers": identifiers}],
                "message": {"id": f"m-{number}", "text": WORDS[:200], "content_type": "text/plain"},
            },
        }
    )


class Follower(asyncio.Protocol):
    """Of one customer. ``seen``: when a state first held so many of its events."""

    def __init__(self, request: bytes) -> None:
        self.seen: list[float] = []
        self.status = b""
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request = request
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        if not self.status:
            self.status = data[_STATUS]
        frames = (self._rest + data).split(b"\n\n")
        self._rest = frames.pop()
        for frame in frames:
            counted = _COUNTED.search(frame)
            if counted is not None:
                self.seen += [now] * (int(counted[1]) - len(self.seen))
                if not self.opened.done():
                    self.opened.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(exc or Fatal(f"a stream was answered {self.status!r}"))


async def run(task: Task, _over: asyncio.Event, go: Go) -> dict[str, Any]:
    """``urls``: where events are sent, and where they are followed. ``followers``: how many; ``pid``: of the server
    that they follow at."""
    room_for(task.followers)
    customers = [f"ana-{os.getpid()}-{number}" for number in range(task.followers)]
    channels, api = Lines(task.urls[0]), Lines(task.urls[1])
    place = urlsplit(task.urls[1])
    assert place.hostname is not None
    assert place.port is not None
    host, port = place.hostname, place.port
    turns = asyncio.Semaphore(_AT_ONCE)

    async def known(customer: str) -> str:
        async with turns:
            first = _event(customer, 0)
            (request,) = made.single([first], task.key)
            await channels.ask(request)
            name = quote(f"{made.SOURCE}#{customer}-0", safe="")
            read = made.context(("email", f"{customer}@example.com"), task.key, f"&at_least={name}&wait=10s")
            while (answer := await api.ask(read))[_STATUS] != b"200":
                pass
            found: str = msgspec.json.decode(made.body_of(answer))["body"]["customer"]["id"]
            return found

    async def follow(id: str) -> Follower:
        async with turns:
            request = made.get(f"/v1/customers/{id}/stream", task.key)
            loop = asyncio.get_running_loop()
            _, follower = await loop.create_connection(lambda: Follower(request), host, port)
            await follower.opened
            return follower

    ids = await asyncio.gather(*map(known, customers))
    before = _resident(task.pid)
    followers = await asyncio.gather(*map(follow, ids))
    await asyncio.sleep(_SETTLE_SECONDS)
    memory = _resident(task.pid) - before
    turn = [(number % len(customers), number // len(customers) + 1) for number in range(task.count)]
    posts = made.single((_event(customers[who], number) for who, number in turn), task.key)
    accepted = [0.0] * len(posts)
    await go(listens=False)

    async def send(number: int) -> None:
        answer = await channels.ask(posts[number])
        accepted[number] = time.perf_counter()
        if answer[_STATUS] != b"202":
            raise Fatal(f"an event was answered {answer[:400]!r}")

    seconds = await paced(len(posts), send)
    until = time.perf_counter() + _PATIENCE
    while any(len(followers[who].seen) <= number for who, number in turn):
        if time.perf_counter() > until:
            raise Fatal(f"followers were not shown all events after {_PATIENCE:.0f} s")
        await asyncio.sleep(0.05)
    latencies = [
        max(followers[who].seen[number] - since, 0.0) for (who, number), since in zip(turn, accepted, strict=True)
    ]
    return {"seconds": seconds, "latencies": latencies[WARM:] or latencies, "memory": memory}


def _resident(pid: int) -> int:
    """Bytes (proc_pid_statm(5): the second field, in pages)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
