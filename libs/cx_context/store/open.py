"""Open a store by its URL."""

from __future__ import annotations

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from cx_context.store.port import Store
from cx_context.store.postgres import PostgresStore
from cx_context.store.sqlite import SqliteStore
from cx_events.errors import Fatal

CONNECTIONS = 20


def open_store(url: str, *, connections: int = CONNECTIONS) -> Store:
    """Open a store by its URL, ``postgresql+asyncpg://...`` or ``sqlite+aiosqlite:///PATH``. Raises ``Fatal`` for any
    other. ``connections``: the most that are open at once, on PostgreSQL."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise Fatal(_WRONG_URL.format(url=url)) from None
    if parsed.drivername == "postgresql+asyncpg":
        return PostgresStore(parsed, connections=connections)
    if parsed.drivername == "sqlite+aiosqlite" and parsed.database:
        return SqliteStore(parsed)
    raise Fatal(_WRONG_URL.format(url=url))


_WRONG_URL = "CX_STORE_URL {url!r} is neither sqlite+aiosqlite:///PATH nor postgresql+asyncpg://USER@HOST/NAME"
