"""Fetch what is missing, asked for or old, hold it, and store it for the other processes.

What connections need in any case is fetched at the start and again before it is old. What requests ask for is fetched
when the store does not have it, within the bounds of ``pacing``; a host that does not answer holds up nothing else.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

import structlog

from cx_channels.intake import wall_clock
from cx_channels.key_worker.documents import ConnectionKeys, Document, TenantKeys
from cx_channels.key_worker.pacing import Pacing
from cx_channels.key_worker.stored import StoredKeys
from cx_channels.provider import Connection, KeySource, Lasting
from cx_events.errors import TryLater
from cx_events.timestamps import Micros
from cx_runtime.metrics import Metrics
from cx_runtime.outbound.fetcher import NotFetched

LOOK_SECONDS = 30.0
"""After so long it is looked what other processes have stored."""

LONGEST_PAUSE = 5.0
"""After so long it is looked what has become old."""

LEAST_PAUSE = 0.2
MOST_AT_ONCE = 8
_CLAIM_SECONDS = 15.0
_ELSEWHERE_SECONDS = 1.0
_MOST_URL = 1_000

Fetch = Callable[[str], Awaitable[bytes]]
"""Returns the document at a URL; raises ``NotFetched``."""


class Marks(Protocol):
    """A listener that is told how the work gets on, as ``cx_runtime.health.Progress``."""

    def mark(self) -> None: ...
    def end(self) -> None: ...


class Notes(Protocol):
    """A listener that is told what does not work while everything else does, as ``cx_runtime.health.Health``."""

    def note(self, name: str, why: str) -> None: ...
    def unnote(self, name: str) -> None: ...


class _Served(NamedTuple):
    connection: Connection
    source: KeySource


class _Due(NamedTuple):
    """A document to be fetched. ``known``: needed in any case."""

    keys: TenantKeys
    url: str
    served: _Served
    known: bool


class KeyWorker:
    """One per process. ``clock``: monotonic seconds; ``now``: microseconds since 1970."""

    def __init__(
        self,
        stored: StoredKeys,
        fetch: Fetch,
        metrics: Metrics,
        notes: Notes,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], Micros] = wall_clock,
    ) -> None:
        self._stored = stored
        self._fetch = fetch
        self._metrics = metrics
        self._notes = notes
        self._clock = clock
        self._now = now
        self._wake = asyncio.Event()
        self._tenants: dict[str, TenantKeys] = {}
        self._pacing: dict[str, Pacing] = {}
        self._views: dict[str, ConnectionKeys] = {}
        self._served: dict[str, _Served] = {}
        self._under_way: set[tuple[str, str]] = set()
        self._looked: float | None = None

    def keys_of(self, tenant: str, connection: str) -> ConnectionKeys:
        """Return what a connection reads its keys from; it is empty until ``serve`` and ``run``."""
        keys = self._tenants.setdefault(tenant, TenantKeys(tenant, self._clock, self._wake))
        return self._views.setdefault(connection, ConnectionKeys(keys))

    def serve(self, connection: Connection, source: KeySource) -> None:
        """Fetch what a connection needs, from now on."""
        view = self._views.get(connection.id)
        if view is not None:
            view.serve(connection, source)
            self._served[connection.id] = _Served(connection, source)
            self._pacing.setdefault(connection.tenant, Pacing())
            self._metrics.begin_keys(connection.provider)

    @property
    def is_needed(self) -> bool:
        """Return whether any connection needs keys."""
        return bool(self._served)

    async def run(self, marks: Marks) -> None:
        """Work until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    self._wake.clear()
                    if self._looks():
                        await self._look()
                    for each in self._due():
                        self._begin(group, each)
                    self._tell()
                    marks.mark()
                    await asyncio.sleep(LEAST_PAUSE)  # so that many questions make one look
                    await self._asked_within(self._pause())
        finally:
            self._under_way.clear()
            marks.end()

    def _looks(self) -> bool:
        """Return whether the store is to be asked: where something is asked for or old, and else now and then."""
        return bool(self._due()) or self._looked is None or self._clock() - self._looked >= LOOK_SECONDS

    async def _look(self) -> None:
        """Hold what other processes have stored."""
        self._looked = self._clock()
        for tenant in sorted({each.connection.tenant for each in self._served.values()}):
            keys = self._tenants[tenant]
            try:
                stored = await self._stored.read(tenant)
            except TryLater:  # the store is away: what is here serves, and what is missing is fetched
                return
            now = self._clock()
            for document, age in stored:
                fetched = now - age
                keys.hold(
                    document.url,
                    Document(document.body, fetched, fetched + document.fresh, fetched + document.kept),
                )
            for url in [url for url in keys.wanted if self._satisfied(keys, url)]:
                del keys.wanted[url]

    def _satisfied(self, keys: TenantKeys, url: str) -> bool:
        """Return whether another process has brought what was asked for: a document that came just now."""
        held = keys.find(url)
        return held is not None and self._clock() - held.fetched < LOOK_SECONDS

    def _due(self) -> list[_Due]:
        found: dict[tuple[str, str], _Due] = {}
        for served in self._served.values():
            keys = self._tenants[served.connection.tenant]
            for url in served.source.known(served.connection):
                if self._is_old(keys, url):
                    found.setdefault((keys.tenant, url), _Due(keys, url, served, True))
        for keys in self._tenants.values():
            for url, id in keys.wanted.items():
                if id in self._served and len(url) <= _MOST_URL:
                    known = url in self._served[id].source.known(self._served[id].connection)
                    found.setdefault((keys.tenant, url), _Due(keys, url, self._served[id], known))
        return list(found.values())

    def _is_old(self, keys: TenantKeys, url: str) -> bool:
        held = keys.find(url)
        return held is None or held.fresh_until <= self._clock()

    def _begin(self, group: asyncio.TaskGroup, due: _Due) -> None:
        place = due.keys.tenant, due.url
        pacing, now = self._pacing[due.keys.tenant], self._clock()
        if place in self._under_way or len(self._under_way) >= MOST_AT_ONCE or pacing.is_elsewhere(due.url, now):
            return
        if not pacing.may_ask(due.url, now, known=due.known):
            due.keys.wanted.pop(due.url, None)  # whoever needs it asks again
            return
        pacing.asked(now, known=due.known)  # before anything is waited for, so that many at once count, too
        self._under_way.add(place)
        group.create_task(self._bring(due), name=f"keys of {due.served.connection.id}")

    async def _bring(self, due: _Due) -> None:
        pacing = self._pacing[due.keys.tenant]
        try:
            if not await self._claimed(due):  # another process fetches it just now
                pacing.elsewhere(due.url, self._clock() + _ELSEWHERE_SECONDS, known=due.known)
                return
            await self._look()  # another process may have brought it, and given up its claim, since this one looked
            if not self._satisfied(due.keys, due.url):
                await self._fetched(due)
            await self._released(due)
        finally:
            self._under_way.discard((due.keys.tenant, due.url))
            self._wake.set()

    async def _claimed(self, due: _Due) -> bool:
        try:
            return await self._stored.claim(due.keys.tenant, due.url, _CLAIM_SECONDS)
        except TryLater:
            return True

    async def _released(self, due: _Due) -> None:
        try:
            await self._stored.release(due.keys.tenant, due.url)
        except TryLater:  # it ends by itself
            return

    async def _fetched(self, due: _Due) -> None:
        provider, pacing = due.served.connection.provider, self._pacing[due.keys.tenant]
        try:
            body = await self._fetch(due.url)
            lasting = due.served.source.lasting(due.url, body, self._now())
        except (NotFetched, ValueError) as failure:
            reason = failure.reason if isinstance(failure, NotFetched) else "no-such-document"
            self._metrics.keys_fetched(provider, reason)
            _log().warning(
                "a key was not fetched", connection=due.served.connection.id, host=_host(due.url), reason=reason,
                why=str(failure),
            )  # fmt: skip
            pacing.failed(due.url, self._clock())
            due.keys.wanted.pop(due.url, None)  # whoever needs it asks again
            return
        now = self._clock()
        due.keys.hold(due.url, Document(body, now, now + lasting.fresh, now + lasting.kept))
        due.keys.wanted.pop(due.url, None)
        pacing.came(due.url)
        self._metrics.keys_fetched(provider, "fetched")
        await self._shared(due, body, lasting)

    async def _shared(self, due: _Due, body: bytes, lasting: Lasting) -> None:
        try:
            await self._stored.put(due.keys.tenant, due.url, body, lasting)
        except TryLater:  # others fetch it for themselves
            _log().info("a key is not shared: the store is away", connection=due.served.connection.id)

    def _tell(self) -> None:
        """Tell which connections lack what they need, and how many documents are missing or old."""
        missing: dict[str, int] = {}
        for served in self._served.values():
            keys, known = self._tenants[served.connection.tenant], served.source.known(served.connection)
            provider, name = served.connection.provider, f"keys of {served.connection.id}"
            missing[provider] = missing.get(provider, 0) + sum(self._is_old(keys, url) for url in known)
            lacking = [_host(url) for url in known if keys.find(url) is None]
            if lacking:
                self._notes.note(name, f"no keys from {', '.join(lacking)} yet: requests are told to come again")
            else:
                self._notes.unnote(name)
        for provider, count in missing.items():
            self._metrics.keys_missing.set(count, provider)

    def _pause(self) -> float:
        """Return the seconds until the next look: soon while something is missing that is needed."""
        return 1.0 if self._due() else LONGEST_PAUSE

    async def _asked_within(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0]


def _log() -> structlog.stdlib.BoundLogger:
    log: structlog.stdlib.BoundLogger = structlog.get_logger("cx_channels.key_worker")
    return log
