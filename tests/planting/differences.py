"""A kind of difference between a log and a store, and how one of it is planted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random

from tests.planting.hubs import Hub

Names = set[str]
"""How findings of one difference may begin: table and key, topic and offset, or a blob. One of them must be named."""

Plant = Callable[[Hub, Random], Awaitable[Names]]


@dataclass(frozen=True)
class Difference:
    """``plant`` makes one of its kind in a hub that is as it should be, and returns how it may be named."""

    kind: str
    plant: Plant

    def __str__(self) -> str:
        return self.kind
