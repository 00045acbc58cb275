"""Hold the token buckets of all tenants' keys and connections.

rates = Rates(tenants, key=Rate.parse("200/s"))
rates.of_key("acme", "desk").take()      # TooFast(retry_after) where too much was sent
"""

from __future__ import annotations

import time
from collections.abc import Callable

from cx_runtime.rates import NO_LIMIT, Bucket, Rate
from cx_runtime.tenants import Tenants


class Rates:
    """The buckets of one process. A key or a connection without a rate of its own has the common one."""

    def __init__(
        self,
        tenants: Tenants,
        *,
        key: Rate | None = None,
        connection: Rate | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make the buckets. ``key``, ``connection``: the common rates; None for no limit."""
        self._keys: dict[tuple[str, str], Bucket] = {}
        self._connections: dict[str, Bucket] = {}
        for name, tenant in tenants.by_name.items():
            for each in tenant.keys:
                rate = each.rate_or(key)
                if rate is not None:
                    self._keys[name, each.id] = Bucket(rate, f"the key {each.id!r}", clock)
            for id, connected in tenant.connections.items():
                rate = connected.rate_or(connection)
                if rate is not None:
                    self._connections[id] = Bucket(rate, f"the connection {id!r}", clock)

    def of_key(self, tenant: str, key: str) -> Bucket:
        """Return the bucket of a tenant's key; one without a limit where it has no rate."""
        return self._keys.get((tenant, key), NO_LIMIT)

    def of_connection(self, connection: str) -> Bucket:
        """Return the bucket of a connection; one without a limit where it has no rate."""
        return self._connections.get(connection, NO_LIMIT)
