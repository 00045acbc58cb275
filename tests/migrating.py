"""A process of its own that starts a store: ``python -m tests.migrating URL WHEN FOLDER...``.

It waits until WHEN (seconds since 1970), so that several begin at once, and prints the revision that it ends at. The
store's code knows the revisions in the folders.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from tests.revisions import store_at

import cx_context.store.migrations.run  # noqa: F401 - before the time comes
from cx_context.store.migrations import Revisions


async def main(url: str, when: float, *folders: str) -> None:
    store = store_at(url, Revisions(*map(Path, folders)))
    time.sleep(max(when - time.time(), 0))
    await store.start()
    print((await store.standing()).revision)
    await store.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2]), *sys.argv[3:]))
