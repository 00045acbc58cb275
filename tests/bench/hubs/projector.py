"""The hub's side of a contest: a projector as ``cx run projectors`` runs it, without its HTTP server."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.bench.children import Go, Task
from tests.bench.workload import IDS, PARTITIONS

from cx_context.store import open_store
from cx_events.log.open import open_log
from cx_identity.rules import DEFAULT
from cx_projectors.consumer import Consumer
from cx_projectors.tenancy import Tenancy
from cx_runtime import logs
from cx_runtime.health import Health
from cx_runtime.metrics import Metrics

POSITIONS = "SELECT coalesce(sum(next_offset), 0) FROM partitions"


async def run(task: Task, over: asyncio.Event, go: Go) -> dict[str, Any]:
    logs.configure("warning", "text")
    log = open_log(task.log_url, partitions=PARTITIONS, prefix=task.prefix)
    store = open_store(task.store_url)
    await log.start()
    await store.start()
    worker = Consumer(store, log, {IDS.tenant: Tenancy(IDS, DEFAULT)}, task.worker, Metrics(), Health())
    await go()
    running = asyncio.create_task(worker.run())
    ended = asyncio.create_task(over.wait())
    await asyncio.wait([running, ended], return_when=asyncio.FIRST_COMPLETED)
    worker.stop()
    await running
    await store.stop()
    await log.stop()
    return {"applied": worker.applied, "contentions": worker.contentions}
