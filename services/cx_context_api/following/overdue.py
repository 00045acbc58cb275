"""Tell followers of an agent or a queue which of its waits are longer than the queue allows, each wait once.

A follower looks at what is over its bound now and tells what its client has not been told: so a wait is told also where
it began, or passed the bound, while nobody followed. ``Last-Event-ID`` holds the number of the last wait that was told
and digests of those that are over still: a wait that came from another queue or agent meanwhile may have a lower
number.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from hashlib import blake2b
from typing import NamedTuple

from cx_context.routing_targets import RoutingTarget
from cx_context.store import wait_rows
from cx_context.store.sql import Tx
from cx_context.store.wait_rows import OverWait
from cx_context_api.following.resume_token import DIGEST
from cx_context_api.following.sse import Frame, json_frame
from cx_events.directory import Directory
from cx_events.ids import NodeId, text_of
from cx_events.json_types import Json
from cx_events.timestamps import format_time

MOST_MARKED = 50
"""Digests in a mark. Where there are more, the number alone decides: what has a lower one counts as told."""

_NUMBER = 8

Mark = bytes


class Over(NamedTuple):
    """A wait that is over its bound. ``told``: its number. ``digest``: stands for the wait in that queue."""

    told: int
    digest: bytes
    view: Json


async def read_over(
    tx: Tx,
    tenant: str,
    target: RoutingTarget,
    directory: Directory,
    bounds: Mapping[str, int],
    live: Collection[tuple[str, NodeId]],
) -> tuple[Over, ...]:
    """Return the waits of a queue, or of the live interactions of an agent, that are over their bound, the longest
    first. ``bounds``: seconds by queue. ``live``: interaction and customer."""
    if not bounds or (target.kind == "queue" and target.name not in bounds):
        return ()
    if target.kind == "queue":
        found = await wait_rows.over_in_queues(tx, tenant, directory.ids_of("queue", target.name))
    else:
        found = await wait_rows.over_of_customers(tx, tenant, {customer for _, customer in live})
        found = [each for each in found if (each.wait.shown.interaction, each.wait.customer) in live]
    named = [(each, directory.id_of("queue", each.wait.queue, each.wait.source)) for each in found]
    return tuple(
        _over(each, queue, bounds[queue], directory)
        for each, queue in named
        if queue in bounds and (target.kind == "agent" or queue == target.name)
    )


def _over(over: OverWait, queue: str, bound: int, directory: Directory) -> Over:
    wait = over.wait
    entry = directory.entries.get(("queue", queue))
    what = "\0".join((wait.contact.hex(), str(wait.since), queue))
    view = {
        "interaction": wait.shown.interaction,
        "channel": wait.shown.channel or None,
        "conversation": text_of(wait.conversation),
        "customer": text_of(wait.customer),
        "queue": {"id": queue, "name": (entry.name if entry is not None else "") or wait.shown.label},
        "waiting_since": format_time(wait.since),
        "due_at": format_time(wait.since + bound * 1_000_000),
        "answer_within": bound,
    }
    return Over(over.told, blake2b(what.encode(), digest_size=DIGEST).digest(), view)


class OverdueTeller:
    """Remembers which waits one client was told of."""

    __slots__ = ("_last", "_seen", "_seen_to", "_told")

    def __init__(self, mark: Mark = b"") -> None:
        """``mark``: what the client had before it connected."""
        self._seen_to = int.from_bytes(mark[:_NUMBER], "big")
        self._seen = digests_in(mark[_NUMBER:])
        self._last = self._seen_to
        self._told: frozenset[bytes] = frozenset()

    def next_frames(self, over: Iterable[Over]) -> list[Frame]:
        """Return an event for each wait that is new to the client."""
        frames, told = [], []
        for each in over:
            told.append(each.digest)
            self._last = max(self._last, each.told)
            if each.digest not in self._told and not self._was_seen(each):
                frames.append(json_frame("overdue", each.view))
        self._told = frozenset(told)
        return frames

    def mark(self) -> Mark:
        """Return what the client has now."""
        return self._last.to_bytes(_NUMBER, "big") + b"".join(sorted(self._told)[:MOST_MARKED])

    def _was_seen(self, each: Over) -> bool:
        return each.digest in self._seen or (len(self._seen) >= MOST_MARKED and each.told <= self._seen_to)


def digests_in(packed: bytes) -> frozenset[bytes]:
    """Return digests that stand one behind the other."""
    return frozenset(packed[at : at + DIGEST] for at in range(0, len(packed), DIGEST))
