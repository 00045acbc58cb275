"""Hold the tenants' ``id_key`` against the store where a process does not work with it, and tell when it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from cx_context.store import Store
from cx_context.store.id_keys import check_id_keys
from cx_context.store.sqlite import SqliteStore
from cx_events.errors import Fatal, TryLater
from cx_events.ids import IdSpace

LOOK_SECONDS = 2.0
"""How long a start waits for the store to say. A store that is away holds no intake up."""
AGAIN_SECONDS = 5.0


@contextmanager
def looking_at(looked: asyncio.Event) -> Iterator[None]:
    """Set the event at the end of the block, but for ``Fatal``: that ends the process, and nothing else may begin."""
    try:
        yield
    except Fatal:
        raise
    except BaseException:
        looked.set()
        raise
    looked.set()


async def watch_id_keys(store: Store, spaces: Mapping[str, IdSpace], looked: asyncio.Event) -> None:
    """Compare until every tenant's key is known to the store; it may be away, or not be made yet.

    For a process without a part that uses the store: it makes no store that there is not. Raises ``Fatal``.
    """
    while True:
        with looking_at(looked):
            if await _are_known(store, spaces):
                return
        await asyncio.sleep(AGAIN_SECONDS)


async def _are_known(store: Store, spaces: Mapping[str, IdSpace]) -> bool:
    if isinstance(store, SqliteStore) and not store.path.exists():
        return False
    try:
        return await check_id_keys(store, spaces)
    except TryLater:  # also a store whose tables are not there yet
        return False
