"""The context API's HTTP app, and its routes for an app that holds other services' too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from cx_context.store import Store
from cx_context.store.customer_index import CustomerIndex
from cx_context.store.rendering import PIECES_BYTES
from cx_context_api import openapi
from cx_context_api.contexts.as_of import PastContexts
from cx_context_api.contexts.body_cache import CACHE_BYTES
from cx_context_api.contexts.contact_contexts import ContactContexts
from cx_context_api.contexts.current import CurrentContexts
from cx_context_api.contexts.lineages import MOST_EVENTS, Lineages
from cx_context_api.contexts.routes import ContextRoutes
from cx_context_api.conversations.agent_action_routes import AgentActionRoutes
from cx_context_api.conversations.routes import ConversationRoutes
from cx_context_api.conversations.token_routes import TokenRoutes
from cx_context_api.conversations.vcon_export import VconExports
from cx_context_api.decisions import Clock, Decisions, IncreasingClock
from cx_context_api.events.contents import Contents, PartAt
from cx_context_api.events.routes import EventRoutes
from cx_context_api.following.change_notifications import ChangeListener
from cx_context_api.following.routes import StreamRoutes
from cx_context_api.following.streams import EventStreams
from cx_context_api.following.subscriptions import Subscriptions
from cx_context_api.identity.routes import IdentityRoutes
from cx_context_api.identity.rules_whatif import RulesWhatIf
from cx_context_api.reads.turns import ReadTurns
from cx_context_api.requests.admission import Admission
from cx_context_api.requests.tenancy import tenancies
from cx_events.blob import Blobs
from cx_events.log import Log
from cx_runtime.fast_routes import FastRouteApp
from cx_runtime.health import DEFAULT_MAX_AGE, Health
from cx_runtime.http import metrics_route, operations
from cx_runtime.metrics import Metrics
from cx_runtime.owned_tasks import OwnedTasks
from cx_runtime.tenant_rates import Rates
from cx_runtime.tenants import Tenants

HEARTBEAT_SECONDS = 15.0


class ContextApi:
    """The service's parts, put together. ``follow`` runs beside; ``leave`` ends streams; ``stop`` lets its own
    connection go, before the store stops."""

    def __init__(
        self,
        store: Store,
        log: Log,
        tenants: Tenants,
        metrics: Metrics,
        *,
        now: Clock | None = None,
        cache_bytes: int = CACHE_BYTES,
        pieces_bytes: int = PIECES_BYTES,
        most_events: int = MOST_EVENTS,
        rates: Rates | None = None,
        blobs: Blobs | None = None,
        part_at: PartAt | None = None,
        public_url: str = "",
        heartbeat: float = HEARTBEAT_SECONDS,
        health: Health | None = None,
        reading: ReadTurns | None = None,
    ) -> None:
        """``now``: µs since 1970, later with every call; one process has one such clock. ``cache_bytes`` bounds the
        bodies kept, ``pieces_bytes`` what the next ones can be made of, ``most_events`` the histories of customers of
        which a lineage is worked out. ``rates``: how much each key may ask; as much as it likes without. ``blobs``:
        where the channels keep large originals and attachments. ``part_at``: how a part of a mail is found, for what
        that store lacks. ``public_url``: how others reach this hub. ``heartbeat``: seconds after which streams look
        again and say that they live. ``health``: told whether following goes on. ``reading``: whose turn it is to
        read."""
        known = tenancies(tenants)
        self.reading = reading = reading or ReadTurns.of(len(known))
        self._heads = CustomerIndex(store)
        self.contexts = CurrentContexts(
            store, known, self._heads, reading=reading, cache_bytes=cache_bytes, pieces_bytes=pieces_bytes
        )
        expect = (health or Health()).expect
        self.following = Subscriptions(heartbeat, expect("following", max_age=heartbeat * 2 + DEFAULT_MAX_AGE))
        self.notices = ChangeListener(log, self.following, expect("notices"))
        self.streams = EventStreams(self.following, metrics)
        admission = Admission(tenants, known, rates if rates is not None else Rates(tenants))
        clock = now or IncreasingClock()
        decisions = Decisions(store, log, known, metrics, clock)
        lineages = Lineages(store, reading, most_events=most_events)
        at_hand = ContactContexts(store, known, self.contexts, clock, reading)
        past = PastContexts(store, reading)
        contents = Contents(blobs, part_at)
        self.vcons = VconExports(store, known, contents, reading, public_url)
        read = ContextRoutes(admission, self.contexts, at_hand, past, lineages, metrics, clock, reading)
        rooms = (
            read,
            ConversationRoutes(admission, store, self.vcons, clock, reading),
            IdentityRoutes(admission, store, decisions, RulesWhatIf(store, reading), metrics, reading),
            AgentActionRoutes(admission, store, decisions, metrics),
            StreamRoutes(admission, store, self.contexts, self.following, self.streams, reading, at_hand),
            EventRoutes(admission, store, contents, metrics, reading),
            TokenRoutes(admission, tenants, store, decisions, metrics),
        )
        self.routes = [route for room in rooms for route in room.all()]
        self.read_most = read.read_most()

    async def follow(self) -> None:
        """Keep what is followed up to date, until it is cancelled. ``Ended`` where one of its two tasks is over."""
        async with OwnedTasks() as companions:
            companions.start("the looks at what is followed", self.following.run())
            companions.start("the reading of notices", self.notices.run())
            await asyncio.Event().wait()

    async def leave(self, seconds: float) -> None:
        """Before the server stops: end the streams, so that who follows comes again elsewhere, and tell those whose
        heavy reads are being worked out to come again."""
        if self.reading.elsewhere is not None:
            await self.reading.elsewhere.stop()
        await self.streams.leave(seconds)

    async def stop(self) -> None:
        await self.following.stop()
        if self.reading.elsewhere is not None:
            await self.reading.elsewhere.stop()
        await self.contexts.stop()
        await self._heads.stop()


def add_routes(app: FastRouteApp, api: ContextApi) -> None:
    """The routes into ``app``, and what they are into its OpenAPI document."""
    app.router.routes.extend(api.routes)
    for path, handler in api.read_most.items():
        app.fast_route(path, handler, methods={"GET", "HEAD"})
    app.openapi = _with_ours(app.openapi)  # type: ignore[method-assign]


def create_api(
    store: Store,
    log: Log,
    tenants: Tenants,
    health: Health,
    metrics: Metrics,
    *,
    now: Clock | None = None,
    cache_bytes: int = CACHE_BYTES,
    most_events: int = MOST_EVENTS,
) -> FastRouteApp:
    """The app of this service alone; the arguments as of ``ContextApi``. Whoever made the store and the log starts and
    stops them.

    Serve it by ``cx_runtime.serve.server_config``, which adds the deadlines that the server lacks.
    """
    api = ContextApi(
        store, log, tenants, metrics, now=now, cache_bytes=cache_bytes, most_events=most_events, health=health
    )

    @asynccontextmanager
    async def lifespan(_app: object) -> AsyncIterator[None]:
        following = asyncio.create_task(api.follow())
        yield
        following.cancel()
        await api.stop()

    title = "Throughline: contexts"
    app = FastRouteApp(metrics, title=title, version="1", docs_url=None, redoc_url=None, lifespan=lifespan)
    add_routes(app, api)
    app.router.routes.extend([*operations(health), metrics_route(metrics, None)])
    return app


def _with_ours(others: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    def document() -> dict[str, Any]:
        whole = others()
        ours = openapi.components()
        components = {name: {**whole.get("components", {}).get(name, {}), **found} for name, found in ours.items()}
        return {
            **whole,
            "paths": {**whole.get("paths", {}), **openapi.paths()},
            "components": {**whole.get("components", {}), **components},
        }

    return document
