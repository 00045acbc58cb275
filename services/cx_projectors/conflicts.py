"""Keep the dead letters of copies in conflict: the same tenant, source and id, and other content.

One copy counts; what the others say is in no context, so somebody must hear of them. An event's conflict is one dead
letter of the stage ``conflict``, which holds the copy that differs and was recorded first. It is a function of the set
of copies, so it is worked out anew whenever one more arrives or another one counts: any order of arrival leaves the
same letters. It goes away where the last copy that differed turns out to be the one that counts.
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
from cx_projectors.dead_letters import letter_key, storable

LOCK = tenant_lock("conflicts", "")
"""Copies of one event may lie in several partitions: their consumers take turns."""

PLACES_NAMED = 10
DEPTH_COMPARED = 4


def letter_of(counting: bytes, copies: Iterable[tuple[Micros, bytes]]) -> DeadLetter | None:
    """Return the dead letter of an event's copies (recorded, raw); None where none differs from the counting one."""
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
    """Return where two copies differ, by the names of their members; their values may be personal."""
    try:
        one, two = msgspec.json.decode(counting), msgspec.json.decode(other)
        places = sorted(set(_differences(one, two, "")) - _NOT_COMPARED)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return "another event was sent under this id; the two can't be compared"
    named = ", ".join(places[:PLACES_NAMED]) + (", ..." if len(places) > PLACES_NAMED else "")
    return f"another event was sent under this id; it differs in {named}"


_NOT_COMPARED = frozenset({"recordedtime", "writer"})


def _differences(one: Any, two: Any, path: str) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(two, dict) and path.count(".") < DEPTH_COMPARED:
        for name in one.keys() | two.keys():
            inner = f"{path}.{name}" if path else name
            if name not in one or name not in two:
                yield inner
            else:
                yield from _differences(one[name], two[name], inner)
    elif one != two:
        yield path


async def settle(tx: Tx, keys: Collection[bytes]) -> list[DeadLetter]:
    """Delete the letters of these events that are not true any more, by all their copies; return those to be written.
    It takes a lock that orders the consumers, so the caller takes no other lock afterwards."""
    if not keys:
        return []
    await tx.lock(LOCK, exclusive=True)
    counting = await read_stored_copies(tx, keys)
    copies = await read_other_copies(tx, keys)
    changed: list[DeadLetter] = []
    for key, copy in sorted(counting.items()):
        event, _ = decode_leniently(copy.raw)
        letter_id = letter_key(event.tenantid, event.source, event.id, CONFLICT)
        letter, old = letter_of(copy.raw, copies.get(key, ())), await dead_letters.one(tx, letter_id)
        if letter == old:
            continue
        if old is not None:
            await delete_dead_letter(tx, letter_id)
        if letter is not None:
            changed.append(letter)
    return changed
