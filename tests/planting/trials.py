"""One trial: a hub of its own, a difference planted or none, and what ``verify`` says of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from random import Random

from tests.planting.differences import Difference
from tests.planting.hubs import Hub, short_segments

Open = Callable[[Random], AbstractAsyncContextManager[Hub]]
"""Opens a hub that a random history went through."""


@dataclass(frozen=True)
class Found:
    """``wanted``: how the difference may be named; empty where none was planted. ``wrong``: what was found."""

    kind: str
    wanted: frozenset[str]
    wrong: tuple[str, ...]

    @property
    def is_right(self) -> bool:
        """Whether what was planted is named; whether nothing is, where nothing was planted."""
        if not self.wanted:
            return not self.wrong
        return any(
            sentence.startswith(f"{name}{end}") for sentence in self.wrong for name in self.wanted for end in ":/"
        )


async def trial(open_hub: Open, seed: str, difference: Difference | None) -> Found:
    """The same seed gives the same history and plants the same."""
    random = Random(seed)
    with short_segments():
        async with open_hub(random) as hub:
            wanted = await difference.plant(hub, random) if difference is not None else set()
            found = await hub.verified()
    return Found(difference.kind if difference is not None else "none", frozenset(wanted), tuple(found.wrong))
