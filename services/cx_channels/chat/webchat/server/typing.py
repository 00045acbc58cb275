"""Tell who types, both ways: visitors to the agents' side, agents to visitors. No fact, and no word of what is typed.

It goes through the store (``cx_context.store.typing_rows``), since neither side knows which process serves the other.
What visitors do is gathered and written once a second, and what agents do is read as often, for tenants with open
chats; while the store is away, nobody types.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any

from cx_channels.chat.webchat.server.deliveries import Address
from cx_context.store import Store, typing_rows
from cx_context.store.typing_rows import Typist
from cx_events.errors import TryLater
from cx_runtime.answer_deadline import within

EVERY_SECONDS = 1.0
MOST_NAMED = 3
"""Agents who are named to one visitor."""

Tell = Callable[[dict[str, Any]], bool | None]
"""Takes a message to a browser at once; returns False where it drops it."""


class TypingBoard:
    """Gathers which visitors type, and tells open chats which agents do. ``store``: None while there is none."""

    def __init__(self, store: Callable[[], Store | None]) -> None:
        self._store = store
        self._typing: set[Address] = set()
        """Visitors who were said to be typing and have not ended."""
        self._news: dict[Address, bool] = {}
        """What is to be written: whether a visitor types."""
        self._chats: dict[Address, list[Tell]] = {}
        self._told: set[Address] = set()
        """Chats that were told last of somebody who types."""

    def types(self, address: Address) -> None:
        """Say that a visitor types."""
        self._typing.add(address)
        self._news[address] = True

    def ends(self, address: Address) -> None:
        """Say that a visitor types no more: it was sent, or they are gone."""
        if address in self._typing:
            self._typing.discard(address)
            self._news[address] = False

    def follow(self, address: Address, tell: Tell) -> Callable[[], None]:
        """Tell a chat who answers in it, until the returned function is called."""
        self._chats.setdefault(address, []).append(tell)

        def leave() -> None:
            self._chats[address].remove(tell)
            if not self._chats[address]:
                del self._chats[address]
                self._told.discard(address)
                self.ends(address)

        return leave

    async def run(self) -> None:
        """Write and read every second, until cancelled."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            await self.exchange()

    async def exchange(self) -> None:
        """Write what is new, and tell what is read. What the store does not take in time is dropped."""
        news, self._news = self._news, {}
        tenants = {address.tenant for address in (*news, *self._chats)}
        for tenant in sorted(tenants):
            try:
                own = {each: is_so for each, is_so in news.items() if each.tenant == tenant}
                found = await self._of_tenant(tenant, own)
            except TryLater:  # it lasts some seconds and is no fact: what is lost is said again
                found = frozenset()
            self._tell(tenant, found)

    async def _of_tenant(self, tenant: str, news: dict[Address, bool]) -> frozenset[Typist]:
        store = self._store()
        if store is None:
            return frozenset()
        if news:
            typing = [Typist(each.interaction) for each, is_so in news.items() if is_so]
            ended = [Typist(each.interaction) for each, is_so in news.items() if not is_so]
            await within(_write(store, tenant, typing, ended))
        if not any(address.tenant == tenant for address in self._chats):
            return frozenset()
        return await within(_read(store, tenant))

    def _tell(self, tenant: str, typing: Collection[Typist]) -> None:
        names: dict[Address, set[str]] = {}
        for each in typing:
            names.setdefault(Address(tenant, each.interaction), set()).add(each.name)
        told = {address for address in self._told if address.tenant == tenant}
        now = names.keys() & self._chats.keys()
        self._told = (self._told - told) | now
        for address in sorted(now | told):
            message = {"type": "typing", "names": sorted(names.get(address, ()))[:MOST_NAMED]}
            if False in [tell(message) for tell in tuple(self._chats.get(address, ()))]:
                self._told.add(address)  # that nobody types any more is said again, or the browser shows it for ever


async def _write(store: Store, tenant: str, typing: Collection[Typist], ended: Collection[Typist]) -> None:
    async with store.writing() as tx:
        await typing_rows.write(tx, tenant, "customer", typing, ended)


async def _read(store: Store, tenant: str) -> frozenset[Typist]:
    async with store.reading() as tx:
        return await typing_rows.read(tx, tenant, "agent")
