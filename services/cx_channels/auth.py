"""Who may send events here."""

from __future__ import annotations

from typing import NamedTuple

from starlette.datastructures import Headers

from cx_runtime.http import caller
from cx_runtime.tenants import Tenants


class Sender(NamedTuple):
    """``key``: its id. ``importing``: may state recorded times and write what otherwise only the hub does (scope
    ``ops``). ``scopes``: of the key; what its events may say about who is who depends on them."""

    tenant: str
    key: str
    importing: bool
    scopes: frozenset[str] = frozenset()


def authenticate_sender(headers: Headers, tenants: Tenants) -> Sender:
    """The sender of events by its key, which needs the scope ``events:write``; see ``cx_runtime.http.caller``."""
    tenant, key = caller(headers, tenants, "events:write")
    return Sender(tenant, key.id, key.allows("ops"), frozenset(key.scopes))
