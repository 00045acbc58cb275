"""Authenticate the senders of events."""

from __future__ import annotations

from typing import NamedTuple

from starlette.datastructures import Headers

from cx_runtime.authentication import caller
from cx_runtime.tenants import Tenants


class Sender(NamedTuple):
    """The sender of a request. ``key``: the key's id. ``scopes``: the key's; they limit what its events may say about
    identity.

    ``importing``: it may state recorded times and write what only the hub writes otherwise (scope ``ops``).
    """

    tenant: str
    key: str
    importing: bool
    scopes: frozenset[str] = frozenset()


def authenticate_sender(headers: Headers, tenants: Tenants) -> Sender:
    """Return the sender of a request by its key, which needs the scope ``events:write``.

    Raise what ``cx_runtime.authentication.caller`` raises.
    """
    tenant, key = caller(headers, tenants, "events:write")
    return Sender(tenant, key.id, key.allows("ops"), frozenset(key.scopes))
