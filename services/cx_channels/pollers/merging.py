"""Follow several generators at once, as one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class _Item(NamedTuple, Generic[T]):
    value: T


async def merged(sources: Sequence[AsyncGenerator[T, None]]) -> AsyncGenerator[T, None]:
    """Yield what any of them yields, each in its own order, and read none further than one ahead.

    The first error ends all and is raised; a source that ends by itself is an ``EOFError``. Closing closes all.
    """
    found: asyncio.Queue[_Item[T] | Exception] = asyncio.Queue(1)
    tasks = [asyncio.create_task(_pump(source, found), name="reading one of several sources") for source in sources]
    try:
        while True:
            item = await found.get()
            if isinstance(item, Exception):
                raise item
            yield item.value
    finally:
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


async def _pump(source: AsyncGenerator[T, None], found: asyncio.Queue[_Item[T] | Exception]) -> None:
    error: Exception = EOFError("a source ended by itself")
    try:
        async with aclosing(source):
            async for each in source:
                await found.put(_Item(each))
    except Exception as raised:  # handed on, whatever it is
        error = raised
    await found.put(error)
