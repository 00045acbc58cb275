"""Copies in conflict: the same tenant, source and id, and other content. One of them counts; of the others somebody
must hear, since what they say is in no context.

An event's conflict is one dead letter of the stage ``conflict``: it holds the copy that differs and was recorded first.
It is a function of the set of copies, so it is worked out anew whenever one more comes or another one counts: any order
of arrival leaves the same letters. It goes away by itself where the last copy that differed turns out to be the one
that counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

import msgspec

from cx_context.store import dead_letters
from cx_context.store.dead_letters import delete_dead_letter
from cx_context.store.events import read_other_copies, read_stored_copies
from cx_context.store.port import tenant_lock
from cx_context.store.sql import Tx
from cx_events.codec import decode_leniently, same_content
from cx_events.dead_letters import CONFLICT, OTHER_CONTENT, DeadLetter, encode_original
from cx_events.timestamps import Micros, format_time
from cx_projectors.letters import letter_key, storable

LOCK = tenant_lock("conflicts", "")
"""Copies of one event may lie in several partitions: their workers take turns."""

PLACES_TOLD = 10
DEPTH_TOLD = 4


def letter_of(counting: bytes, copies: Iterable[tuple[Micros, bytes]]) -> DeadLetter | None:
    """Return the dead letter of an event's copies (recorded, raw); None where all say what the counting one says."""
    differing = [copy for copy in copies if not same_content(copy[1], counting)]
    if not differing:
        return None
    recorded, raw = min(differing)
    event, _ = decode_leniently(counting)
    return storable(
        DeadLetter(
            tenant=event.tenantid,
            source=event.source,
            id=event.id,
            stage=CONFLICT,
            reason=OTHER_CONTENT,
            detail=_detail(counting, raw),
            recorded=format_time(recorded),
            original=encode_original(raw),
            content_type="application/cloudevents+json",
        )
    )


def _detail(counting: bytes, other: bytes) -> str:
    """Return where two copies differ, without a value of anybody's."""
    try:
        one, two = msgspec.json.decode(counting), msgspec.json.decode(other)
        places = sorted(set(_differences(one, two, "")) - _NOT_COMPARED)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return "another event was sent under this id; the two can't be compared"
    told = ", ".join(places[:PLACES_TOLD]) + (", ..." if len(places) > PLACES_TOLD else "")
    return f"another event was sent under this id; it differs in {told}"


_NOT_COMPARED = frozenset({"recordedtime", "writer"})


def _differences(one: Any, two: Any, path: str) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(two, dict) and path.count(".") < DEPTH_TOLD:
        for name in one.keys() | two.keys():
            inner = f"{path}.{name}" if path else name
            if name not in one or name not in two:
                yield inner
            else:
                yield from _differences(one[name], two[name], inner)
    elif one != two:
        yield path


async def settle(tx: Tx, keys: Collection[bytes]) -> list[DeadLetter]:
    """Put the letters of these events right, by all their copies; return those that are to be written. Takes the lock
    that orders the workers, so whoever calls it takes no other lock afterwards."""
    if not keys:
        return []
    await tx.lock(LOCK, exclusive=True)
    counting = await read_stored_copies(tx, keys)
    copies = await read_other_copies(tx, keys)
    changed: list[DeadLetter] = []
    for key, copy in sorted(counting.items()):
        event, _ = decode_leniently(copy.raw)
        known_by = letter_key(event.tenantid, event.source, event.id, CONFLICT)
        letter, old = letter_of(copy.raw, copies.get(key, ())), await dead_letters.one(tx, known_by)
        if letter == old:
            continue
        if old is not None:
            await delete_dead_letter(tx, known_by)
        if letter is not None:
            changed.append(letter)
    return changed
