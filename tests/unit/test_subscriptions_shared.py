"""What is followed in a process: nothing that changes as a follower begins is passed over until a heartbeat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from tests.patience import PATIENCE

from cx_context_api.following.notifier import Notifier
from cx_context_api.following.subscriptions import Interest, Subscription, Subscriptions

pytestmark = pytest.mark.clock

NO_HEARTBEAT = 3600.0
FIRST: Interest = ("acme", "first")
SECOND: Interest = ("acme", "second")


class Followed(Subscription):
    """A value that is read. ``read``: called once it was read, before its reader has it. ``interest``: its own."""

    def __init__(self) -> None:
        super().__init__("followed")
        self.stored, self.value = 1, 0
        self.interest = FIRST
        self.read: Callable[[], None] = lambda: None

    async def refresh(self) -> bool:
        before, found, interest = self.value, self.stored, self.interest
        self.read()
        await asyncio.sleep(0)
        self.value, self.interests = found, frozenset({interest})
        return found != before


@pytest.fixture
async def subscriptions() -> AsyncIterator[Subscriptions]:
    subscriptions = Subscriptions(NO_HEARTBEAT)
    try:
        yield subscriptions
    finally:
        await subscriptions.stop()


async def joined(subscriptions: Subscriptions, followed: Followed) -> Notifier:
    notifier = Notifier()
    await subscriptions.first_refresh(subscriptions.join(followed.key, notifier, lambda: followed))
    return notifier


async def until_read(followed: Followed, notifier: Notifier, value: int) -> None:
    """Wait as a follower does, until what it is woken for is read."""
    async with asyncio.timeout(PATIENCE):
        while followed.value != value:
            assert await notifier.wait(PATIENCE), f"nobody told: it is {followed.value} still"


def changing(subscriptions: Subscriptions, followed: Followed, interest: Interest) -> Callable[[], None]:
    """Return what changes the value once, and tells so."""

    def change() -> None:
        followed.read = lambda: None
        followed.stored = 2
        subscriptions.notify(interest)

    return change


async def test_a_change_during_the_first_read_is_told(subscriptions: Subscriptions) -> None:
    followed = Followed()
    followed.read = changing(subscriptions, followed, FIRST)
    notifier = await joined(subscriptions, followed)
    assert followed.value == 1
    await until_read(followed, notifier, 2)


async def test_a_change_of_a_new_interest_is_told(subscriptions: Subscriptions) -> None:
    followed = Followed()
    notifier = await joined(subscriptions, followed)
    await notifier.wait(0.0)
    followed.interest = SECOND  # it has merged into another customer, who changes
    followed.read = changing(subscriptions, followed, SECOND)
    subscriptions.notify(FIRST)
    await until_read(followed, notifier, 2)


async def test_what_a_new_follower_read_is_told_to_others(subscriptions: Subscriptions) -> None:
    followed = Followed()
    first = await joined(subscriptions, followed)
    await first.wait(0.0)
    followed.stored = 2
    await joined(subscriptions, followed)
    subscriptions.notify(FIRST)  # it comes after the read that saw the change already
    assert followed.value == 2
    assert await first.wait(PATIENCE)


async def test_what_was_named_before_is_read_once(subscriptions: Subscriptions) -> None:
    followed = Followed()
    subscriptions.notify(FIRST)
    await joined(subscriptions, followed)
    assert followed.refreshing is None
