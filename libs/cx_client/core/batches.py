"""Encode events, and put as many of them in a request as the hub takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from cx_client.core.exchanges import Request, query_of
from cx_events.errors import Refused
from cx_events.http_binding import BATCH
from cx_events.json_types import Json

_encode = msgspec.json.Encoder().encode


class BatchLimits(NamedTuple):
    """``events`` and ``bytes`` of one request; a single larger event goes alone."""

    events: int = 100
    bytes: int = 1_000_000


LIMITS = BatchLimits()
"""Below what a hub takes (1 MiB). More than 100 events in a request gain nothing."""


@dataclass(frozen=True, slots=True)
class EncodedEvent:
    """``index``: its place among the events that were given. ``raw``: its JSON."""

    index: int
    event: Json
    raw: bytes


def encode_event(event: Mapping[str, Any], index: int = 0) -> EncodedEvent:
    """Return an event with its JSON. Raises ``Refused("not-json", 400)`` for values that JSON does not have, and for
    what is no object."""
    if not isinstance(event, Mapping):
        raise Refused("not-an-event", f"an event is a JSON object, not {type(event).__name__}", 400)
    plain = dict(event)
    try:
        return EncodedEvent(index, plain, _encode(plain))
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise Refused("not-json", f"the event can't be written as JSON: {error}", 400) from None


def in_batches(events: Iterable[EncodedEvent], limits: BatchLimits = LIMITS) -> Iterator[tuple[EncodedEvent, ...]]:
    """Yield events in order, each batch within the limits."""
    batch: list[EncodedEvent] = []
    size = 2
    for each in events:
        if batch and (len(batch) >= limits.events or size + len(each.raw) > limits.bytes):
            yield tuple(batch)
            batch, size = [], 2
        batch.append(each)
        size += len(each.raw) + 1
    if batch:
        yield tuple(batch)


def batch_request(batch: Sequence[EncodedEvent], *, dry_run: bool = False) -> Request:
    """Return the request that sends a batch."""
    body = b"[" + b",".join(each.raw for each in batch) + b"]"
    return Request("POST", "/v1/events", query_of(dry_run=dry_run or None), {"content-type": BATCH}, body)
