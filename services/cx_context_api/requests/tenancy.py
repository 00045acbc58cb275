"""Hold the settings of each tenant that a read needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cx_context_api.requests.targets import regions_of
from cx_events.directory import NO_DIRECTORY, Directory
from cx_events.ids import IdSpace
from cx_events.junk import DEFAULT_JUNK, Junk
from cx_events.timestamps import Micros
from cx_identity.rules import DEFAULT, Rules
from cx_runtime.tenants import Tenants


@dataclass(frozen=True, slots=True)
class Tenancy:
    """One tenant's settings.

    ``rules`` hold until a hub has recorded those of its configuration. ``window``: the threading window in µs.
    ``regions``: those of its connections. ``junk``: values that identify nobody. ``directories``: by tenant, agents
    and queues as they are now. ``answer_bounds``: by queue, the seconds within which customers are to be answered.
    """

    ids: IdSpace
    rules: Rules
    window: Micros
    regions: tuple[str, ...]
    junk: Junk = DEFAULT_JUNK
    directories: Mapping[str, Directory] = field(default_factory=dict)
    answer_bounds: Mapping[str, int] = field(default_factory=dict)

    @property
    def directory(self) -> Directory:
        """Return the tenant's agents and queues as they are now; of one reading all should be asked of one."""
        return self.directories.get(self.ids.tenant, NO_DIRECTORY)


def tenancies(tenants: Tenants, directories: Mapping[str, Directory] | None = None) -> Mapping[str, Tenancy]:
    """Return each tenant's settings by its name. ``directories``: without them those of the configuration."""
    return {
        name: Tenancy(
            ids=tenants.ids(name),
            rules=DEFAULT,
            window=config.threading.window_micros,
            regions=regions_of(tenants, name),
            junk=tenants.junk(name),
            directories=tenants.directories if directories is None else directories,
            answer_bounds=config.answer_bounds,
        )
        for name, config in tenants.by_name.items()
    }
