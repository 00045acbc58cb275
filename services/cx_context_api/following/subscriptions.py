"""What is followed in this process, and when to look at it again.

    following = Following(heartbeat=15.0)
    watch = following.join(key, make)       # the one watch of this key, shared
    watch.bells.add(bell)                   # rung when there is something new
    following.noticed(interests)            # a hint
    following.leave(watch, bell)

A watch looks when a hint names what it is interested in, and at every heartbeat, whatever was hinted. Looks of one
watch follow each other at some distance: a customer of whom a hundred things a second are heard is shown ten or twenty
times a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import TypeVar

import structlog

from cx_context_api.following.notifier import Notifier
from cx_events.cancellation import guard_cancellation
from cx_events.errors import Refused, TooFast, TryLater
from cx_runtime.health import Health, Progress

Interest = tuple[str, ...]
"""What a hint may name: (tenant, customer's id) or (tenant, kind of desk, name)."""

PACE_SECONDS = 0.02
AGAIN_SECONDS = 0.5
AT_ONCE = 256
"""Watches that look at the same time, mostly in one statement together (``cx_context.store.customer_index``)."""


class Subscription:
    """Base of what can be followed. ``gone``: why there is nothing to follow any more."""

    def __init__(self, key: Hashable) -> None:
        self.key = key
        self.bells: set[Notifier] = set()
        self.interests: frozenset[Interest] = frozenset()
        self.known_by: frozenset[Interest] = frozenset()
        self.turn = asyncio.Lock()
        self.gone: Refused | None = None
        self.stale = False
        self.looking: asyncio.Task[None] | None = None

    async def look(self) -> bool:
        """Read again; whether there is something new. ``TryLater``; ``Refused`` where it is no more. Sets
        ``interests``."""
        raise AssertionError("each kind says how")


Kind = TypeVar("Kind", bound=Subscription)


class Subscriptions:
    """All watches of one process. ``run()`` until it is cancelled."""

    def __init__(self, heartbeat: float, progress: Progress | None = None) -> None:
        self.heartbeat = heartbeat
        self._progress = progress or Health().progress("nobody asks")
        self.wanted = asyncio.Event()
        """Set while something is followed."""
        self._watches: dict[Hashable, Subscription] = {}
        self._interested: dict[Interest, set[Subscription]] = {}
        self._said = structlog.get_logger("cx_context_api.following")

    def __len__(self) -> int:
        return len(self._watches)

    def join(self, key: Hashable, bell: Notifier, make: Callable[[], Kind]) -> Kind:
        """The watch of this key. The first who joins has to wait for its first look: ``first_look``."""
        watch = self._watches.get(key)
        if watch is None:
            watch = self._watches[key] = make()
            self.wanted.set()
        watch.bells.add(bell)
        return watch  # type: ignore[return-value]  # a key is of one kind

    async def first_look(self, watch: Subscription) -> None:
        """A look that began after this was called: who has read before is never shown less. Raises what it raises."""
        async with watch.turn:
            await watch.look()
        watch.gone = None
        self._index(watch)

    def leave(self, watch: Subscription, bell: Notifier) -> None:
        watch.bells.discard(bell)
        if not watch.bells and self._watches.get(watch.key) is watch:
            del self._watches[watch.key]
            self._index(watch)
            if watch.looking is not None:
                watch.looking.cancel()
        if not self._watches:
            self.wanted.clear()

    def noticed(self, interest: Interest) -> None:
        """A hint that this changed."""
        for watch in self._interested.get(interest, ()):  # no look changes this before it has waited
            self._look_again(watch)

    async def look_at_all(self) -> None:
        """Whatever was hinted: hints may be lost."""
        watches = list(self._watches.values())
        for at in range(0, len(watches), AT_ONCE):
            some = watches[at : at + AT_ONCE]
            for watch in some:
                self._look_again(watch)
            looks = [watch.looking for watch in some if watch.looking is not None]
            if looks:
                await asyncio.wait(looks, timeout=self.heartbeat)

    async def run(self) -> None:
        try:
            while True:
                self._progress.mark()
                await asyncio.sleep(self.heartbeat)
                await self.look_at_all()
        finally:
            self._progress.end()

    async def stop(self) -> None:
        looks = [watch.looking for watch in self._watches.values() if watch.looking is not None]
        for look in looks:
            look.cancel()
        await asyncio.gather(*looks, return_exceptions=True)

    def _look_again(self, watch: Subscription) -> None:
        watch.stale = True
        if (watch.looking is None or watch.looking.done()) and watch.bells:
            watch.looking = asyncio.create_task(self._look(watch))

    async def _look(self, watch: Subscription) -> None:
        try:
            while watch.stale and watch.bells and watch.gone is None:
                watch.stale = False
                try:
                    async with watch.turn:
                        with guard_cancellation("a look"):
                            changed = await watch.look()
                except Exception as error:  # whatever it is, followers must not stay with what they have
                    if isinstance(error, Refused) and not isinstance(error, TooFast):
                        watch.gone = error
                        self._index(watch)
                        for bell in watch.bells:
                            bell.ring()
                        break
                    watch.stale = True
                    if not isinstance(error, TryLater | TooFast):
                        self._said.error("looking again failed", exc_info=error)
                    await asyncio.sleep(AGAIN_SECONDS)
                    continue
                self._index(watch)
                if changed:
                    for bell in watch.bells:
                        bell.ring()
                await asyncio.sleep(PACE_SECONDS)
        finally:
            watch.looking = None

    def _index(self, watch: Subscription) -> None:
        wanted = watch.interests if self._watches.get(watch.key) is watch else frozenset()
        for interest in watch.known_by - wanted:
            some = self._interested[interest]
            some.discard(watch)
            if not some:
                del self._interested[interest]
        for interest in wanted - watch.known_by:
            self._interested.setdefault(interest, set()).add(watch)
        watch.known_by = wanted
