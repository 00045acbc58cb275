"""Hold a hub that runs: its parts, and work that begins once a part is there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Literal

from cx_context.store import Store
from cx_context.store.directories import LiveDirectories
from cx_context.store.sqlite import SqliteStore
from cx_hub.deferred import DeferredBlobs, DeferredLog
from cx_hub.supervise import Supervisor, Work
from cx_projectors.consumer import Consumer
from cx_runtime.health import Health
from cx_runtime.in_flight import InFlight
from cx_runtime.metrics import Metrics
from cx_runtime.settings import Settings
from cx_runtime.tenant_rates import Rates
from cx_runtime.tenants import Tenants
from cx_runtime.tracing import OFF, Tracing

Service = Literal["channels", "pollers", "projectors", "api", "ops", "desktop"]
SERVICES: frozenset[Service] = frozenset({"channels", "pollers", "projectors", "api", "ops", "desktop"})

TAKE_IN: frozenset[Service] = frozenset({"channels", "pollers"})
"""Those that make events of what vendors say."""

USE_THE_STORE: frozenset[Service] = SERVICES - {"channels"}

USE_BLOBS: frozenset[Service] = SERVICES - {"projectors"}


@dataclass
class Hub:
    """A running hub. ``port`` and ``smtp_port`` are those listened on; 0 for an SMTP listener that there is not.
    ``metrics_port``: that of ``/metrics`` alone; 0 where it is on the HTTP port."""

    settings: Settings
    tenants: Tenants
    services: frozenset[Service]
    metrics: Metrics
    health: Health
    supervisor: Supervisor
    log: DeferredLog
    blobs: DeferredBlobs
    store: Store
    load: InFlight
    rates: Rates
    directories: LiveDirectories
    tracing: Tracing = OFF
    leaving: list[Callable[[float], Coroutine[None, None, None]]] = field(default_factory=list)
    """What else serves strangers: told to finish within so many seconds, while HTTP still answers."""
    port: int = 0
    smtp_port: int = 0
    metrics_port: int = 0
    workers: dict[str, Consumer] = field(default_factory=dict)
    ending: bool = False
    store_opened: asyncio.Event = field(default_factory=asyncio.Event)
    id_keys_looked_at: asyncio.Event = field(default_factory=asyncio.Event)
    """The store was asked under which ``id_key`` each tenant's ids were made, or could not be asked just then."""

    def existing_store(self) -> Store | None:
        """Return the store where there is one to ask: a process without a part that uses it must not make one."""
        is_there = not isinstance(self.store, SqliteStore) or self.store.path.exists()
        return self.store if is_there else None

    @property
    def url(self) -> str:
        host = self.settings.host
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - an address to reach it at
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def once(*opened: asyncio.Event, work: Work) -> Work:
    """Return work that waits for these events before it begins."""

    async def begin() -> None:
        for event in opened:
            await event.wait()
        await work()

    return begin
