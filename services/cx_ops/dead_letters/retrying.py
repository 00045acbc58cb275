"""Try dead letters again: by the code, the configuration and the database of today.

- An event that was left out is appended to the log once more, byte for byte. For a projector that is a copy of an event
  that it knows; of one that was left out it takes the mark and the dead letter back and applies it, or leaves it out
  again. It comes late, after what happened meanwhile, and the fold puts it where it belongs.
- A record of the log that could not be read is appended as the event that it is, if it can be read today: under its own
  key, by a tenant that is configured now. The record stays where it is, so its dead letter is discarded.
- A request of a connection is mapped again, by whoever has the adapters (``MapAgain``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cx_events.codec import decode_leniently
from cx_events.dead_letters import CONFLICT, DECODE, MAP, RETRYABLE_REASONS, DeadLetter
from cx_events.errors import Refused
from cx_events.facts import Fact
from cx_events.ids import IdSpace
from cx_events.log import INTERACTIONS, Log, Record

MapAgain = Callable[[DeadLetter, str], Awaitable[object]]
"""Maps the request in a dead letter again, by the connection of this name, or its own; settles the letter. Raises
``Refused``, ``TryLater``."""

MAPPED_AT_ONCE = 16
APPEND_BYTES = 8 << 20

_IN_CONFLICT = "another event has this id and is used; this one counts only if its sender gives it an id of its own"


@dataclass(slots=True)
class Retried:
    """``done``: what was tried again. ``read_again``: those of it whose dead letters are to be discarded. ``refused``:
    what can't be, and why."""

    done: list[DeadLetter] = field(default_factory=list)
    read_again: list[DeadLetter] = field(default_factory=list)
    refused: list[tuple[DeadLetter, Refused]] = field(default_factory=list)


async def retry_letters(
    log: Log,
    spaces: Mapping[str, IdSpace],
    map_again: MapAgain,
    letters: Sequence[DeadLetter],
    connection: str = "",
) -> Retried:
    """Try some dead letters again. ``spaces``: the ids of all tenants. ``connection``: map requests by this one.

    Raises ``TryLater`` where log, store or blobs do not answer; trying again is safe.
    """
    retried = Retried()
    records: list[tuple[DeadLetter, Record]] = []
    requests: list[DeadLetter] = []
    for letter in letters:
        if letter.stage == MAP and letter.connection:
            requests.append(letter)
            continue
        try:
            records.append((letter, record_of(letter, spaces)))
        except Refused as refused:
            retried.refused.append((letter, refused))
    for some in _by_size(records):
        await log.append([record for _, record in some])
        retried.done += [letter for letter, _ in some]
        retried.read_again += [letter for letter, _ in some if letter.stage == DECODE]
    await _map_all(map_again, requests, connection, retried)
    return retried


async def _map_all(map_again: MapAgain, requests: Sequence[DeadLetter], connection: str, retried: Retried) -> None:
    for at in range(0, len(requests), MAPPED_AT_ONCE):
        some = requests[at : at + MAPPED_AT_ONCE]
        outcomes = await asyncio.gather(*(map_again(each, connection) for each in some), return_exceptions=True)
        for letter, outcome in zip(some, outcomes, strict=True):
            if isinstance(outcome, Refused):
                retried.refused.append((letter, outcome))
            elif isinstance(outcome, BaseException):
                raise outcome
            else:
                retried.done.append(letter)


def _by_size(records: Sequence[tuple[DeadLetter, Record]]) -> Iterable[list[tuple[DeadLetter, Record]]]:
    """Yield the records in pieces of at most ``APPEND_BYTES``, or one record each."""
    piece: list[tuple[DeadLetter, Record]] = []
    size = 0
    for letter, record in records:
        if piece and size + len(record.value) > APPEND_BYTES:
            yield piece
            piece, size = [], 0
        piece.append((letter, record))
        size += len(record.value)
    if piece:
        yield piece


def record_of(letter: DeadLetter, spaces: Mapping[str, IdSpace]) -> Record:
    """Return the record that tries a dead letter again. Raises ``Refused("not-retriable", 409)``."""
    if letter.stage == DECODE and letter.source == INTERACTIONS:
        return _read_again(letter, spaces)
    if letter.reason in RETRYABLE_REASONS:
        event, _ = decode_leniently(letter.content)
        return Record(INTERACTIONS, event.partitionkey.encode(), letter.content)
    if letter.stage == CONFLICT:
        raise _not_retriable(_IN_CONFLICT)
    raise _not_retriable(
        f"only events that were left out can be tried again; {letter.id[:64]!r} is {letter.stage}: {letter.reason}"
    )


def _read_again(letter: DeadLetter, spaces: Mapping[str, IdSpace]) -> Record:
    try:
        event, _ = decode_leniently(letter.content)
        ids = spaces.get(event.tenantid)
        if ids is None:
            raise Refused("unknown-tenant", f"there is no tenant {event.tenantid[:64]!r}")
        Fact(event, letter.content, ids)
    except (Refused, ValueError, RecursionError) as error:
        raise _not_retriable(f"it still can't be read: {error}"[:500]) from None
    return Record(INTERACTIONS, event.partitionkey.encode(), letter.content)


def _not_retriable(why: str) -> Refused:
    return Refused("not-retriable", why, 409)
