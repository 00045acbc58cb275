"""Read the dead letters that an act is about, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple

from cx_context.store import Store
from cx_context.store.dead_letters import LetterFilter, LetterKey, read_in_key_order
from cx_events.dead_letters import DeadLetter
from cx_ops.dead_letters.fingerprints import fingerprint
from cx_ops.dead_letters.groups import find_group

PAGE = 200


class Selection(NamedTuple):
    """Dead letters that meet the conditions, of one group where that is given."""

    wanted: LetterFilter
    group: str = ""

    @property
    def is_everything(self) -> bool:
        """Return whether nothing narrows the selection but its tenants."""
        return not self.group and self.wanted._replace(tenants=(), state=None) == LetterFilter()

    def as_texts(self) -> dict[str, str]:
        """Return the conditions that were given, for people."""
        named = {"group": self.group, **{name: getattr(self.wanted, name) for name in _TOLD}}
        return {name: value for name, value in named.items() if value}


_TOLD = ("stage", "reason", "source", "id", "since", "state")


async def select(store: Store, selection: Selection, *, page: int = PAGE) -> AsyncIterator[list[DeadLetter]]:
    """Yield the selected dead letters in order of their keys, at most ``page`` at a time, one statement each.

    Raises ``Refused("unknown-group", 404)``; ``TryLater``.
    """
    wanted = selection.wanted
    if selection.group:
        group = await find_group(store, wanted, selection.group)
        wanted = wanted._replace(stage=group.stage, reason=group.reason, tenants=(group.tenant,))
    after: LetterKey | None = None
    while True:
        async with store.reading() as tx:
            found = await read_in_key_order(tx, wanted, most=page, after=after)
        chosen = [letter for letter in found if not selection.group or group_of(letter) == selection.group]
        if chosen:
            yield chosen
        if len(found) < page:
            return
        last = found[-1]
        after = (last.tenant, last.source, last.id, last.stage)


def group_of(letter: DeadLetter) -> str:
    """Return the id of a dead letter's group."""
    return fingerprint(letter.tenant, letter.source, letter.stage, letter.reason, letter.detail).id
