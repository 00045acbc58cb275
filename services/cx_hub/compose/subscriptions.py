"""Start the delivery of subscriptions in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from cx_hub.compose.hub import Hub, once
from cx_hub.rebuilding import process_name
from cx_ops.subscriptions.subscription import Subscription, subscriptions_of
from cx_ops.subscriptions.worker import SubscriptionWorker, Surroundings
from cx_runtime.outbound.reach import Reach
from cx_runtime.outbound.sender import open_sender


@asynccontextmanager
async def subscriptions(hub: Hub) -> AsyncIterator[None]:
    """Run a worker for each subscription, where this process runs ``ops``."""
    wanted = subscriptions_of(hub.tenants) if "ops" in hub.services else []
    if not wanted:
        yield
        return
    names: list[str] = []
    async with open_sender(Reach.parse(hub.settings.outbound_networks)) as sender:
        around = Surroundings(hub.store, hub.log, sender, hub.metrics)
        for each in wanted:
            name = f"subscription {each.name.tenant}/{each.name.subscription}"

            async def work(name: str = name, each: Subscription = each) -> None:
                owner = f"{process_name()}-{uuid4().hex[:8]}"
                await SubscriptionWorker(each, around, owner).run(hub.health, name)

            hub.metrics.begin_subscription(each.name.tenant, each.name.subscription)
            hub.health.expect(name)
            hub.supervisor.keep(name, once(hub.store_opened, hub.log.opened, work=work))
            names.append(name)
        try:
            yield
        finally:
            for name in names:
                await hub.supervisor.stop(name)
