"""``python -m tests.bench.pure_intake``: what intake computes, without HTTP and log, in µs of CPU an event.

Reading a client's JSON strictly, checking and stamping its event (``accept``), and verifying, mapping and stamping a
Twilio webhook. The least of several rounds over the requests of ``cx bench``, as one JSON object on stdout.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
from tests.bench import requests as made
from tests.bench.workload import IDS, make_workload

from cx_channels.batch import separate_original
from cx_channels.provider import Connection, Request
from cx_channels.registry import providers
from cx_events import strict_json
from cx_events.client_events import accept
from cx_events.envelope import Draft
from cx_events.facts import connection_source
from cx_events.stamp import connection_writer, stamp
from cx_events.timestamps import parse_time
from cx_runtime.gc_tuning import settle

EVENTS = 2_000
ROUNDS = 9
RECORDED = parse_time("2026-11-22T12:00:00.000001Z")

_SOURCE = connection_source(IDS.tenant, made.CONNECTION)
_WRITER = connection_writer(made.CONNECTION)
_CONNECTION = Connection(made.CONNECTION, IDS.tenant, "voice/twilio", (made.TOKEN,), "US")


def measure(rounds: int = ROUNDS, events: int = EVENTS) -> dict[str, float]:
    """Return µs an event, by step."""
    bodies = list(made.client_events(make_workload(events).records))[:events]
    hooks = [_request(raw) for raw in made.webhooks(events)]
    return {
        "strict_json": _least(rounds, bodies, strict_json.decode),
        "accept": _least(rounds, bodies, _accept, msgspec.json.decode),
        "webhook_verify": _least(rounds, hooks, _verify, _fresh),
        "webhook_map": _least(rounds, hooks, _map, _fresh),
        "webhook_stamp": _least(rounds, hooks, _stamp, _drafted),
    }


def _least(
    rounds: int, given: Sequence[object], step: Callable[..., object], prepare: Callable[..., object] | None = None
) -> float:
    """Return the least µs that a step took for each of what is given; ``prepare`` is not counted."""
    found = []
    for _ in range(rounds):
        ready: Iterable[object] = given if prepare is None else [prepare(each) for each in given]
        began = time.process_time_ns()
        for each in ready:
            step(each)
        found.append(time.process_time_ns() - began)
    return round(min(found) / 1000 / len(given), 2)


def _accept(value: object) -> None:
    accept(value, ids=IDS, recorded=RECORDED, scopes=("events:write",), writer="key/bench")


def _request(raw: bytes) -> Request:
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = [line.partition(": ") for line in head.decode().split("\r\n")[1:]]
    headers: Mapping[str, str] = {name: value for name, _, value in lines}
    return Request(body, url=made.PUBLIC_URL + made.HOOK, headers=headers, received=RECORDED)


def _fresh(request: Request) -> Request:
    return Request(request.body, url=request.url, headers=request.headers, received=request.received)


def _verify(request: Request) -> None:
    verify = providers()["voice/twilio"].verify
    assert verify is not None
    verify(request, _CONNECTION)


def _map(request: Request) -> None:
    providers()["voice/twilio"].map(request, _CONNECTION)


def _drafted(request: Request) -> object:
    (draft,) = providers()["voice/twilio"].map(_fresh(request), _CONNECTION).drafts
    return draft


def _stamp(draft: object) -> None:
    assert isinstance(draft, Draft)
    slim, _ = separate_original(draft)
    stamp(slim, source=_SOURCE, recorded=RECORDED, ids=IDS, region="US", writer=_WRITER)


def main() -> None:
    settle()  # as a service does
    print(msgspec.json.format(msgspec.json.encode(measure())).decode())


if __name__ == "__main__":
    main()
