"""Group a customer's interactions, so that what is made of all of them is made anew of one group alone.

Groups are arbitrary: whatever is made over them must not depend on how interactions are grouped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar, cast

GROUP_INTERACTIONS = 64

Item = TypeVar("Item")
Made = TypeVar("Made")


class _Group(Generic[Item]):
    __slots__ = ("items", "made")

    def __init__(self) -> None:
        self.items: dict[str, Sequence[Item]] = {}
        self.made: dict[Callable[..., Any], Any] = {}


class Groups(Generic[Item]):
    """Items by interaction, in groups of ``size`` interactions."""

    def __init__(self, size: int = GROUP_INTERACTIONS) -> None:
        self._size = size
        self._groups: list[_Group[Item]] = []
        self._group_of: dict[str, _Group[Item]] = {}

    def __iter__(self) -> Iterator[Item]:
        for group in self._groups:
            for items in group.items.values():
                yield from items

    def put(self, interaction: str, items: Sequence[Item]) -> None:
        """Give an interaction its items in the place of those that it had; none to one that is gone."""
        group = self._group_of.get(interaction)
        if group is None:
            if not items:
                return
            if not self._groups or len(self._groups[-1].items) >= self._size:
                self._groups.append(_Group())
            group = self._group_of[interaction] = self._groups[-1]
        group.made.clear()
        if items:
            group.items[interaction] = items
        else:
            del group.items[interaction], self._group_of[interaction]

    def over(self, work: Callable[[Sequence[Item]], Made]) -> list[Made]:
        """Return what a function makes of each group's items. It is called where they have changed since, and known by
        what it is, so it must be one that lasts."""
        found: list[Made] = []
        for group in self._groups:
            if work not in group.made:
                group.made[work] = work([item for items in group.items.values() for item in items])
            found.append(cast(Made, group.made[work]))
        return found
