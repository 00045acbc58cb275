"""``python -m tests.bench.pure_mapping [PROVIDER...]``: what mapping costs, alone, on one core, by provider.

The requests are the provider's own fixtures that are JSON and become events, written without blanks, as vendors send
them: such a text takes the strict decoder's fast way, so that nothing flatters the ratio. ``ratio`` is the median over
requests of CPU time an event, by the CPU time of decoding the same bytes strictly; ``request_ratio`` the same for a
whole request, however many events it becomes. Times are the least of several rounds, in which mapping and decoding
alternate: the least hardly moves on a machine that others use.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Iterator
from dataclasses import replace
from statistics import median
from typing import NamedTuple

import msgspec
from tests.contract.provider_cases import readable_requests

from cx_channels.provider import Connection, Provider, Request
from cx_channels.registry import providers
from cx_events import strict_json
from cx_events.errors import Refused
from cx_runtime.gc_tuning import settle

ROUNDS = 9
REPEATS = 20
"""Calls that are timed together: a clock's tick is longer than one."""

TARGET = 4.0


class Mapping(NamedTuple):
    """A request that becomes ``events``."""

    request: Request
    connection: Connection
    events: int


class Measured(NamedTuple):
    """The figures of one provider: µs of CPU a request, and their ratios."""

    requests: int
    map_us: float
    decode_us: float
    ratio: float
    request_ratio: float
    met: bool


def measure(names: Collection[str] = (), rounds: int = ROUNDS, repeats: int = REPEATS) -> dict[str, Measured]:
    """Return the figures by provider: of all that have requests in JSON, or of those that are named."""
    found = {}
    for name, provider in providers().items():
        if names and name not in names:
            continue
        mappings = list(_mappings(provider))
        if mappings:
            found[name] = _measured(provider, mappings, rounds, repeats)
    return found


def _mappings(provider: Provider) -> Iterator[Mapping]:
    for case, request in readable_requests(provider):
        if not strict_json.is_json(request.content_type):
            continue
        connection = case.connection(provider)
        try:
            written = replace(request, body=msgspec.json.encode(strict_json.decode(request.body)))
            events = len(provider.map(written, connection).drafts)
        except Refused:
            continue
        if events:
            yield Mapping(written, connection, events)


def _measured(provider: Provider, mappings: list[Mapping], rounds: int, repeats: int) -> Measured:
    mapped, decoded = [sys.float_info.max] * len(mappings), [sys.float_info.max] * len(mappings)
    for _ in range(rounds):
        for at, each in enumerate(mappings):
            # What a request has read once is kept on it: each call needs one of its own.
            requests = [replace(each.request) for _ in range(repeats)]
            mapped[at] = min(mapped[at], _mapping_time(provider, each.connection, requests))
            decoded[at] = min(decoded[at], _decoding_time(requests))
    ratios = [one / other for one, other in zip(mapped, decoded, strict=True)]
    by_event = median(ratio / each.events for ratio, each in zip(ratios, mappings, strict=True))
    return Measured(
        len(mappings),
        round(median(mapped), 1),
        round(median(decoded), 1),
        round(by_event, 2),
        round(median(ratios), 2),
        by_event <= TARGET,
    )


def _mapping_time(provider: Provider, connection: Connection, requests: list[Request]) -> float:
    """Return the µs of CPU for one of the requests."""
    began = time.process_time_ns()
    for each in requests:
        provider.map(each, connection)
    return (time.process_time_ns() - began) / 1000 / len(requests)


def _decoding_time(requests: list[Request]) -> float:
    """Return the µs of CPU for one of the requests."""
    began = time.process_time_ns()
    for each in requests:
        strict_json.decode(each.body)
    return (time.process_time_ns() - began) / 1000 / len(requests)


def main() -> None:
    settle()
    measured = measure(sys.argv[1:])
    unknown = [name for name in sys.argv[1:] if name not in measured]
    if unknown:
        sys.exit(f"no requests in JSON: {', '.join(unknown)}")
    report = {name: each._asdict() for name, each in measured.items()}
    print(msgspec.json.format(msgspec.json.encode(report)).decode())


if __name__ == "__main__":
    main()
