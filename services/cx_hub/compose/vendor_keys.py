"""Start the worker that fetches what vendors publish and the checks of requests need, beside intake."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cx_channels.intake import Intake
from cx_channels.key_worker.stored import StoredKeys
from cx_channels.key_worker.worker import KeyWorker
from cx_hub.compose.hub import Hub
from cx_runtime.outbound.fetcher import open_fetcher
from cx_runtime.outbound.reach import Reach

WORKER = "keys"


@asynccontextmanager
async def key_worker(hub: Hub) -> AsyncIterator[KeyWorker]:
    """Make the worker. It begins with ``keep_keys``, and is stopped at the end."""

    def is_there() -> bool:
        return hub.existing_store() is not None

    async with open_fetcher(Reach.parse(hub.settings.outbound_networks)) as fetcher:
        try:
            yield KeyWorker(StoredKeys(hub.store, is_there), fetcher.get, hub.metrics, hub.health)
        finally:
            await hub.supervisor.stop(WORKER)


def keep_keys(hub: Hub, worker: KeyWorker, intake: Intake) -> None:
    """Have the keys of all connections fetched from now on, where there are any that need some."""
    for connection, provider in intake.connections.values():
        if provider.keys is not None:
            worker.serve(connection, provider.keys)
    if not worker.is_needed:
        return

    async def run() -> None:
        await worker.run(hub.health.progress(WORKER))

    hub.health.expect(WORKER)
    hub.supervisor.keep(WORKER, run)
