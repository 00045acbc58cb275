"""Find events of a batch that are stored already: the same once more, another copy, or one to be tried again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from cx_context.fold_faults import is_left_out
from cx_context.store import dead_letters
from cx_context.store.dead_letters import delete_dead_letter
from cx_context.store.events import StoredCopy, read_stored_copies, replace_event
from cx_context.store.sql import Tx
from cx_events.facts import Fact
from cx_projectors.classify import ClassifiedEvent, read_event
from cx_projectors.dead_letters import fold_letter_key
from cx_projectors.records import Batch, CopyRow, differing_copies
from cx_projectors.tenancy import Tenancy


@dataclass(frozen=True, slots=True)
class Replacement:
    """A copy that counts instead of the stored one. ``old``: the stored one; None where nothing was made of it.
    ``stored``: the stored one in any case."""

    new: ClassifiedEvent
    old: ClassifiedEvent | None
    stored: Fact


@dataclass(slots=True)
class Repeats:
    """``copies``: those whose content differs from the stored one's. ``retried``: nothing was made of these events when
    they came before. ``replacements``: these need the exclusive replace lock."""

    copies: list[CopyRow] = field(default_factory=list)
    retried: list[ClassifiedEvent] = field(default_factory=list)
    replacements: list[Replacement] = field(default_factory=list)


async def read_repeats(tx: Tx, batch: Batch, repeated: Collection[bytes], tenants: Mapping[str, Tenancy]) -> Repeats:
    """Compare the events of these keys with the stored ones."""
    repeats = Repeats()
    for key, stored in (await read_stored_copies(tx, repeated)).items():
        event = batch.events[key]
        if stored.raw == event.fact.raw:
            if _is_to_be_retried(event, stored):
                repeats.retried.append(event)
            continue
        ids = tenants[event.fact.event.tenantid].ids
        other = read_event(stored.raw, lambda _: ids)  # noqa: B023 - called at once
        repeats.copies += differing_copies(event.fact, other.fact)
        if event.fact.copy_order < other.fact.copy_order:
            old = None if is_left_out(stored.problem) else other
            repeats.replacements.append(Replacement(event, old, other.fact))
    return repeats


def _is_to_be_retried(event: ClassifiedEvent, stored: StoredCopy) -> bool:
    """Return whether an event of which nothing was made came again, and is not known to fail as it did."""
    return is_left_out(stored.problem) and not (event.left_out and event.problem == stored.problem)


async def take_back(tx: Tx, batch: Batch, retried: Iterable[ClassifiedEvent]) -> None:
    """Take back that these events were left out. They are applied as new ones are, or left out for what they say now;
    a dead letter names the place where they lie first."""
    for event in retried:
        known_by = fold_letter_key(event.fact)
        place = await dead_letters.where(tx, known_by)
        batch.events[event.fact.key] = msgspec.structs.replace(event, place=place)
        await replace_event(tx, event.fact, event.stream_id, event.problem)
        await delete_dead_letter(tx, known_by)


async def delete_settled(tx: Tx, batch: Batch) -> None:
    """Delete the dead letters that somebody settled."""
    for known_by in sorted(batch.settled):
        await delete_dead_letter(tx, known_by)
