"""Admit a request: its key has the scope and has requests left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from starlette.datastructures import Headers

from cx_context_api.requests.tenancy import Tenancy
from cx_runtime.http import caller
from cx_runtime.tenant_rates import Rates
from cx_runtime.tenants import Scope, Tenants


class Caller(NamedTuple):
    """The key that a request came with. ``key`` is the key's id, which may be logged."""

    tenant: str
    tenancy: Tenancy
    key: str


class Admission:
    """Checks the keys of all tenants."""

    def __init__(self, tenants: Tenants, tenancies: Mapping[str, Tenancy], rates: Rates) -> None:
        self._tenants = tenants
        self._tenancies = tenancies
        self._rates = rates

    def admit(self, headers: Headers, scope: Scope) -> Caller:
        """Return the caller, and count the request towards its key's rate.

        Raises ``Refused`` (401, 403) as ``cx_runtime.http.caller`` does, and ``TooFast``.
        """
        tenant, key = caller(headers, self._tenants, scope)
        self._rates.of_key(tenant, key.id).take()
        return Caller(tenant, self._tenancies[tenant], key.id)

    def require_scope(self, headers: Headers, scope: Scope) -> None:
        """Raise ``Refused("missing-scope", 403)`` unless the admitted key has this scope, too."""
        caller(headers, self._tenants, scope)
