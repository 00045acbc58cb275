"""Work out heavy reads for the context API in a process: ``python -m cx_hub.heavy_reads``, started by ``compose``.

Its first message says which store, blobs and tenants; those hold secrets, which have no place among arguments.
"""

from __future__ import annotations

import asyncio
import sys

import msgspec

from cx_channels.kit.mail.mime.parse import content_at
from cx_context.store import open_store
from cx_context_api.app import ContextApi, add_routes
from cx_context_api.reads.processes import serve
from cx_events.blob.open import open_blobs
from cx_events.log.open import open_log
from cx_runtime.child_processes import read_message
from cx_runtime.fast_routes import FastRouteApp
from cx_runtime.health import Health
from cx_runtime.metrics import Metrics
from cx_runtime.owned_tasks import OwnedTasks
from cx_runtime.priority import give_way
from cx_runtime.settings import Settings
from cx_runtime.tenants import TenantConfig, Tenants

COMMAND = (sys.executable, "-m", "cx_hub.heavy_reads")


class _SettingUp(msgspec.Struct):
    log_url: str
    store_url: str
    blob_url: str
    public_url: str
    tenants: dict[str, bytes]


def setting_up(settings: Settings, tenants: Tenants) -> bytes:
    """Return what such a process needs to know, as the first message to it."""
    return msgspec.json.encode(
        _SettingUp(
            settings.resolved_log_url(),
            settings.resolved_store_url(),
            settings.resolved_blob_url(),
            settings.public_url,
            {name: config.model_dump_json().encode() for name, config in tenants.by_name.items()},
        )
    )


async def main() -> None:
    """Until the input ends."""
    head, _ = read_message(sys.stdin.buffer)
    told = msgspec.json.decode(head, type=_SettingUp)
    tenants = Tenants({name: TenantConfig.model_validate_json(config) for name, config in told.tenants.items()})
    store, blobs, metrics = open_store(told.store_url), open_blobs(told.blob_url), Metrics()
    await blobs.start()
    log = open_log(told.log_url)  # nothing is written here
    api = ContextApi(store, log, tenants, metrics, blobs=blobs, part_at=content_at, public_url=told.public_url)
    app = FastRouteApp(metrics, title="Throughline: heavy reads", docs_url=None, redoc_url=None)
    add_routes(app, api)
    give_way()  # who asks for much has time; who asks for little does not
    try:
        async with OwnedTasks() as tasks:
            tasks.start("the reading of directories", api.directories.run(Health().progress("directories")))
            await serve(app, sys.stdin.buffer, sys.stdout.buffer)
    finally:
        await api.stop()
        await store.stop()
        await blobs.stop()


if __name__ == "__main__":
    asyncio.run(main())
