"""Intake: one server process by bare Starlette and aiokafka. An event counts once it is acknowledged, and every
acknowledged one must lie on the topic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from tests.bench import requests as made
from tests.bench.children import Child, Task, started
from tests.bench.contest import broker_of, same
from tests.bench.floors import intake as floor
from tests.bench.report import Result, compared, paired, server_cpu_speed
from tests.bench.running import Asked, Report, done, race, say
from tests.bench.servers import end_offsets, topics, values_since
from tests.bench.services import KEY, Target, send, service
from tests.bench.workload import make_workload

from cx_events.log import INTERACTIONS

BATCH = 100
MOST_REQUESTS = 20_000

_TARGETS: Mapping[str, float] = MappingProxyType({"intake_single": 0.8, "intake_webhook": 0.6, "intake_batch": 0.6})
INTAKE = tuple(_TARGETS)


@dataclass(frozen=True, slots=True)
class _Shape:
    """Requests of one kind. ``theirs``: the same bodies, sent to the floor. ``of_value``: by what an event is known
    again on the topic; ``sent``: all of these."""

    ours: Sequence[bytes]
    theirs: Sequence[bytes]
    of_value: Callable[[bytes], str]
    sent: Sequence[str]
    connections: int
    ok: str


async def intake(asked: Asked) -> Report:
    """Throughput; the ratio of what the servers did in a CPU second stands beside it."""
    shapes = {name: _shape(name, asked.events) for name in asked.names}
    log_url = asked.settings.log_url
    report: Report = {}
    async with AsyncExitStack() as stack:
        ours, theirs = [await stack.enter_async_context(topics(log_url)) for _ in range(2)]
        broker = broker_of(log_url)
        client = await stack.enter_async_context(started("load"))
        client.go()
        bare = await stack.enter_async_context(started("floor-intake", Task(log_url=log_url, prefix=theirs)))
        bare.go()
        channels = stack.enter_context(service("run channels", asked.settings, asked.folder, ours))
        hub = _Side(asked, client, Target(channels.url, channels.process.pid, {"broker": broker}), ours)
        under = _Side(
            asked, client, Target(f"http://127.0.0.1:{bare.told['port']}", bare.pid, {"broker": broker}), theirs
        )
        for name, shape in shapes.items():
            say(f"{name}: {len(shape.ours):,} requests of {len(made.body_of(shape.ours[0])):,} bytes")
            results = await race(
                asked.rounds,
                {
                    "hub": partial(hub.take, shape, shape.ours, shape.ok),
                    "floor": partial(under.take, shape, shape.theirs, "202"),
                },
            )
            found = compared(_TARGETS[name], results["hub"], results["floor"], ("hub", "floor"))
            found["server_cpu"] = paired(results["hub"], results["floor"], server_cpu_speed)
            report |= done(name, found)
    return report


@dataclass(frozen=True, slots=True)
class _Side:
    asked: Asked
    client: Child
    target: Target
    prefix: str

    async def take(self, shape: _Shape, requests: Sequence[bytes], ok: str) -> Result:
        warm = requests[: max(len(requests) // 20, 1)]
        await self._send(warm, shape, ok)
        log_url = self.asked.settings.log_url
        begin = await end_offsets(log_url, self.prefix + INTERACTIONS)
        result = await self._send(requests, shape, ok)
        found = Counter(map(shape.of_value, await values_since(log_url, begin)))
        if found != Counter(shape.sent):
            same("intake: events on the topic", found.total(), len(shape.sent))
            same("intake: events that were sent and are not there", list(Counter(shape.sent) - found)[:3], [])
        return result

    async def _send(self, requests: Sequence[bytes], shape: _Shape, ok: str) -> Result:
        events = len(requests) * len(shape.sent) // len(shape.ours)
        return await send(
            self.client,
            self.target,
            requests,
            self.asked.folder,
            connections=shape.connections,
            status=ok,
            events=events,
        )


def _shape(name: str, events: int) -> _Shape:
    if name == "intake_webhook":
        ours = made.webhooks(min(events, MOST_REQUESTS))
        sent = [made.call_sid(request) for request in ours]
        return _Shape(ours, _bare(ours, floor.ONE), made.call_sid, sent, 64, "204")
    records = make_workload(events).records
    if name == "intake_single":
        bodies = list(made.client_events(records[:MOST_REQUESTS]))
        ours = made.single(bodies, KEY)
        return _Shape(ours, _bare(ours, floor.ONE), made.event_id, [made.event_id(body) for body in bodies], 64, "202")
    bodies = list(made.client_events(records))
    bodies = bodies[: max(len(bodies) // BATCH, 1) * BATCH]
    ours = made.batches(bodies, KEY, min(BATCH, len(bodies)))
    sent = [made.event_id(body) for body in bodies]
    return _Shape(ours, _bare(ours, floor.BATCH), made.event_id, sent, 16, "202")


def _bare(requests: Sequence[bytes], path: str) -> list[bytes]:
    return [made.post(path, made.body_of(request), "application/json") for request in requests]
