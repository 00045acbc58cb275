"""Follow one customer's context."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from cx_context.store.customer_index import CustomerEntry
from cx_context.versions import is_later
from cx_context_api.contexts.contact_assurance import ContactQuery, InsufficientAssurance
from cx_context_api.contexts.contact_contexts import ContactContexts
from cx_context_api.contexts.current import CurrentContexts
from cx_context_api.contexts.rendered import RenderedContext
from cx_context_api.following import sse
from cx_context_api.following.json_patches import PatchCache
from cx_context_api.following.resume_token import ResumePoint, encode_resume_point, pack_state
from cx_context_api.following.sse import Frame
from cx_context_api.following.subscriptions import Subscription
from cx_context_api.reads.meta import context_document, current_meta
from cx_context_api.requests.targets import ById
from cx_events.errors import Refused, TooFast
from cx_events.ids import IdSpace, NodeId, text_of
from cx_events.json_types import Json

STREAM = b"customer"

Bodies = Literal["full", "patch", "none"]
"""Of contexts: whole, whole once and then as patches, or not at all."""


class CustomerSubscription(Subscription):
    """A followed customer, by any id that was ever a customer's.

    ``entry``: the customer and version now. The version never falls, unless another store replaces this one.
    """

    def __init__(self, contexts: CurrentContexts, tenant: str, node: NodeId) -> None:
        super().__init__((STREAM, tenant, node))
        self.tenant = tenant
        self.node = node
        self.entry: CustomerEntry | None = None
        self._contexts = contexts

    async def refresh(self) -> bool:
        before, entry = self.entry, await self._contexts.find(self.tenant, ById(self.node))
        if before is not None and not is_newer(entry.version, entry.customer, before.version, before.customer):
            return False
        self.entry = entry
        self.interests = frozenset({(self.tenant, text_of(self.node)), (self.tenant, text_of(entry.customer))})
        return True


class CustomerFollower:
    """One client of a customer's context.

    ``version``: the one that it has. ``shown``: whose state was sent last. ``bodies``: ``full``, ``none``, or
    ``patch``: the first one whole, the others as patches. ``contact_query``: the contact that the client names, and the
    level that it requires. ``stream``: seals the ids of what is sent; it changes with the directory of agents, and so
    may the body without a new version.
    """

    __slots__ = (
        "_contact",
        "_contact_contexts",
        "_contexts",
        "_digest",
        "_held",
        "_ids",
        "_patches",
        "_refusal",
        "_sealed",
        "_stream",
        "bodies",
        "contact_query",
        "shown",
        "subscription",
        "version",
    )

    def __init__(
        self,
        subscription: CustomerSubscription,
        contexts: CurrentContexts,
        contact_contexts: ContactContexts,
        patches: PatchCache,
        ids: IdSpace,
        stream: Callable[[], bytes] = lambda: STREAM,
        *,
        bodies: Bodies,
        contact_query: ContactQuery | None = None,
    ) -> None:
        self.subscription = subscription
        self.bodies = bodies
        self.contact_query = contact_query
        self._contact_contexts = contact_contexts
        self._patches = patches
        self._contact: Json | None = None
        self._held: bytes | None = None
        self._refusal: InsufficientAssurance | None = None
        self.version = -1
        self.shown = subscription.node
        self._contexts = contexts
        self._ids = ids
        self._stream = stream
        self._sealed = stream()
        self._digest = ""

    async def check(self) -> Json | None:
        """Return ``meta.contact`` as it is now, None if no contact is named. Raises ``InsufficientAssurance``."""
        entry = self.subscription.entry
        if self.contact_query is None or entry is None:
            return None
        return await self._contact_contexts.read_contact(self.subscription.tenant, entry, self.contact_query)

    def mark(self) -> bytes:
        """Return what the client has, for ``Last-Event-ID`` of a stream of several subjects; empty for nothing."""
        return pack_state(self.shown, self.version) if self.version >= 0 else b""

    async def next_frames(self) -> list[Frame]:
        """Return the latest state if it is newer than the last one sent, or if the contact's level has changed.

        If the level has fallen below the required one, send ``refused``, and end the stream with the next call.
        """
        if self._refusal is not None:
            raise self._refusal
        try:
            return await self._next_frames()
        except InsufficientAssurance as refused:
            self._refusal = refused
            data = {"reason": refused.reason, "detail": refused.detail, "contact": refused.contact}
            return [sse.json_frame("refused", data)]

    async def _next_frames(self) -> list[Frame]:
        contact = await self.check()  # even without news: the clock alone may end a proof
        entry = self.subscription.entry
        if entry is None:
            return []
        sealed = self._stream()
        read_anew = sealed != self._sealed and entry.version == self.version and entry.customer == self.shown
        changed = contact != self._contact or read_anew
        if not changed and not is_newer(entry.version, entry.customer, self.version, self.shown):
            return []
        digest = ""
        if self.bodies == "none":
            customer, version = entry.customer, entry.version
            meta = current_meta(version, entry.moved_at)
            data = msgspec.json.encode({"meta": with_contact(meta, contact), "customer": text_of(customer)})
            name = "context"
        else:
            context, contact = await self._read(entry)
            customer, version, digest = context.customer, context.version, context.digest
            same = contact == self._contact and not is_newer(version, customer, self.version, self.shown)
            if same and (not read_anew or digest == self._digest):
                self._sealed = sealed
                return []
            meta = with_contact(current_meta(version, context.moved_at), contact)
            name, data = self._state(msgspec.json.encode(meta), context.body)
        self._contact = contact
        id = encode_resume_point(self._ids, sealed, ResumePoint(self.subscription.node, customer, version))
        moved = await moved_frames(self._contexts, self.subscription.tenant, self.shown, customer, version)
        self.version, self.shown, self._sealed, self._digest = version, customer, sealed, digest
        return [*moved, Frame(name, data, id)]

    async def _read(self, entry: CustomerEntry) -> tuple[RenderedContext, Json | None]:
        if self.contact_query is None:
            return await self._contexts.at(self.subscription.tenant, entry), None
        target = ById(self.subscription.node)
        return await self._contact_contexts.read(self.subscription.tenant, target, entry, self.contact_query)

    def _state(self, meta: bytes, body: bytes) -> tuple[str, bytes]:
        """Return an event's name and data: ``patch`` if the client holds a body, and less has to be sent so."""
        held = self._held
        if self.bodies == "patch":
            self._held = body
            if held is not None:
                patch = self._patches.between(held, body)
                if len(patch) < len(body):
                    return "patch", b'{"meta":%b,"from":%d,"patch":%b}' % (meta, self.version, patch)
        return "context", context_document(meta, body)


def with_contact(meta: Json, contact: Json | None) -> Json:
    """Return ``meta`` with its ``contact``."""
    return {**meta, "contact": contact} if contact is not None else meta


def is_newer(version: int, customer: NodeId, than: int, of: NodeId) -> bool:
    """Return whether one state is news after another.

    An id's version never falls, so another customer's state at the same version is news, too.
    """
    return is_later(version, than) or (version == than and customer != of)


async def moved_frames(contexts: CurrentContexts, tenant: str, was: NodeId, now: NodeId, version: int) -> list[Frame]:
    """Return the event ``moved`` if the followed id is another customer's now, else nothing.

    ``absorbed``: the earlier customer has merged into the new one. ``parted``: the id has left it.
    """
    if was == now:
        return []
    try:
        absorbed = (await contexts.find(tenant, ById(was))).customer == now
    except TooFast:
        raise
    except Refused:
        absorbed = False
    data = {
        "from": text_of(was),
        "customer": text_of(now),
        "version": version,
        "why": "absorbed" if absorbed else "parted",
    }
    return [sse.json_frame("moved", data)]
