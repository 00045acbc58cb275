"""Open what commands need for themselves (settings, tenants, the log and the store), and run async commands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TypeVar

from cx_context.store import Store, open_store
from cx_context.store.id_keys import check_id_keys
from cx_events.archive import ArchivedLog
from cx_events.blob import Blobs
from cx_events.blob.open import open_blobs
from cx_events.log import Log
from cx_events.log.open import open_log
from cx_runtime.gc_tuning import settle
from cx_runtime.settings import Settings, environment
from cx_runtime.tenants import Tenants, load
from cx_runtime.topics import load_declarations

T = TypeVar("T")


def run_async(work: Coroutine[object, object, T]) -> T:
    """Run in a loop of uvloop's, where there is one for this Python."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(work)


def run_long(work: Coroutine[object, object, T]) -> T:
    """Run what works on many events: garbage is looked for as seldom as in a service."""
    settle()
    return run_async(work)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def load_tenants(settings: Settings) -> Tenants:
    return load(settings.config, settings.home, environment())


def log_of(settings: Settings) -> Log:
    """The log of the settings, with its archive, not started. ``Refused("bad-declaration")``, ``Fatal`` for a wrong
    address."""
    log = open_log(settings.resolved_log_url(), prefix=settings.topic_prefix, declared=load_declarations(settings))
    return log if settings.archive is None else ArchivedLog(log, settings.archive)


@asynccontextmanager
async def opened_log(settings: Settings) -> AsyncIterator[Log]:
    """The log of the settings, started. ``TryLater`` where it does not answer."""
    log = log_of(settings)
    try:
        await log.start()
        yield log
    finally:
        await log.stop()


@asynccontextmanager
async def opened_store(settings: Settings, tenants: Tenants | None = None) -> AsyncIterator[Store]:
    """The store of the settings, started. ``TryLater`` where it does not answer; ``Fatal`` where it was filled under
    another ``id_key`` of one of these tenants, whose ids are derived."""
    store = open_store(settings.resolved_store_url())
    try:
        await store.start()
        if tenants is not None:
            await check_id_keys(store, {name: tenants.ids(name) for name in tenants.by_name})
        yield store
    finally:
        await store.stop()


@asynccontextmanager
async def opened_blobs(url: str) -> AsyncIterator[Blobs]:
    """The blob store of a URL, started. ``TryLater`` where it does not answer."""
    blobs = open_blobs(url)
    try:
        await blobs.start()
        yield blobs
    finally:
        await blobs.stop()
