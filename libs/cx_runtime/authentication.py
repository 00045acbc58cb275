"""Authenticate callers: the tenant and key behind a bearer token, with the scope that is asked for."""

from __future__ import annotations

from typing import NamedTuple

from starlette.datastructures import Headers

from cx_events.errors import Refused
from cx_runtime import shares, tenants
from cx_runtime.in_flight import claim


class Caller(NamedTuple):
    """The key that a request presented, and its tenant. ``key.id`` is what logs may show."""

    tenant: str
    key: tenants.KeyConfig


def caller(headers: Headers, known: tenants.Tenants, scope: tenants.Scope) -> Caller:
    """The caller, if its key has the scope. From here on the request counts for its tenant.

    Raises ``Refused``: ``no-key`` or ``bad-key`` (401), ``missing-scope`` (403); ``TooFast`` where the tenant or the
    key has used up its share of what may be under way.
    """
    tenant, key = authenticated(headers, known)
    claim(tenant, shares.key(key.id))
    if not key.allows(scope):
        raise Refused("missing-scope", f"the key {key.id!r} does not have the scope {scope!r}", 403)
    return Caller(tenant, key)


def authenticated(headers: Headers, known: tenants.Tenants) -> tuple[str, tenants.KeyConfig]:
    """Return the tenant and the key that a request presents. Raises ``Refused``: ``no-key`` or ``bad-key`` (401)."""
    found = known.authenticate(bearer_token(headers))
    if found is None:
        raise Refused("bad-key", "this key is not known", 401)
    return found


def bearer_token(headers: Headers) -> str:
    """The token of ``Authorization: Bearer TOKEN``. Raises ``Refused``: ``no-key`` (401)."""
    token = bearer_token_in(headers.get("authorization", ""))
    if not token:
        raise Refused("no-key", "a key is needed: Authorization: Bearer KEY", 401)
    return token


def bearer_token_in(authorization: str) -> str:
    """Return the token of a header ``Authorization``, empty where that holds none."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
