"""Put rebuilds and replays together: the projectors' path fills what the operators' part asks for."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable

from cx_context.store import Store
from cx_events.log import Log
from cx_hub.tenancies import listing_terms, tenancies_and_windows, tenancies_of
from cx_ops.rebuild.comparison import Tenants as Windows
from cx_ops.rebuild.comparison import Watch
from cx_ops.rebuild.customers import CustomersRebuild
from cx_ops.rebuild.ownership import Ownership
from cx_ops.rebuild.run import Filler, Rebuild
from cx_ops.replay.acts import Ground
from cx_projectors import refold
from cx_projectors.catch_up import CatchUp
from cx_projectors.listing.worker import Lists
from cx_runtime.settings import Settings
from cx_runtime.tenants import Tenants


def process_name() -> str:
    """Return the name under which this process works on a rebuild."""
    return f"{platform.node()}-{os.getpid()}"


def windows_of(tenants: Tenants) -> Windows:
    """Return each tenant's ids and threading window."""
    return {name: (each.ids, window) for name, (each, window) in tenancies_and_windows(tenants).items()}


def replay_ground(settings: Settings) -> Ground:
    """Return the hub that replays begin at."""
    return Ground(settings.home, settings.resolved_log_url(), settings.topic_prefix, settings.outbound_networks)


def whole_rebuild(
    settings: Settings,
    tenants: Tenants,
    log: Log,
    store: Store,
    own: Ownership,
    tell: Callable[[str], None],
    rate: float | None = None,
    workers: int = 1,
) -> Rebuild:
    """Return the work on everything. ``tell``: is called with sentences, for people who wait."""
    tenancies = tenancies_of(tenants)

    def filler(shadow: Store, watch: Watch) -> Filler:
        name = f"rebuild-{process_name()}"
        lists = Lists(shadow, listing_terms(tenants), name, watch=watch)
        return CatchUp(
            shadow, log, tenancies, name, watch, workers=workers, rate=rate, batch=settings.batch_events,
            settle=lists.drain,
        )  # fmt: skip

    return Rebuild(store, own, windows_of(tenants), filler, tell)


def customers_rebuild(tenants: Tenants, store: Store, tell: Callable[[str], None]) -> CustomersRebuild:
    """Return the work on selected customers."""
    return CustomersRebuild(store, windows_of(tenants), refold, tell)
