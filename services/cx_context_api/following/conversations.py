"""Following one conversation: its summary, as its customer's context shows it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec

from cx_context_api.contexts.current import CurrentContexts
from cx_context_api.following import sse
from cx_context_api.following.customers import is_newer, moved_frame
from cx_context_api.following.resume_token import ResumePoint, encode_resume_point
from cx_context_api.following.subscriptions import Subscription
from cx_context_api.reads.meta import current_meta
from cx_events.ids import IdSpace, NodeId, text_of

STREAM = b"conversation"


class Summary(NamedTuple):
    """A conversation at a version of its customer's context; ``shown``: it as JSON."""

    customer: NodeId
    version: int
    moved_at: float
    shown: bytes


class ConversationSubscription(Subscription):
    """``read``: the conversation as it is; ``Refused`` where there is none."""

    def __init__(self, read: Callable[[], Awaitable[Summary]], tenant: str, part_id: NodeId) -> None:
        super().__init__((STREAM, tenant, part_id))
        self.tenant = tenant
        self.part_id = part_id
        self.summary: Summary | None = None
        self._read = read

    async def look(self) -> bool:
        before, found = self.summary, await self._read()
        if before is not None and not is_newer(found.version, found.customer, before.version, before.customer):
            return False
        self.summary = found
        self.interests = frozenset({(self.tenant, text_of(found.customer))})
        return before is None or (found.customer, found.shown) != (before.customer, before.shown)


class ConversationFollower:
    """``version``: what it has. Versions at which only something else of the customer changed are passed over."""

    __slots__ = ("_contexts", "_given", "_ids", "shown", "version", "watch")

    def __init__(self, watch: ConversationSubscription, contexts: CurrentContexts, ids: IdSpace) -> None:
        self.watch = watch
        self.version = -1
        self.shown: NodeId | None = None
        self._given = b""
        self._contexts = contexts
        self._ids = ids

    async def news(self) -> bytes:
        """The latest state, if it is newer than the last one given, and another."""
        found = self.watch.summary
        if found is None:
            return b""
        customer, version = found.customer, found.version
        has = self.shown if self.shown is not None else customer
        if not is_newer(version, customer, self.version, has):
            return b""
        if found.shown == self._given and customer == self.shown:
            self.version = version
            return b""
        meta = msgspec.json.encode(current_meta(version, found.moved_at))
        data = b'{"meta":%b,"customer":"%b","conversation":%b}' % (meta, text_of(customer).encode(), found.shown)
        moved = await moved_frame(self._contexts, self.watch.tenant, has, customer, version)
        self.version, self.shown, self._given = version, customer, found.shown
        place = ResumePoint(self.watch.part_id, customer, version)
        return moved + sse.event("conversation", data, encode_resume_point(self._ids, STREAM, place))
