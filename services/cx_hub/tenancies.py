"""Make of the configuration what projectors, and those who check or rebuild their work, know of each tenant."""

from __future__ import annotations

from cx_events.timestamps import Micros
from cx_identity.rules import DEFAULT
from cx_projectors.listing.refresh import Terms
from cx_projectors.tenancy import Tenancy
from cx_runtime.tenants import Tenants


def tenancies_of(tenants: Tenants) -> dict[str, Tenancy]:
    """Return each tenant's ids and first rules. Rules of the configuration are events, once they are recorded."""
    return {name: Tenancy(tenants.ids(name), DEFAULT) for name in tenants.by_name}


def listing_terms(tenants: Tenants) -> dict[str, Terms]:
    """Return what each tenant's lists are made with."""
    return {name: Terms(each.ids, window) for name, (each, window) in tenancies_and_windows(tenants).items()}


def tenancies_and_windows(tenants: Tenants) -> dict[str, tuple[Tenancy, Micros]]:
    """Return the same, and each tenant's threading window in µs."""
    return {name: (each, tenants.by_name[name].threading.window_micros) for name, each in tenancies_of(tenants).items()}
