"""Make a configured subscription ready to use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cx_context.store.subscription_rows import Name
from cx_events.filters import compile_filter
from cx_events.log import LogRecord
from cx_ops.subscriptions.messages import kind_of_record
from cx_runtime.outbound.signatures import Signatures
from cx_runtime.subscription_config import SubscriptionConfig
from cx_runtime.tenants import Tenants


@dataclass(frozen=True)
class Subscription:
    """``is_from_beginning``: a new one begins with the log's first record. ``is_paused``: by the configuration."""

    name: Name
    url: str
    filter: str
    signatures: Signatures
    matches: Callable[[LogRecord], bool]
    is_from_beginning: bool = False
    is_paused: bool = False
    of_waits: bool = False
    """Of the notices on its topic those of overdue waits are wanted, and no others; else all but those."""

    def wants(self, record: LogRecord) -> bool:
        """Return whether a record is the tenant's own, of the kind that is wanted, and passes the filter."""
        return kind_of_record(record) == (self.name.tenant, self.of_waits) and self.matches(record)


def subscription_of(tenant: str, id: str, config: SubscriptionConfig) -> Subscription:
    """Return a subscription that was checked when the configuration was read."""
    return Subscription(
        Name(tenant, id, config.topic),
        config.url,
        config.filter,
        Signatures(config.secrets),
        compile_filter(config.filter, config.topic).matches if config.filter else lambda _: True,
        config.since == "beginning",
        config.paused,
        config.what == "overdue",
    )


def subscriptions_of(tenants: Tenants) -> list[Subscription]:
    """Return all subscriptions of all tenants."""
    return [
        subscription_of(tenant, id, each)
        for tenant, config in tenants.by_name.items()
        for id, each in config.subscriptions.items()
    ]
