"""The hub's side of a contest: a projector as ``cx run projectors`` runs it, without its HTTP server."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from tests.bench.children import Go, Task
from tests.bench.workload import IDS, PARTITIONS

from cx_context.store import open_store
from cx_events.log.open import open_log
from cx_identity.rules import DEFAULT
from cx_projectors.consumer import Consumer
from cx_projectors.relay import Relay
from cx_projectors.tenancy import Tenancy
from cx_runtime import logs
from cx_runtime.health import Health
from cx_runtime.metrics import Metrics

POSITIONS = "SELECT coalesce(sum(next_offset), 0) FROM partitions"

RELAYED_POSITIONS = "SELECT coalesce(sum(next_offset), 0) - (SELECT count(*) FROM outbox) FROM partitions"
"""Less than the end of the log as long as a change waits to be published."""


async def run(task: Task, over: asyncio.Event, go: Go) -> dict[str, Any]:
    """Apply the log without publishing changes."""
    return await _run(task, over, go, relayed=False)


async def run_with_relay(task: Task, over: asyncio.Event, go: Go) -> dict[str, Any]:
    """Apply the log and publish the changes of contexts, all that ``cx run projectors`` does."""
    return await _run(task, over, go, relayed=True)


async def _run(task: Task, over: asyncio.Event, go: Go, *, relayed: bool) -> dict[str, Any]:
    logs.configure("warning", "text")
    log = open_log(task.log_url, partitions=PARTITIONS, prefix=task.prefix)
    store = open_store(task.store_url)
    await log.start()
    await store.start()
    metrics, health = Metrics(), Health()
    relay = Relay(store, log, metrics, health, lambda: worker.is_behind)
    wake = relay.wake if relayed else lambda: None
    worker = Consumer(store, log, {IDS.tenant: Tenancy(IDS, DEFAULT)}, task.worker, metrics, health, changed=wake)
    await go()
    running = asyncio.create_task(worker.run())
    relaying = asyncio.create_task(relay.run()) if relayed else None
    ended = asyncio.create_task(over.wait())
    await asyncio.wait([running, ended, *filter(None, [relaying])], return_when=asyncio.FIRST_COMPLETED)
    worker.stop()
    await running
    if relaying is not None:
        relaying.cancel()
        with suppress(asyncio.CancelledError):
            await relaying
    await store.stop()
    await log.stop()
    batches = metrics.registry.get_sample_value("cx_projector_batch_seconds_count")
    return {"applied": worker.applied, "contentions": worker.contentions, "batches": int(batches or 0)}
