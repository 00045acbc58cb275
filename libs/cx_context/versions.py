"""Number a context's versions: the epoch of the store that counts, then how often the customer has changed there.

    version = epoch << COUNT_BITS | count

Each store has an epoch of its own, above those of all stores that were opened on the same log before it
(``cx_context.store.epochs``). So a version never falls, also where a new store counts each customer from 0.
"""

from __future__ import annotations

COUNT_BITS = 36
"""A customer who changes two hundred times a second reaches this after eleven years. A count that gets there goes on in
the room of the next epoch: only a store that is filled anew afterwards may then start below it."""

LAST_EPOCH = (1 << 17) - 2
"""Leaves one epoch's room to such a count, so that every version is below 2^53: JSON's readers keep integers up to that
exactly (RFC 8259, section 6)."""


def first_version(epoch: int) -> int:
    """Return the least version of an epoch."""
    return epoch << COUNT_BITS


def epoch_of(version: int) -> int:
    """Return the epoch of a version; 0 where the store had none yet."""
    return version >> COUNT_BITS


def is_later(version: int, than: int) -> bool:
    """Return whether a version that was read after another shows a newer state: within an epoch the greater one does.
    Across epochs what was read last does: another store has taken the place of the first."""
    return version > than or epoch_of(version) != epoch_of(than)


def covers(version: int, wanted: int) -> bool:
    """Return whether a state that was kept at ``version`` has all that one at ``wanted`` has, of the same store."""
    return version >= wanted and epoch_of(version) == epoch_of(wanted)


def is_outdated(version: int, by: int) -> bool:
    """Return whether a version is an earlier one of the same store."""
    return version < by and epoch_of(version) == epoch_of(by)
