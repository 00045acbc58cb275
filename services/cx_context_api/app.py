"""Put the context API together: an app of its own, or its routes in an app of several services."""

from __future__ import annotations

import asyncio

from cx_context.store import Store
from cx_context.store.cached_rendering import PIECES_BYTES
from cx_context.store.customer_index import CustomerIndex
from cx_context.store.directories import LiveDirectories
from cx_context_api.contexts.as_of import PastContexts
from cx_context_api.contexts.body_cache import CACHE_BYTES
from cx_context_api.contexts.brief_routes import BriefRoutes
from cx_context_api.contexts.contact_contexts import ContactContexts
from cx_context_api.contexts.current import CurrentContexts
from cx_context_api.contexts.diffs import Diffs
from cx_context_api.contexts.journey_routes import JourneyRoutes
from cx_context_api.contexts.lineages import Lineages
from cx_context_api.contexts.routes import ContextRoutes
from cx_context_api.contexts.value_sources import MAX_EVENTS, HistoryReader
from cx_context_api.conversations.agent_action_routes import AgentActionRoutes
from cx_context_api.conversations.continuity_token_routes import TokenRoutes
from cx_context_api.conversations.routes import ConversationRoutes
from cx_context_api.conversations.vcon_export import VconExports
from cx_context_api.decisions import Clock, Decisions, IncreasingClock
from cx_context_api.directory_routes import DirectoryRoutes
from cx_context_api.events.contents import Contents, PartAt
from cx_context_api.events.routes import EventRoutes
from cx_context_api.following.change_listener import ChangeListener
from cx_context_api.following.routes import StreamRoutes
from cx_context_api.following.streams import EventStreams
from cx_context_api.following.subscriptions import Subscriptions
from cx_context_api.identity.routes import IdentityRoutes
from cx_context_api.identity.rules_whatif import RulesWhatIf
from cx_context_api.listing.routes import ListRoutes
from cx_context_api.openapi.description import description
from cx_context_api.reads.turns import ReadTurns
from cx_context_api.requests.admission import Admission
from cx_context_api.requests.tenancy import tenancies
from cx_events.blob import Blobs
from cx_events.log import Log
from cx_runtime.fast_routes import FastRouteApp
from cx_runtime.health import DEFAULT_MAX_AGE, Health
from cx_runtime.metrics import Metrics
from cx_runtime.owned_tasks import OwnedTasks
from cx_runtime.tenant_rates import Rates
from cx_runtime.tenants import Tenants
from cx_runtime.tracing import OFF, Tracing

HEARTBEAT_SECONDS = 15.0


class ContextApi:
    """The service's parts, put together.

    ``follow`` runs beside the server; ``leave`` ends streams; ``stop`` releases the store before that stops.
    """

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
        max_events: int = MAX_EVENTS,
        rates: Rates | None = None,
        blobs: Blobs | None = None,
        part_at: PartAt | None = None,
        public_url: str = "",
        heartbeat: float = HEARTBEAT_SECONDS,
        health: Health | None = None,
        turns: ReadTurns | None = None,
        tracing: Tracing = OFF,
        directories: LiveDirectories | None = None,
    ) -> None:
        """Put the parts together.

        ``now``: µs since 1970, later with every call; a process has one such clock. ``cache_bytes`` bounds the cached
        bodies, ``pieces_bytes`` the pieces that bodies are made of, ``max_events`` the histories that are explained.
        ``rates``: by default the configured ones. ``blobs``: of channels; ``part_at`` finds parts of mails that are not
        there. ``public_url``: how others reach this hub. ``directories``: kept up to date by somebody else.
        """
        self.directories = directories or LiveDirectories(store, tenants.configured_directories)
        known = tenancies(tenants, self.directories)
        self.turns = turns = turns or ReadTurns.of(len(known))
        self._index, expect = CustomerIndex(store), (health or Health()).expect
        self.contexts = CurrentContexts(
            store, known, self._index, turns=turns, cache_bytes=cache_bytes, pieces_bytes=pieces_bytes
        )
        self.subscriptions = Subscriptions(heartbeat, expect("following", max_age=heartbeat * 2 + DEFAULT_MAX_AGE))
        self._listener = ChangeListener(log, self.subscriptions, expect("notices"))
        self._streams = EventStreams(store, log, self.subscriptions, metrics, tracing)
        admission, clock = Admission(tenants, known, rates or Rates(tenants)), now or IncreasingClock()
        decisions = Decisions(store, log, known, metrics, clock, tracing)
        history, contents = HistoryReader(store, turns, max_events=max_events), Contents(blobs, part_at)
        contacts, past = ContactContexts(store, known, self.contexts, clock, turns), PastContexts(store, turns)
        self.vcons = VconExports(store, known, contents, turns, public_url)
        contexts = ContextRoutes(
            admission, self.contexts, contacts, past, Lineages(history), Diffs(history), metrics, clock, turns
        )
        handlers = (
            contexts,
            BriefRoutes(admission, self.contexts, contacts),
            ConversationRoutes(admission, store, self.vcons, clock, turns),
            IdentityRoutes(admission, store, decisions, RulesWhatIf(store, turns), metrics, turns),
            AgentActionRoutes(admission, store, decisions, metrics),
            StreamRoutes(admission, store, self.contexts, self.subscriptions, self._streams, turns, contacts),
            EventRoutes(admission, store, contents, metrics, turns),
            TokenRoutes(admission, tenants, store, decisions, metrics),
            JourneyRoutes(admission, store, self.contexts, contacts, metrics, clock, turns),
        )
        lists, directory = ListRoutes(admission, store, turns), DirectoryRoutes(admission)
        self.routes = [route for each in (*handlers, lists, directory) for route in each.all()]
        self.fast_handlers = {**contexts.fast(), **handlers[1].fast(), **lists.fast()}

    async def follow(self) -> None:
        """Keep subscriptions up to date until cancelled. Raises ``Ended`` if one of its tasks ends."""
        self.directories.told.append(self.subscriptions.read_anew)
        async with OwnedTasks() as tasks:
            tasks.start("the refreshing of subscriptions", self.subscriptions.run())
            tasks.start("the reading of change notifications", self._listener.run())
            tasks.start("the reading of presence", self._streams.board.run())
            await asyncio.Event().wait()

    async def leave(self, seconds: float) -> None:
        """End streams and heavy reads before the server stops, so that clients come again to another process."""
        if self.turns.processes is not None:
            await self.turns.processes.stop()
        await self._streams.leave(seconds)

    async def stop(self) -> None:
        """Release the store."""
        await self.subscriptions.stop()
        await self._streams.stop()
        if self.turns.processes is not None:
            await self.turns.processes.stop()
        await self.contexts.stop()
        await self._index.stop()


def add_routes(app: FastRouteApp, api: ContextApi) -> None:
    """Add the routes to ``app``, and their descriptions to its OpenAPI document."""
    app.router.routes.extend(api.routes)
    for path, handler in api.fast_handlers.items():
        app.fast_route(path, handler, methods={"GET", "HEAD"})
    app.describe(description())
