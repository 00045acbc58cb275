"""What answering needs to know of each tenant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cx_context_api.requests.targets import regions_of
from cx_events.ids import IdSpace
from cx_events.junk import DEFAULT_JUNK, Junk
from cx_events.timestamps import Micros
from cx_identity.rules import DEFAULT, Rules
from cx_runtime.tenants import Tenants


@dataclass(frozen=True, slots=True)
class Tenancy:
    """``rules``: in force before any were recorded; a configuration's are recorded when a hub starts. ``window``: of
    threading, in µs. ``regions``: its connections'. ``junk``: what identifies nobody."""

    ids: IdSpace
    rules: Rules
    window: Micros
    regions: tuple[str, ...]
    junk: Junk = DEFAULT_JUNK


def tenancies(tenants: Tenants) -> Mapping[str, Tenancy]:
    return {
        name: Tenancy(
            ids=tenants.ids(name),
            rules=DEFAULT,
            window=config.threading.window * 1_000_000,
            regions=regions_of(tenants, name),
            junk=tenants.junk(name),
        )
        for name, config in tenants.by_name.items()
    }
