"""Say how long customers may wait, by queue of the tenant's directory. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from cx_context.store.wait_rows import OverCount, Wait
from cx_events.directory import NO_DIRECTORY, Directory
from cx_events.timestamps import Micros

Bounds = Mapping[str, Mapping[str, int]]
"""By tenant and queue, the seconds within which customers are to be answered."""


class Due(NamedTuple):
    """A wait and the bound of its queue, in seconds. ``queue``: the directory's id."""

    wait: Wait
    queue: str
    bound: int

    @property
    def at(self) -> Micros:
        """Return when it passes the bound."""
        return self.wait.since + self.bound * 1_000_000


class Look(NamedTuple):
    """Queues of a tenant that have the same bound. ``names``: the ids by which vendors may name them."""

    tenant: str
    bound: int
    names: list[str]


class QueueBounds:
    """The bounds of all tenants. ``directories``: by tenant, who queues are now."""

    def __init__(self, bounds: Bounds, directories: Mapping[str, Directory]) -> None:
        self.by_tenant = {tenant: its for tenant, its in bounds.items() if its}
        self._directories = directories

    def directory(self, tenant: str) -> Directory:
        """Return a tenant's queues as they are now."""
        return self._directories.get(tenant, NO_DIRECTORY)

    def looks(self) -> list[Look]:
        """Return what is to be looked for, by tenant and bound."""
        names: dict[tuple[str, int], list[str]] = {}
        for tenant, queues in self.by_tenant.items():
            for queue, bound in queues.items():
                names.setdefault((tenant, bound), []).extend(self.directory(tenant).ids_of("queue", queue))
        return [Look(tenant, bound, list(dict.fromkeys(found))) for (tenant, bound), found in names.items()]

    def due(self, look: Look, waits: Iterable[Wait]) -> list[Due]:
        """Return those of the waits found for a look that are in its queues: an id may be another queue's elsewhere."""
        directory, bounds = self.directory(look.tenant), self.by_tenant[look.tenant]
        named = [Due(wait, directory.id_of("queue", wait.queue, wait.source), look.bound) for wait in waits]
        return [each for each in named if bounds.get(each.queue) == look.bound]

    def counted(self, counts: Iterable[OverCount]) -> dict[tuple[str, str], int]:
        """Return how many waits are over the bound, by tenant and queue, 0 included."""
        found = {(tenant, queue): 0 for tenant, queues in self.by_tenant.items() for queue in queues}
        for each in counts:
            key = (each.tenant, self.directory(each.tenant).id_of("queue", each.queue, each.source))
            if key in found:
                found[key] += each.waits
        return found
