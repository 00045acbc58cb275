"""Following one customer's context."""

from __future__ import annotations

import msgspec

from cx_context.store.customer_index import CustomerEntry
from cx_context.versions import is_later
from cx_context_api.contexts.contact_assurance import ContactQuery, InsufficientAssurance
from cx_context_api.contexts.contact_contexts import ContactContexts
from cx_context_api.contexts.current import CurrentContexts
from cx_context_api.following import sse
from cx_context_api.following.resume_token import ResumePoint, encode_resume_point
from cx_context_api.following.subscriptions import Subscription
from cx_context_api.reads.meta import context_document, current_meta
from cx_context_api.requests.targets import ById
from cx_events.errors import Refused, TooFast
from cx_events.ids import IdSpace, NodeId, text_of
from cx_events.json_types import Json

STREAM = b"customer"


class CustomerSubscription(Subscription):
    """By any id that ever was a customer's. ``head``: whose it is now, and at which version; it never goes back, but
    where another store has taken the place of the one that was looked at."""

    def __init__(self, contexts: CurrentContexts, tenant: str, node: NodeId) -> None:
        super().__init__((STREAM, tenant, node))
        self.tenant = tenant
        self.node = node
        self.head: CustomerEntry | None = None
        self._contexts = contexts

    async def look(self) -> bool:
        before, head = self.head, await self._contexts.head(self.tenant, ById(self.node))
        if before is not None and not is_newer(head.version, head.customer, before.version, before.customer):
            return False
        self.head = head
        self.interests = frozenset({(self.tenant, text_of(self.node)), (self.tenant, text_of(head.customer))})
        return True


class CustomerFollower:
    """``version``: what it has. ``shown``: whose state it was given last. ``bodies``: whether it wants them. ``asked``:
    the contact that it asks about, and how sure that must be."""

    __slots__ = ("_at_hand", "_contexts", "_ids", "_over", "_told", "asked", "bodies", "shown", "version", "watch")

    def __init__(
        self,
        watch: CustomerSubscription,
        contexts: CurrentContexts,
        at_hand: ContactContexts,
        ids: IdSpace,
        *,
        bodies: bool,
        asked: ContactQuery | None = None,
    ) -> None:
        self.watch = watch
        self.bodies = bodies
        self.asked = asked
        self._at_hand = at_hand
        self._told: Json | None = None
        self._over: InsufficientAssurance | None = None
        self.version = -1
        self.shown = watch.node
        self._contexts = contexts
        self._ids = ids

    async def check(self) -> Json | None:
        """Return ``meta.contact`` as it is now, None where no contact is asked about. ``InsufficientAssurance``."""
        head = self.watch.head
        if self.asked is None or head is None:
            return None
        return await self._at_hand.contact(self.watch.tenant, head, self.asked)

    async def news(self) -> bytes:
        """The latest state, if it is newer than the last one given, or the contact is surer or less sure by now. Where
        it is less sure than was asked for, that is told and nothing after it."""
        if self._over is not None:
            raise self._over
        try:
            return await self._news()
        except InsufficientAssurance as refused:
            self._over = refused
            told = {"reason": refused.reason, "detail": refused.detail, "contact": refused.contact}
            return sse.told("refused", told)

    async def _news(self) -> bytes:
        contact = await self.check()  # also where nothing happened: a clock alone may end a proof
        head = self.watch.head
        if head is None:
            return b""
        if contact == self._told and not is_newer(head.version, head.customer, self.version, self.shown):
            return b""
        if not self.bodies:
            customer, version = head.customer, head.version
            meta = current_meta(version, head.moved_at)
            data = msgspec.json.encode({"meta": with_contact(meta, contact), "customer": text_of(customer)})
        else:
            if self.asked is not None:
                target = ById(self.watch.node)
                served, contact = await self._at_hand.read(self.watch.tenant, target, head, self.asked)
            else:
                served = await self._contexts.at(self.watch.tenant, head)
            customer, version = served.customer, served.version
            if contact == self._told and not is_newer(version, customer, self.version, self.shown):
                return b""
            meta = current_meta(version, served.moved_at)
            data = context_document(msgspec.json.encode(with_contact(meta, contact)), served.body)
        self._told = contact
        id = encode_resume_point(self._ids, STREAM, ResumePoint(self.watch.node, customer, version))
        moved = await moved_frame(self._contexts, self.watch.tenant, self.shown, customer, version)
        self.version, self.shown = version, customer
        return moved + sse.event("context", data, id)


def with_contact(meta: Json, contact: Json | None) -> Json:
    """Return ``meta`` with the contact that is asked about in it."""
    return {**meta, "contact": contact} if contact is not None else meta


def is_newer(version: int, customer: NodeId, than: int, of: NodeId) -> bool:
    """Return whether one state that was read is news after another. A version is of a customer, and an id's never
    falls: another customer's at the same version is another state."""
    return is_later(version, than) or (version == than and customer != of)


async def moved_frame(contexts: CurrentContexts, tenant: str, was: NodeId, now: NodeId, version: int) -> bytes:
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
    return sse.told(
        "moved",
        {
            "from": text_of(was),
            "customer": text_of(now),
            "version": version,
            "why": "absorbed" if absorbed else "parted",
        },
    )
