"""Count dead letters that are alike."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from cx_context.store import Store
from cx_context.store.dead_letters import Alike, LetterFilter, read_alike
from cx_events.dead_letters import State, state_of
from cx_events.errors import Refused
from cx_ops.dead_letters.fingerprints import Fingerprint, fingerprint


class LetterGroup(Struct, frozen=True):
    """Dead letters that are alike. ``origin``, ``pattern``: see ``Fingerprint``. ``first``, ``last``: when the first
    and the last were recorded, RFC 3339. ``sources``: how many there are. ``example``: the detail of the most
    frequent."""

    id: str
    tenant: str
    stage: str
    reason: str
    origin: str
    pattern: str
    state: State
    letters: int
    sources: int
    first: str
    last: str
    example: str


async def find_groups(store: Store, wanted: LetterFilter) -> list[LetterGroup]:
    """Return the groups of the dead letters that meet the conditions, the one with the latest first. One statement.
    Raises ``TryLater``."""
    async with store.reading() as tx:
        alike = await read_alike(tx, wanted)
    return sorted(grouped(alike, wanted.state), key=lambda group: (group.last, group.id), reverse=True)


def grouped(alike: Iterable[Alike], state: State | None) -> list[LetterGroup]:
    """Return the groups of what is alike, the most frequent first. ``state``: that of all of it, None for its own."""
    by_print: dict[Fingerprint, list[Alike]] = {}
    for each in alike:
        found = fingerprint(each.tenant, each.source, each.stage, each.reason, each.detail)
        by_print.setdefault(found, []).append(each)
    return [_group(found, members, state) for found, members in by_print.items()]


def _group(found: Fingerprint, members: list[Alike], state: State | None) -> LetterGroup:
    return LetterGroup(
        id=found.id,
        tenant=found.tenant,
        stage=found.stage,
        reason=found.reason,
        origin=found.origin,
        pattern=found.pattern,
        state=state or state_of(found.reason),
        letters=sum(each.letters for each in members),
        sources=len({each.source for each in members}),
        first=min(each.first for each in members),
        last=max(each.last for each in members),
        example=max(members, key=lambda each: each.letters).detail,
    )


async def find_group(store: Store, wanted: LetterFilter, id: str) -> LetterGroup:
    """Return one group of the dead letters that meet the conditions. Raises ``Refused("unknown-group", 404)``;
    ``TryLater``."""
    for group in await find_groups(store, wanted):
        if group.id == id:
            return group
    raise Refused("unknown-group", f"there is no group {id[:64]!r} of dead letters now; see their list by groups", 404)
