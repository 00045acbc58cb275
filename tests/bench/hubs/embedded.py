"""The whole hub in one process on SQLite, with events put on its log as intake puts them there, without HTTP."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.bench.children import Go, Task
from tests.bench.floors.embedded import BATCH, IN_FLIGHT
from tests.bench.workload import ID_KEY, IDS, make_workload

from cx_events.log import INTERACTIONS, Record
from cx_hub.compose import running_hub
from cx_runtime import logs
from cx_runtime.settings import Settings
from cx_runtime.tenants import TenantConfig, Tenants


async def run(task: Task, over: asyncio.Event, go: Go) -> dict[str, Any]:
    logs.configure("warning", "text")
    records = [Record(INTERACTIONS, key, value) for key, value in make_workload(task.count).records]
    batches = iter([records[at : at + BATCH] for at in range(0, len(records), BATCH)])
    tenants = Tenants({IDS.tenant: TenantConfig(id_key=ID_KEY)})
    # No setting comes from the environment: this is the hub on its own files.
    settings = Settings(home=Path(task.folder), log_url="", store_url="", blob_url="", port=0, topic_prefix="")
    async with running_hub(settings, tenants) as hub:
        while not (await hub.health.ready()).ok:
            await asyncio.sleep(0.05)
        await go()

        async def feed() -> None:
            for batch in batches:
                await hub.log.append(batch)

        await asyncio.gather(*(feed() for _ in range(IN_FLIGHT)))
        await over.wait()
    return {}
