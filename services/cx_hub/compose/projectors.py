"""Start the projectors and the relay in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from cx_channels.intake import wall_clock
from cx_context.fold_version import FOLD_VERSION
from cx_hub.compose.hub import Hub, once
from cx_hub.identity_rules import put_in_force
from cx_hub.older_folds import keep_fold_noted
from cx_hub.rebuilding import process_name
from cx_hub.tenancies import listing_terms, tenancies_of
from cx_projectors.consumer import Consumer, ConsumerLimits
from cx_projectors.listing.worker import NAME, Lists
from cx_projectors.overdue.bounds import QueueBounds
from cx_projectors.overdue.watch import NAME as OVERDUE
from cx_projectors.overdue.watch import OverdueWatch
from cx_projectors.relay import Relay
from cx_runtime.release import release


@asynccontextmanager
async def projectors(hub: Hub) -> AsyncIterator[None]:
    if "projectors" not in hub.services:
        yield
        return
    tenancies = tenancies_of(hub.tenants)
    opened = (hub.store_opened, hub.log.opened)
    hub.health.expect("relay")
    is_behind = partial(_is_behind, hub)
    version = f"{release() or 'unknown'}, fold {FOLD_VERSION}"
    relay = Relay(hub.store, hub.log, hub.metrics, hub.health, is_behind, hub.tracing, hub.directories)
    lists = _keep_lists(hub, is_behind)

    def batch_done() -> None:
        relay.wake()
        lists.wake()

    pace = ConsumerLimits(hub.settings.batch_events, hub.settings.lease_seconds)
    for number in range(hub.settings.workers):
        name = f"{process_name()}-{number}"

        async def work(name: str = name) -> None:
            if not hub.supervisor.stopping.is_set():
                worker = hub.workers[name] = Consumer(
                    hub.store, hub.log, tenancies, name, hub.metrics, hub.health, pace, batch_done, version, hub.tracing
                )
                await worker.run()

        hub.health.expect(name)
        hub.supervisor.keep(name, once(*opened, work=work))
    hub.metrics.cache_bytes.labels("parts").set_function(lambda: sum(each.parts_bytes for each in hub.workers.values()))
    _watch_waits(hub)
    hub.supervisor.keep("relay", once(*opened, work=relay.run))
    hub.supervisor.run("rules", once(*opened, work=lambda: put_in_force(hub.tenants, hub.store, hub.log, wall_clock())))
    hub.supervisor.keep("fold-notes", once(*opened, work=lambda: keep_fold_noted(hub.store, hub.health)))
    try:
        yield
    finally:
        await _stop(hub)


def _keep_lists(hub: Hub, is_behind: Callable[[], bool]) -> Lists:
    """Keep lists and search from now on."""
    hub.health.expect(NAME)
    lists = Lists(hub.store, listing_terms(hub.tenants), process_name(), hub.metrics)
    hub.supervisor.keep(NAME, once(hub.store_opened, work=lambda: lists.run(hub.health, is_behind)))
    return lists


def _watch_waits(hub: Hub) -> None:
    """Watch from now on how long customers wait, where any queue has a bound."""
    bounds = QueueBounds({name: its.answer_bounds for name, its in hub.tenants.by_name.items()}, hub.directories)
    if bounds.by_tenant:
        hub.health.expect(OVERDUE)
        watch = OverdueWatch(hub.store, hub.log, bounds, process_name(), hub.metrics, tracing=hub.tracing)
        opened = (hub.store_opened, hub.log.opened)
        hub.supervisor.keep(OVERDUE, once(*opened, work=lambda: watch.run(hub.health)))


def _is_behind(hub: Hub) -> bool:
    return any(worker.is_behind for worker in hub.workers.values())


async def _stop(hub: Hub) -> None:
    """Let batches under way end, then what follows them."""
    hub.supervisor.stopping.set()
    for worker in hub.workers.values():
        worker.stop()
    await hub.supervisor.finished(list(hub.workers))
    await hub.supervisor.stop("rules")
    await hub.supervisor.stop("fold-notes")
    await hub.supervisor.stop(OVERDUE)
    await hub.supervisor.stop("relay")
    await hub.supervisor.stop(NAME)
