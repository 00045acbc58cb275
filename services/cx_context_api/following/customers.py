"""Following one customer's context."""

from __future__ import annotations

import msgspec

from cx_context.store.heads import Head
from cx_context.versions import is_later
from cx_context_api.contexts.current import Contexts, document, meta_of
from cx_context_api.following import frames
from cx_context_api.following.resuming import Place, place_text
from cx_context_api.following.watches import Watch
from cx_context_api.requests.targets import ById
from cx_events.errors import Refused, TooFast
from cx_events.ids import IdSpace, NodeId, text_of

STREAM = b"customer"


class CustomerWatch(Watch):
    """By any id that ever was a customer's. ``head``: whose it is now, and at which version; it never goes back, but
    where another store has taken the place of the one that was looked at."""

    def __init__(self, contexts: Contexts, tenant: str, node: NodeId) -> None:
        super().__init__((STREAM, tenant, node))
        self.tenant = tenant
        self.node = node
        self.head: Head | None = None
        self._contexts = contexts

    async def look(self) -> bool:
        before, head = self.head, await self._contexts.head(self.tenant, ById(self.node))
        if before is not None and not is_newer(head.version, head.customer, before.version, before.customer):
            return False
        self.head = head
        self.interests = frozenset({(self.tenant, text_of(self.node)), (self.tenant, text_of(head.customer))})
        return True


class CustomerFollower:
    """``version``: what it has. ``shown``: whose state it was given last. ``bodies``: whether it wants them."""

    __slots__ = ("_contexts", "_ids", "bodies", "shown", "version", "watch")

    def __init__(self, watch: CustomerWatch, contexts: Contexts, ids: IdSpace, *, bodies: bool) -> None:
        self.watch = watch
        self.bodies = bodies
        self.version = -1
        self.shown = watch.node
        self._contexts = contexts
        self._ids = ids

    async def news(self) -> bytes:
        """The latest state, if it is newer than the last one given."""
        head = self.watch.head
        if head is None or not is_newer(head.version, head.customer, self.version, self.shown):
            return b""
        if self.bodies:
            served = await self._contexts.at(self.watch.tenant, head)
            customer, version = served.customer, served.version
            if not is_newer(version, customer, self.version, self.shown):
                return b""
            data = document(msgspec.json.encode(meta_of(version, served.moved_at)), served.body)
        else:
            customer, version = head.customer, head.version
            meta = meta_of(version, head.moved_at)
            data = msgspec.json.encode({"meta": meta, "customer": text_of(customer)})
        id = place_text(self._ids, STREAM, Place(self.watch.node, customer, version))
        moved = await moved_frame(self._contexts, self.watch.tenant, self.shown, customer, version)
        self.version, self.shown = version, customer
        return moved + frames.event("context", data, id)


def is_newer(version: int, customer: NodeId, than: int, of: NodeId) -> bool:
    """Return whether one state that was read is news after another. A version is of a customer, and an id's never
    falls: another customer's at the same version is another state."""
    return is_later(version, than) or (version == than and customer != of)


async def moved_frame(contexts: Contexts, tenant: str, was: NodeId, now: NodeId, version: int) -> bytes:
    """What a follower is told whose customer is another now: ``absorbed`` where what was followed has become part of
    that one, ``parted`` where it has left. Nothing where it is the same."""
    if was == now:
        return b""
    try:
        absorbed = (await contexts.head(tenant, ById(was))).customer == now
    except TooFast:
        raise
    except Refused:
        absorbed = False
    return frames.told(
        "moved",
        {
            "from": text_of(was),
            "customer": text_of(now),
            "version": version,
            "why": "absorbed" if absorbed else "parted",
        },
    )
