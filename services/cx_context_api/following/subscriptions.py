"""Hold what is followed in this process, and read it again when it may have changed.

    subscriptions = Subscriptions(heartbeat=15.0)
    subscription = subscriptions.join(key, notifier, make)  # the one subscription of this key, shared
    await subscriptions.first_refresh(subscription)
    subscriptions.notify(interest)                          # something changed
    subscriptions.leave(subscription, notifier)

A subscription is refreshed when a change notification names one of its interests, and at every heartbeat. Refreshes of
one subscription keep a distance: a customer with a hundred changes a second is shown ten or twenty times a second.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from typing import TypeVar

import structlog

from cx_context_api.following.notifier import Notifier
from cx_events.cancellation import guard_cancellation
from cx_events.errors import Refused, TooFast, TryLater
from cx_runtime.health import Health, Progress

Interest = tuple[str, ...]
"""What a change notification may name: (tenant, customer id) or (tenant, "agent" or "queue", name)."""

MIN_INTERVAL_SECONDS = 0.02
RETRY_AFTER_SECONDS = 0.5
REFRESH_BATCH = 256
"""Subscriptions refreshed at the same time, mostly by one statement (``cx_context.store.customer_index``)."""
MOST_HEARD = 10_000
"""Interests that are remembered, the ones that were named last."""


class Subscription(ABC):
    """Base of what can be followed. ``gone``: why there is nothing to follow any more. ``told_anyway``: its followers
    look for something new after the next refresh, whatever that says."""

    tenant: str = ""

    def __init__(self, key: Hashable) -> None:
        self.told_anyway = False
        self.key = key
        self.notifiers: set[Notifier] = set()
        self.interests: frozenset[Interest] = frozenset()
        self.indexed: frozenset[Interest] = frozenset()
        self.lock = asyncio.Lock()
        self.gone: Refused | None = None
        self.stale = False
        self.refreshing: asyncio.Task[None] | None = None

    @abstractmethod
    async def refresh(self) -> bool:
        """Read it again, set ``interests``, and return whether there is something new.

        Raises ``TryLater``; ``Refused`` if it exists no more.
        """

    def wake_followers(self) -> None:
        """Have all followers look for something new."""
        for notifier in self.notifiers:
            notifier.notify()


Kind = TypeVar("Kind", bound=Subscription)


class Subscriptions:
    """All subscriptions of one process. ``run()`` until cancelled."""

    def __init__(self, heartbeat: float, progress: Progress | None = None) -> None:
        self.heartbeat = heartbeat
        self._progress = progress or Health().progress("nobody asks")
        self.wanted = asyncio.Event()
        """Set while something is followed."""
        self._subscriptions: dict[Hashable, Subscription] = {}
        self._interested: dict[Interest, set[Subscription]] = {}
        self._heard: dict[Interest, int] = {}
        """When an interest was named last, by ``_count``: a read that was under way did not see what that told of."""
        self._count = 0
        self._logger = structlog.get_logger("cx_context_api.following")

    def __len__(self) -> int:
        return len(self._subscriptions)

    def join(self, key: Hashable, notifier: Notifier, make: Callable[[], Kind]) -> Kind:
        """Return the subscription of this key, made if there is none. A new follower must await ``first_refresh``."""
        subscription = self._subscriptions.get(key)
        if subscription is None:
            subscription = self._subscriptions[key] = make()
            self.wanted.set()
        subscription.notifiers.add(notifier)
        return subscription  # type: ignore[return-value]  # a key is of one kind

    async def first_refresh(self, subscription: Subscription) -> None:
        """Refresh it in a read that begins now, so that a client is never shown less than it read before.

        Raises what ``Subscription.refresh`` raises.
        """
        async with subscription.lock:
            asked = self._count
            is_news = await subscription.refresh()
        subscription.gone = None
        self._index(subscription, asked)
        if is_news:  # the next refresh finds it read: the other followers would wait for a heartbeat
            subscription.wake_followers()

    def leave(self, subscription: Subscription, notifier: Notifier) -> None:
        """Drop a follower, and the subscription with the last one."""
        subscription.notifiers.discard(notifier)
        if not subscription.notifiers and self._subscriptions.get(subscription.key) is subscription:
            del self._subscriptions[subscription.key]
            self._index(subscription)
            if subscription.refreshing is not None:
                subscription.refreshing.cancel()
        if not self._subscriptions:
            self.wanted.clear()

    def notify(self, interest: Interest) -> None:
        """Refresh all subscriptions that are interested in this."""
        self._count += 1
        self._heard.pop(interest, None)
        self._heard[interest] = self._count
        if len(self._heard) > MOST_HEARD:
            del self._heard[next(iter(self._heard))]
        for subscription in self._interested.get(interest, ()):  # no refresh changes this set before it awaits
            self._schedule(subscription)

    def read_anew(self, tenant: str) -> None:
        """Refresh all subscriptions of a tenant, and tell their followers in any case: the tenant's directory of agents
        has changed, with which all that they are sent is read."""
        for subscription in self._subscriptions.values():
            if subscription.tenant == tenant:
                subscription.told_anyway = True
                self._schedule(subscription)

    async def refresh_all(self) -> None:
        """Refresh all subscriptions: notifications may be lost."""
        subscriptions = list(self._subscriptions.values())
        for at in range(0, len(subscriptions), REFRESH_BATCH):
            some = subscriptions[at : at + REFRESH_BATCH]
            for subscription in some:
                self._schedule(subscription)
            refreshes = [subscription.refreshing for subscription in some if subscription.refreshing is not None]
            if refreshes:
                await asyncio.wait(refreshes, timeout=self.heartbeat)

    async def run(self) -> None:
        """Refresh all at every heartbeat, until cancelled."""
        try:
            while True:
                self._progress.mark()
                await asyncio.sleep(self.heartbeat)
                await self.refresh_all()
        finally:
            self._progress.end()

    async def stop(self) -> None:
        """Cancel all refreshes."""
        refreshes = [
            subscription.refreshing
            for subscription in self._subscriptions.values()
            if subscription.refreshing is not None
        ]
        for refresh in refreshes:
            refresh.cancel()
        await asyncio.gather(*refreshes, return_exceptions=True)

    def _schedule(self, subscription: Subscription) -> None:
        subscription.stale = True
        if (subscription.refreshing is None or subscription.refreshing.done()) and subscription.notifiers:
            subscription.refreshing = asyncio.create_task(self._refresh(subscription))

    async def _refresh(self, subscription: Subscription) -> None:
        try:
            while subscription.stale and subscription.notifiers and subscription.gone is None:
                subscription.stale = False
                asked = self._count
                try:
                    async with subscription.lock:
                        with guard_cancellation("a refresh"):
                            changed = await subscription.refresh()
                except Exception as error:  # whatever it is, followers must not keep an old state
                    if isinstance(error, Refused) and not isinstance(error, TooFast):
                        subscription.gone = error
                        self._index(subscription)
                        subscription.wake_followers()
                        break
                    subscription.stale = True
                    if not isinstance(error, TryLater | TooFast):
                        self._logger.error("a refresh failed", exc_info=error)
                    await asyncio.sleep(RETRY_AFTER_SECONDS)
                    continue
                self._index(subscription, asked)
                if changed or subscription.told_anyway:
                    subscription.told_anyway = False
                    subscription.wake_followers()
                await asyncio.sleep(MIN_INTERVAL_SECONDS)
        finally:
            subscription.refreshing = None

    def _index(self, subscription: Subscription, asked: int | None = None) -> None:
        """Find the subscription by its interests from now on. ``asked``: ``_count`` before these were read; one that
        is new and was named since then may tell of what the read did not see."""
        wanted = subscription.interests if self._subscriptions.get(subscription.key) is subscription else frozenset()
        for interest in subscription.indexed - wanted:
            some = self._interested[interest]
            some.discard(subscription)
            if not some:
                del self._interested[interest]
        for interest in wanted - subscription.indexed:
            self._interested.setdefault(interest, set()).add(subscription)
            if asked is not None and self._heard.get(interest, 0) > asked:
                self._schedule(subscription)
        subscription.indexed = wanted
