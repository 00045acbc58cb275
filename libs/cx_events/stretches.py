"""Work through many pieces in the event loop and let others in this process have their turn meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

AT_A_STRETCH = 50
"""Events that are decoded or shown before others have their turn: about a millisecond."""

T = TypeVar("T")


async def stretches(pieces: Sequence[T]) -> AsyncIterator[Sequence[T]]:
    """Yield the pieces, ``AT_A_STRETCH`` at a time; others have their turn between two stretches."""
    for at in range(0, len(pieces), AT_A_STRETCH):
        if at:
            await asyncio.sleep(0)
        yield pieces[at : at + AT_A_STRETCH]
