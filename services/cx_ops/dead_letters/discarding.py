"""Discard dead letters: each stays on the log and in the store, and is shown no more unless it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b

from cx_events.dead_letters import DeadLetter, encode_dead_letter
from cx_events.errors import Refused
from cx_events.ids import IdSpace
from cx_events.log import DEAD_LETTERS, Log, Record
from cx_events.timestamps import Micros, format_time

MOST_WHY = 500


def check_why(why: str) -> str:
    """Return a reason for people, trimmed. Raises ``Refused("no-reason", 400)`` without one, or for one too long."""
    trimmed = " ".join(why.split())
    if not trimmed or len(trimmed) > MOST_WHY:
        raise Refused("no-reason", f"say why, in 1 to {MOST_WHY} characters", 400)
    return trimmed


async def discard_letters(
    log: Log, spaces: Mapping[str, IdSpace], letters: Sequence[DeadLetter], writer: str, why: str, at: Micros
) -> None:
    """Append the discards of some dead letters; projectors apply them. Raises ``TryLater``; trying again is safe."""
    await log.append([discard_record(each, spaces.get(each.tenant), writer, why, at) for each in letters])


def discard_record(letter: DeadLetter, ids: IdSpace | None, writer: str, why: str, at: Micros) -> Record:
    """Return the record that discards a dead letter. ``ids``: its tenant's; None where it has none."""
    discard = DeadLetter(
        tenant=letter.tenant,
        source=letter.source,
        id=letter.id,
        stage=letter.stage,
        reason=letter.reason,
        detail="",
        recorded=format_time(at),
        discarded=True,
        by=writer,
        why=why,
    )
    name = f"{letter.tenant}\0{letter.source}\0{letter.id}".encode("utf-8", "surrogatepass")
    key = ids.lone_event(letter.source, letter.id) if ids is not None else blake2b(name, digest_size=16).digest()
    return Record(DEAD_LETTERS, key.hex().encode(), encode_dead_letter(discard))
