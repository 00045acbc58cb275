"""Say how applying a batch ended: what it did, or why it must be started over."""

from __future__ import annotations

from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass, field

from cx_context.fold_faults import Add, by_merging, in_place
from cx_events.dead_letters import DeadLetter
from cx_events.errors import CxError
from cx_events.ids import NodeId
from cx_identity.first_mentions import Mention, MentionKey


class CopyMustReplace(CxError):
    """A copy in the batch counts instead of the stored one: start over by ``replace_copy``."""


class NeedsExclusiveLock(CxError):
    """Raised where what was found under the shared graph lock needs the exclusive one: publish again with it."""


class ReachesFurther(CxError):
    """Raised where a change reaches customers that are not locked: publish again with them locked, too."""

    def __init__(self, customers: Set[NodeId]) -> None:
        super().__init__(f"{len(customers)} more customers are concerned")
        self.customers = customers


class CannotFold(Exception):
    """Something raised while facts were folded: one of them can't be, or not into what is stored. Nothing was applied;
    the cause says what it was."""


@contextmanager
def folding() -> Iterator[None]:
    """Raise whatever the block raises as ``CannotFold``. The block only computes, so it is a fault of the facts, also
    an error that would mean a broken connection elsewhere."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        raise CannotFold(f"{type(error).__name__}: {error}") from error


@dataclass(frozen=True, slots=True)
class Mode:
    """The mode in which a batch is applied.

    ``exclusive``: under the exclusive graph lock. ``merging``: events that can't be folded were left out before, and
    facts are added to parts by merging, which raises nothing.
    """

    exclusive: bool = False
    merging: bool = False

    @property
    def add(self) -> Add:
        """Return the function that adds a fact to a part."""
        return by_merging if self.merging else in_place


@dataclass(slots=True)
class Applied:
    """The outcome of a batch.

    ``customers``: whose contexts changed. ``letters``: the dead letters that it left. ``mentions``, ``interactions``:
    for the cache once the transaction is durable: first mentions that the store has, and announced interactions.
    """

    new: int = 0
    repeated: int = 0
    conflicts: int = 0
    customers: set[NodeId] = field(default_factory=set)
    letters: list[DeadLetter] = field(default_factory=list)
    mentions: dict[MentionKey, list[Mention]] = field(default_factory=dict)
    interactions: set[NodeId] = field(default_factory=set)

    def add(self, other: Applied) -> None:
        """Count what a later batch did, too; what is for the cache is left out."""
        self.new += other.new
        self.repeated += other.repeated
        self.conflicts += other.conflicts
        self.customers |= other.customers
        self.letters += other.letters
