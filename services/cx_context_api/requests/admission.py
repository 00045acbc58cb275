"""Who asks: a key that has the scope, and has not asked too much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from starlette.datastructures import Headers

from cx_context_api.requests.tenancy import Tenancy
from cx_runtime.http import caller
from cx_runtime.tenant_rates import Rates
from cx_runtime.tenants import Scope, Tenants


class Caller(NamedTuple):
    """``key``: its id, which logs may show."""

    tenant: str
    tenancy: Tenancy
    key: str


class Admission:
    """Of every tenant's keys."""

    def __init__(self, tenants: Tenants, tenancies: Mapping[str, Tenancy], rates: Rates) -> None:
        self._tenants = tenants
        self._tenancies = tenancies
        self._rates = rates

    def admit(self, headers: Headers, scope: Scope) -> Caller:
        """The request counts towards what its key may ask. ``Refused`` (401, 403) as of ``caller``, ``TooFast``."""
        tenant, key = caller(headers, self._tenants, scope)
        self._rates.of_key(tenant, key.id).take()
        return Caller(tenant, self._tenancies[tenant], key.id)

    def also(self, headers: Headers, scope: Scope) -> None:
        """``Refused("missing-scope", 403)`` unless the key that was admitted has this scope, too."""
        caller(headers, self._tenants, scope)
