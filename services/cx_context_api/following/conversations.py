"""Follow one conversation: its summary as the customer's context shows it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec

from cx_context_api.contexts.current import CurrentContexts
from cx_context_api.following.customers import is_newer, moved_frames
from cx_context_api.following.resume_token import ResumePoint, encode_resume_point, pack_state
from cx_context_api.following.sse import Frame
from cx_context_api.following.subscriptions import Subscription
from cx_context_api.reads.meta import current_meta
from cx_events.ids import IdSpace, NodeId, text_of

STREAM = b"conversation"


class Summary(NamedTuple):
    """A conversation at a version of its customer's context; ``shown``: its JSON."""

    customer: NodeId
    version: int
    moved_at: float
    shown: bytes


class ConversationSubscription(Subscription):
    """A followed conversation. ``read`` returns it as it is now; ``Refused`` if there is none."""

    def __init__(self, read: Callable[[], Awaitable[Summary]], tenant: str, part_id: NodeId) -> None:
        super().__init__((STREAM, tenant, part_id))
        self.tenant = tenant
        self.part_id = part_id
        self.summary: Summary | None = None
        self._read = read

    async def refresh(self) -> bool:
        before, found = self.summary, await self._read()
        if before is not None and not is_newer(found.version, found.customer, before.version, before.customer):
            read_anew = (found.version, found.customer) == (before.version, before.customer)
            if not read_anew or found.shown == before.shown:  # the directory of agents may say something else
                return False
        self.summary = found
        self.interests = frozenset({(self.tenant, text_of(found.customer))})
        return before is None or (found.customer, found.shown) != (before.customer, before.shown)


class ConversationFollower:
    """One client of a conversation.

    ``version``: the one that it has. Versions that changed something else of the customer are skipped. ``stream``: as
    of ``CustomerFollower``.
    """

    __slots__ = ("_contexts", "_ids", "_sealed", "_sent", "_stream", "shown", "subscription", "version")

    def __init__(
        self,
        subscription: ConversationSubscription,
        contexts: CurrentContexts,
        ids: IdSpace,
        stream: Callable[[], bytes] = lambda: STREAM,
    ) -> None:
        self.subscription = subscription
        self.version = -1
        self.shown: NodeId | None = None
        self._sent = b""
        self._contexts = contexts
        self._ids = ids
        self._stream = stream
        self._sealed = stream()

    def mark(self) -> bytes:
        """Return what the client has, for ``Last-Event-ID`` of a stream of several subjects; empty for nothing."""
        return pack_state(self.shown, self.version) if self.shown is not None and self.version >= 0 else b""

    async def next_frames(self) -> list[Frame]:
        """Return the latest state if it is newer than the last one sent, and different."""
        found = self.subscription.summary
        if found is None:
            return []
        customer, version = found.customer, found.version
        known = self.shown if self.shown is not None else customer
        sealed = self._stream()
        read_anew = sealed != self._sealed and (version, customer) == (self.version, known)
        if not read_anew and not is_newer(version, customer, self.version, known):
            return []
        self._sealed = sealed
        if found.shown == self._sent and customer == self.shown:
            self.version = version
            return []
        meta = msgspec.json.encode(current_meta(version, found.moved_at))
        data = b'{"meta":%b,"customer":"%b","conversation":%b}' % (meta, text_of(customer).encode(), found.shown)
        moved = await moved_frames(self._contexts, self.subscription.tenant, known, customer, version)
        self.version, self.shown, self._sent = version, customer, found.shown
        point = ResumePoint(self.subscription.part_id, customer, version)
        return [*moved, Frame("conversation", data, encode_resume_point(self._ids, sealed, point))]
