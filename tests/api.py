"""The context API for tests: the real app over a real log and store, behind a real server, with a projector at hand.

Events get into the log as intake puts them there; ``catch_up`` applies what was not applied yet.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from tests.asking import PatientClient
from tests.channels import BreakableLog
from tests.described import HELD
from tests.patience import PATIENCE
from tests.shown import faults_of
from tests.stores import sqlite_store

from cx_context.store import Store, leases, offsets, open_store
from cx_context.store.leases import Fenced, Lease, advanced
from cx_context_api.app import ContextApi, add_routes
from cx_context_api.decisions import Clock, IncreasingClock
from cx_context_api.reads.turns import ReadTurns
from cx_events.ids import IdSpace
from cx_events.log import INTERACTIONS, Log, Partition, Record
from cx_events.log.sqlite import SqliteLog
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import DAY, START
from cx_events.timestamps import Micros
from cx_identity.rules import Rules
from cx_projectors.listing.refresh import Terms
from cx_projectors.listing.worker import Lists
from cx_projectors.records import read_batch
from cx_projectors.relay import Relay
from cx_projectors.retrying_applier import RetryingApplier
from cx_projectors.store_epoch import open_store_epoch
from cx_projectors.tenancy import Tenancy
from cx_runtime.fast_routes import FastRouteApp
from cx_runtime.health import Health
from cx_runtime.http import metrics_route, operations
from cx_runtime.in_flight import InFlight
from cx_runtime.metrics import Metrics
from cx_runtime.serve import server_config
from cx_runtime.tenants import ConnectionConfig, KeyConfig, TenantConfig, Tenants

TODAY: Micros = START + 60 * DAY
"""What the hub's clock says: later than all that the stories tell of, on whatever day they are told."""

KEYS = {
    "all": "a-key-of-all-scopes",
    "reader": "a-key-for-reading",
    "desk": "a-key-for-threads",
    "judge": "a-key-for-identity",
    "bot": "a-key-for-assured-contacts",
    "other": "a-key-of-another",
}


def tenants() -> Tenants:
    """acme, under the key of ``cx_events.testing.builders.ACME``, and another tenant beside it."""

    def key(id: str, *scopes: str, **more: str) -> KeyConfig:
        return KeyConfig.model_validate({"id": id, "secret": KEYS[id], "scopes": scopes, **more})

    return Tenants(
        {
            "acme": TenantConfig(
                id_key="acme example key",
                keys=(
                    key("all", "*"),
                    key("reader", "context:read"),
                    key("desk", "conversations:write"),
                    key("judge", "identity:write"),
                    key("bot", "context:read", "conversations:write", required_assurance="asserted"),
                ),
                connections={
                    "acme-calls": ConnectionConfig(provider="voice/twilio", region="US"),
                    "acme-mail": ConnectionConfig(
                        provider="email/mime", settings={"addresses": ["support@acme.example"]}
                    ),
                    "acme-chat": ConnectionConfig(
                        provider="chat/webchat", settings={"page": "https://acme.example/chat"}
                    ),
                },
            ),
            "other": TenantConfig(id_key="a lasting key of another", keys=(key("other", "*"),)),
        }
    )


@dataclass
class Projector:
    """Applies what lies on a log, in one hand, when it is told to."""

    log: Log
    store: Store
    tenants: Mapping[str, Tenancy]
    owned: dict[Partition, Lease] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.applier = RetryingApplier(self.store, "hand", self.tenants)

    def ids_of(self, tenant: str) -> IdSpace | None:
        known = self.tenants.get(tenant)
        return known.ids if known is not None else None

    async def take(self) -> None:
        await open_store_epoch(self.store, self.log, begins=not self.owned)
        partitions = await self.log.partitions(INTERACTIONS)
        async with self.store.writing() as tx:
            await offsets.announce(tx, {Partition(INTERACTIONS, number): 0 for number in range(partitions)})
            self.owned = await leases.take(tx, "hand", 3600)
        self.applier.cache.clear()

    async def catch_up(self) -> None:
        if not self.owned:
            await self.take()
        reader = self.log.reader()
        try:
            while True:
                ends = await self.log.end_offsets(INTERACTIONS)
                if all(held.next_offset >= ends[partition.number] for partition, held in self.owned.items()):
                    return
                reader.assign({partition: held.next_offset for partition, held in self.owned.items()})
                records = await reader.read(1000)
                batch = read_batch(records, self.ids_of)
                try:
                    await self.applier.apply(batch, {partition: self.owned[partition] for partition in batch.offsets})
                except Fenced:
                    await self.take()
                else:
                    self.owned |= advanced(self.owned, batch.offsets)
        finally:
            await reader.close()


@dataclass
class Running:
    """What a test may look into, ask and turn off."""

    url: str
    client: PatientClient
    log: BreakableLog
    store: Store
    api: ContextApi
    projector: Projector
    tenants: Tenants
    metrics: Metrics
    relay: Relay
    now: Clock

    async def happen(self, *history: StampedEvent) -> None:
        """These events are on the log and applied."""
        await self.arrive(*history)
        await self.projector.catch_up()

    async def noticed(self, *history: StampedEvent) -> None:
        """These events are on the log and applied, and whoever follows has heard a hint."""
        await self.happen(*history)
        await self.relay.step()

    async def listed(self, *history: StampedEvent) -> None:
        """These events are on the log and applied, and lists and search show them."""
        await self.happen(*history)
        window = {name: config.threading.window_micros for name, config in self.tenants.by_name.items()}
        terms = {name: Terms(self.tenants.ids(name), window[name]) for name in window}
        await Lists(self.store, terms, "hand").drain()

    async def arrive(self, *history: StampedEvent) -> None:
        """These events are on the log."""
        await self.log.append([Record(INTERACTIONS, stamped.key, stamped.raw) for stamped in history])

    async def get(self, path: str, key: str = "all", **more: Any) -> httpx2.Response:
        return await self.client.get(path, headers={"authorization": f"Bearer {KEYS[key]}", **more.pop("headers", {})})

    async def post(self, path: str, body: Any, key: str = "all", **headers: str) -> httpx2.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post(path, json=body, headers={"authorization": f"Bearer {KEYS[key]}", **named})

    async def decide(self, path: str, body: Any, **headers: str) -> dict[str, Any]:
        """A decision, taken and applied."""
        answer = await self.post(path, body, **headers)
        assert answer.status_code == 202, answer.text
        await self.projector.catch_up()
        return answer.json()

    async def body(self, identifier: str) -> dict[str, Any]:
        """The body of a context, which shows what its sections declare."""
        answer = await self.get(f"/v1/context?identifier={identifier}")
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()["body"]
        assert faults_of(body) == []
        return body


@asynccontextmanager
async def running_api(
    folder: Path,
    store_url: str = "",
    *,
    bounds: Mapping[str, int] | None = None,
    log: Log | None = None,
    now: Clock | None = None,
    configured: Tenants | None = None,
    **settings: Any,
) -> AsyncIterator[Running]:
    """``bounds``: those of ``InFlight``; without there are none. ``log``: one in the folder, without. ``now``: the
    hub's clock; it stands at ``TODAY`` but for the microsecond by which it rises with each call. ``configured``: the
    tenants; without, ``tenants()``."""
    log = BreakableLog(log or SqliteLog(folder / "log.db", 4))
    store = open_store(store_url or sqlite_store(folder))
    await log.start()
    await store.start()
    known, metrics = configured or tenants(), Metrics()
    rules = {
        name: Tenancy(known.ids(name), Rules.parse(config.identity.model_dump()))
        for name, config in known.by_name.items()
    }
    projector = Projector(log.log, store, rules)
    await projector.take()
    clock = now or IncreasingClock(lambda: TODAY)
    # No shares of time: a collection of all that the tests' process holds would be charged to whoever reads meanwhile.
    settings.setdefault("turns", ReadTurns.of(1))
    api = ContextApi(store, log, known, metrics, now=clock, **settings)
    app = FastRouteApp(metrics, title="test", docs_url=None, redoc_url=None)
    add_routes(app, api)
    app.router.routes.extend([*operations(Health()), metrics_route(metrics, None, Health())])
    listener = socket.create_server(("127.0.0.1", 0))
    load = InFlight(metrics, **bounds) if bounds is not None else None
    server = uvicorn.Server(server_config(app, "127.0.0.1", 0, load=load))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    relay = Relay(store, log, metrics, Health(), directories=api.directories)
    following = asyncio.create_task(api.follow())
    directories = asyncio.create_task(api.directories.run(Health().progress("directories")))
    try:
        # Without TLS no list of authorities is read, which takes as long as a test.
        async with PatientClient(base_url=url, timeout=PATIENCE, event_hooks=HELD, verify=False) as client:
            yield Running(url, client, log, store, api, projector, known, metrics, relay, clock)
    finally:
        await api.leave(5.0)
        following.cancel()
        directories.cancel()
        await asyncio.wait([following, directories])
        server.should_exit = True
        await task
        listener.close()
        await api.stop()
        await store.stop()
        await log.stop()


def names(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """The ids of some timeline entries' events."""
    return [entry["event"]["id"] for entry in found]
