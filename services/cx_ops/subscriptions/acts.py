"""Pause, resume and retry a subscription; each act is said on the log first, with who and why."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Literal
from uuid import uuid4

from cx_context.store import Store, subscription_rows
from cx_context.store.subscription_rows import Stop
from cx_events.errors import Refused
from cx_events.ids import IdSpace
from cx_events.json_types import Json
from cx_events.log import INTERACTIONS, Log, Record
from cx_events.timestamps import Micros
from cx_ops.operator_acts import operator_event
from cx_ops.subscriptions.subscription import Subscription

Act = Literal["paused", "resumed", "retried"]
CHANGED = "cx.operations.subscription_changed.v1"


class SubscriptionActs:
    """``spaces``: the ids of all configured tenants. ``now``: µs since 1970."""

    def __init__(
        self,
        log: Log,
        store: Store,
        spaces: Mapping[str, IdSpace],
        now: Callable[[], Micros] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._log = log
        self._store = store
        self._spaces = spaces
        self._now = now

    async def pause(self, subscription: Subscription, writer: str, operator: str, why: str) -> Json:
        """Deliver nothing from now on, but for requests under way. Raises ``Refused("no-reason", 400)``."""
        if not why.strip():
            raise Refused("no-reason", "say why, for whoever finds it paused", 400)
        await self._say("paused", subscription, writer, operator, why)
        stop = Stop("paused", why, writer, self._now() / 1e6)
        async with self._store.writing() as tx:
            await subscription_rows.write_stop(tx, subscription.name, stop)
        return {"id": subscription.name.subscription, "state": "paused"}

    async def resume(self, subscription: Subscription, writer: str, operator: str, why: str) -> Json:
        """Go on where it was. Raises ``Refused("not-paused", 409)``."""
        if subscription.is_paused:
            raise Refused("paused-in-configuration", "CX_CONFIG says `paused: true` of it: change that", 409)
        async with self._store.reading() as tx:
            if await subscription_rows.stop_of(tx, subscription.name) is None:
                raise Refused("not-paused", f"{subscription.name.subscription} is running", 409)
        await self._say("resumed", subscription, writer, operator, why)
        async with self._store.writing() as tx:
            await subscription_rows.delete_stop(tx, subscription.name)
        return {"id": subscription.name.subscription, "state": "running"}

    async def retry(self, subscription: Subscription, writer: str, operator: str, why: str) -> Json:
        """Try now what waits, and the dead letters once more."""
        await self._say("retried", subscription, writer, operator, why)
        async with self._store.writing() as tx:
            keys = await subscription_rows.make_due(tx, subscription.name)
            letters = await subscription_rows.want_letters(tx, subscription.name)
        return {"id": subscription.name.subscription, "waiting_keys": keys, "dead_letters": letters}

    async def _say(self, act: Act, subscription: Subscription, writer: str, operator: str, why: str) -> None:
        event = operator_event(
            CHANGED,
            str(uuid4()),
            self._spaces[subscription.name.tenant],
            self._now(),
            writer=writer,
            operator=operator,
            why=why,
            attributes={"subscription": subscription.name.subscription, "act": act},
        )
        await self._log.append([Record(INTERACTIONS, event.key, event.raw)])
