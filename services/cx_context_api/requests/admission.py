"""Admit a request: its key has the scope and has requests left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from starlette.datastructures import Headers

from cx_context_api.requests.tenancy import Tenancy
from cx_events.errors import Refused
from cx_runtime.authentication import caller
from cx_runtime.tenant_rates import Rates
from cx_runtime.tenants import KeyConfig, RequiredAssurance, Scope, Tenants


class Caller(NamedTuple):
    """The key that a request came with. ``key`` is the key's id, which may be logged."""

    tenant: str
    tenancy: Tenancy
    key: str


class ContactReader(NamedTuple):
    """A caller who may read a contact's context. ``required``: the least assurance that its key asks of the contact."""

    caller: Caller
    required: RequiredAssurance | None


class Admission:
    """Checks the keys of all tenants.

    A key with ``required_assurance`` reads the contexts of contacts that are assured enough, and nothing else: every
    read of a route that does not ask ``admit_contact_reader`` is refused to it.
    """

    def __init__(self, tenants: Tenants, tenancies: Mapping[str, Tenancy], rates: Rates) -> None:
        self._tenants = tenants
        self._tenancies = tenancies
        self._rates = rates

    def admit(self, headers: Headers, scope: Scope) -> Caller:
        """Return the caller, and count the request towards its key's rate.

        Raises ``Refused`` (401, 403) as ``cx_runtime.authentication.caller`` does, ``Refused("not-assured", 403)``
        for a read by a key that reads by contact alone, and ``TooFast``.
        """
        tenant, key = self._known(headers, scope)
        _check_reads_all(key, scope)
        return self._counted(tenant, key)

    def admit_contact_reader(self, headers: Headers) -> ContactReader:
        """Return the caller of a read that can be bound to a contact, and what its key requires of that.

        Raises as ``admit`` does, ``not-assured`` excepted.
        """
        tenant, key = self._known(headers, "context:read")
        return ContactReader(self._counted(tenant, key), key.required_assurance)

    def require_scope(self, headers: Headers, scope: Scope) -> None:
        """Check that the admitted key has this scope, too.

        Raises ``Refused`` (403): ``missing-scope``, ``not-assured``.
        """
        _, key = self._known(headers, scope)
        _check_reads_all(key, scope)

    def _known(self, headers: Headers, scope: Scope) -> tuple[str, KeyConfig]:
        tenant, key = caller(headers, self._tenants, scope)
        return tenant, key

    def _counted(self, tenant: str, key: KeyConfig) -> Caller:
        self._rates.of_key(tenant, key.id).take()
        return Caller(tenant, self._tenancies[tenant], key.id)


def _check_reads_all(key: KeyConfig, scope: Scope) -> None:
    if scope == "context:read" and key.required_assurance is not None:
        raise Refused(
            "not-assured",
            f"The key {key.id!r} has required_assurance: it reads contexts and briefs by interaction=ID, of contacts "
            f"at least {key.required_assurance}, and nothing else.",
            403,
        )
