"""Leave out acts that are taken back: by the names of their events, whichever of the two is known first."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, TypeVar

from cx_context.parts.values import At, hash_name

Item = TypeVar("Item", bound=tuple[Any, ...])


def act_key(name: str) -> str:
    """Return what stands for an event's name, ``SOURCE#ID``, where it is only compared."""
    return hash_name(name)


def key_at(at: At) -> str:
    """Return ``act_key`` of the event at a place."""
    return act_key(f"{at[3]}#{at[4]}")


def standing(items: Iterable[Item], undone: Collection[str]) -> list[Item]:
    """Return the items, each of which begins with its place, that nobody took back. ``undone``: by ``act_key``."""
    return [item for item in items if key_at(item[0]) not in undone] if undone else [*items]
