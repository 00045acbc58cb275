"""Open what a provider serves beside webhooks: sockets and HTTP routes of its own.

Such a provider's folder has a sub-package ``server`` with ``open_server(ports) -> ProviderServer``. The composition
root opens each of them, adds its routes, keeps its worker running, and stops it. No other provider needs one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol

from cx_channels.intake import Intake
from cx_channels.limits import Limits
from cx_channels.registry import folder_name, providers
from cx_context.store import Store
from cx_events.log import Log
from cx_runtime.fast_routes import FastRouteApp
from cx_runtime.health import Progress
from cx_runtime.metrics import Metrics


@dataclass(frozen=True, slots=True)
class ServerPorts:
    """The parts of the process that a provider's server may use.

    ``progress``: makes the marks of a worker, by the worker's name. ``tenant_share``: see
    ``cx_runtime.shares.share_among``. ``store``: returns the store where there is one; nothing that has to be durable
    may rest on it, since intake goes on while it is down.
    """

    intake: Intake
    log: Log
    metrics: Metrics
    progress: Callable[[str], Progress]
    limits: Limits = field(default_factory=Limits)
    tenant_share: float = 1.0
    store: Callable[[], Store | None] = lambda: None


class ProviderServer(Protocol):
    """A provider's server. ``worker``: the name of what ``run`` does, in metrics and in ``/readyz``."""

    worker: str

    async def run(self) -> None:
        """Work in the background until cancelled; begun again after a fault. Needs an open log."""

    async def stop(self, seconds: float) -> None:
        """Take leave of whoever is connected, within so many seconds."""

    def add_routes(self, app: FastRouteApp) -> None:
        """Add the routes and sockets."""


def server_factories() -> Mapping[str, Callable[[ServerPorts], ProviderServer]]:
    """Return ``open_server`` of each provider that has a server, by the provider's name."""
    modules = {name: f"cx_channels.{folder_name(name).replace('/', '.')}.server" for name in providers()}
    return {name: import_module(module).open_server for name, module in modules.items() if find_spec(module)}
