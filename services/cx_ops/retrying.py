"""Events of which nothing was made, tried again: by the code of today, and by the database of today.

Each is appended to the log once more, byte for byte. For a projector that is a copy of an event that it knows; of one
that was left out it takes the mark and the dead letter back and applies it, or leaves it out again.
"""

from __future__ import annotations

from collections.abc import Sequence

from cx_context.store import Store, dead_letters
from cx_events.codec import decode_leniently
from cx_events.dead_letters import CONFLICT, RETRYABLE_REASONS, DeadLetter
from cx_events.errors import Refused
from cx_events.log import INTERACTIONS, Log, Record

_IN_CONFLICT = "another event has this id and is used; this one counts only if its sender gives it an id of its own"


async def retry(log: Log, store: Store, id: str, *, tenant: str = "") -> Sequence[DeadLetter]:
    """Append the events of the dead letters with this id again; return these letters. ``tenant``: of this one alone.

    Raises ``Refused``: ``unknown-dead-letter``; ``not-retriable`` where none of them is of an event that was left out.
    ``TryLater`` where log or store do not answer; trying again is safe.
    """
    async with store.reading() as tx:
        found = [letter for letter in await dead_letters.found(tx, id) if tenant in ("", letter.tenant)]
    if not found:
        raise Refused("unknown-dead-letter", f"there is no dead letter {id[:64]!r}", 404)
    letters = [letter for letter in found if letter.reason in RETRYABLE_REASONS]
    if not letters:
        if any(letter.stage == CONFLICT for letter in found):
            raise Refused("not-retriable", _IN_CONFLICT, 409)
        reasons = ", ".join(sorted({f"{letter.stage}: {letter.reason}" for letter in found}))
        raise Refused(
            "not-retriable",
            f"only events that were left out can be tried again; {id[:64]!r} is {reasons}; what is at the stage map is "
            "mapped again by the command dlq retry",
            409,
        )
    await log.append([Record(INTERACTIONS, _home(letter), letter.content) for letter in letters])
    return letters


def _home(letter: DeadLetter) -> bytes:
    """The key of the event's record: equal keys share a partition."""
    event, _ = decode_leniently(letter.content)
    return event.partitionkey.encode()
