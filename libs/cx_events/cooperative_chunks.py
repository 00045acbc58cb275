"""Work through many pieces in the event loop and let others in this process have their turn meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

CHUNK = 50
"""Events that are decoded or shown before others have their turn: about a millisecond."""

T = TypeVar("T")


async def cooperative_chunks(pieces: Sequence[T]) -> AsyncIterator[Sequence[T]]:
    """Yield the pieces, ``CHUNK`` at a time; others have their turn between two chunks."""
    for at in range(0, len(pieces), CHUNK):
        if at:
            await asyncio.sleep(0)
        yield pieces[at : at + CHUNK]
