"""Hold what a projector has to know of a tenant before it reads anything: its ids and rules of identity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cx_events.ids import IdSpace
from cx_identity.rules import Rules


@dataclass(slots=True)
class Tenancy:
    """A tenant's ids, and the identity rules in force before any change of rules was recorded."""

    ids: IdSpace
    rules: Rules


def ids_of(tenancies: Mapping[str, Tenancy]) -> Callable[[str], IdSpace | None]:
    """Return a function that returns a tenant's ids, or None for a tenant that is not configured."""

    def ids(tenant: str) -> IdSpace | None:
        tenancy = tenancies.get(tenant)
        return tenancy.ids if tenancy is not None else None

    return ids
