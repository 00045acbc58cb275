"""Tell who is present: which agents look at a customer, who types, and in what state an agent is.

Presence is no fact: it lasts some seconds, unless it is said again, and nothing of it is on the log. It lies in a table
(``cx_context.store.short_lived``), so that all processes of a hub tell the same. One that is told of it tells its own
followers at once; the others read the table every second while somebody follows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from hashlib import blake2b

import msgspec
from msgspec import Struct

from cx_context.store import Store, short_lived
from cx_context_api.following.customers import CustomerSubscription
from cx_context_api.following.several import Subject, SubjectFollower
from cx_context_api.following.sse import Frame, json_frame
from cx_context_api.following.subscriptions import Interest, Subscription, Subscriptions
from cx_events.directory import Directory
from cx_events.errors import TooFast
from cx_events.ids import text_of
from cx_runtime.answer_deadline import within

KIND = "presence"
MOST_PRESENT = 2_000
"""Tabs of a tenant that are present at once."""

MOST_TOLD = 20
"""Of one subject."""

POLL_SECONDS = 1.0


class Present(Struct, frozen=True, order=True):
    """One tab of an agent. ``looking``: at subjects, by kind and id. ``typing``: in a conversation, empty for none."""

    agent: str
    name: str
    state: str
    looking: tuple[tuple[str, str], ...] = ()
    typing: str = ""


_decode = msgspec.json.Decoder(Present).decode


class PresenceBoard:
    """Writes and reads who is present, and tells this process's followers."""

    def __init__(self, store: Store, subscriptions: Subscriptions) -> None:
        self._store = store
        self._subscriptions = subscriptions
        self.followed: set[str] = set()
        """Tenants whose presence was followed here."""

    async def put(self, tenant: str, tab: str, present: Present, seconds: float) -> None:
        """Say that an agent's tab is present for so many seconds. Raises ``TooFast`` where the tenant has too many."""
        await within(self._put(tenant, _name(present.agent, tab), msgspec.json.encode(present), seconds))
        self._subscriptions.notify(_interest(tenant))

    async def remove(self, tenant: str, tab: str, agent: str) -> None:
        """Say that an agent's tab is present no more."""
        await within(self._remove(tenant, _name(agent, tab)))
        self._subscriptions.notify(_interest(tenant))

    async def read(self, tenant: str) -> frozenset[Present]:
        """Return who is present."""
        async with self._store.reading() as tx:
            rows = await short_lived.read(tx, tenant, KIND, MOST_PRESENT)
        return frozenset(_decode(value) for _, value, _ in rows)

    async def run(self) -> None:
        """Have what is followed read again every second, until cancelled: other processes are told of presence, too."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            for tenant in self.followed:
                self._subscriptions.notify(_interest(tenant))

    async def _put(self, tenant: str, name: str, value: bytes, seconds: float) -> None:
        async with self._store.writing() as tx:
            is_new = not await short_lived.is_there(tx, tenant, KIND, name)
            if is_new and await short_lived.count(tx, tenant, KIND) >= MOST_PRESENT:
                detail = f"{MOST_PRESENT} are present already; nothing of this was taken"
                raise TooFast(detail, int(seconds), "too-many-present")
            await short_lived.put(tx, tenant, KIND, name, value, seconds)

    async def _remove(self, tenant: str, name: str) -> None:
        async with self._store.writing() as tx:
            await short_lived.remove(tx, tenant, KIND, name)


class PresenceSubscription(Subscription):
    """A tenant's presence, followed."""

    def __init__(self, board: PresenceBoard, tenant: str) -> None:
        super().__init__((KIND, tenant))
        self.present: frozenset[Present] = frozenset()
        self.interests = frozenset({_interest(tenant)})
        self._tenant = tenant
        self._board = board
        board.followed.add(tenant)

    async def refresh(self) -> bool:
        before, self.present = self.present, await within(self._board.read(self._tenant))
        return self.present != before


class PresenceFollower:
    """Tells one client who is present at its subjects: of each at the beginning, and whenever that has changed."""

    def __init__(
        self, subscription: PresenceSubscription, subjects: Mapping[Subject, SubjectFollower], directory: Directory
    ) -> None:
        self._subscription = subscription
        self._subjects = subjects
        self._directory = directory
        self._seen: frozenset[Present] | None = None
        self._told: dict[Subject, Sequence[object]] = {}

    def next_frames(self) -> list[Frame]:
        """Return what is new."""
        present = self._subscription.present
        if present is self._seen:
            return []
        self._seen = present
        found: list[Frame] = []
        for subject, follower in self._subjects.items():
            told = [_view(each, subject) for each in sorted(present) if self._concerns(each, subject, follower)][
                :MOST_TOLD
            ]
            if self._told.get(subject) != told:
                self._told[subject] = told
                found.append(json_frame("presence", {"present": told}).about(subject.encoded()))
        return found

    def _concerns(self, each: Present, subject: Subject, follower: SubjectFollower) -> bool:
        if subject.kind == "agent":
            return each.agent == self._directory.asked_for("agent", subject.id)
        if subject.kind == "conversation":
            return ("conversation", subject.id) in each.looking or each.typing == subject.id
        ids = {subject.id}
        if isinstance(follower.subscription, CustomerSubscription) and follower.subscription.entry is not None:
            ids.add(text_of(follower.subscription.entry.customer))
        return any(kind == "customer" and id in ids for kind, id in each.looking)


def _view(each: Present, subject: Subject) -> Mapping[str, object]:
    typing = bool(each.typing) and (subject.kind != "conversation" or each.typing == subject.id)
    return {"agent": {"id": each.agent, "name": each.name}, "state": each.state, "typing": typing}


def _name(agent: str, tab: str) -> str:
    return blake2b(f"{agent}\0{tab}".encode(), digest_size=16).hexdigest()


def _interest(tenant: str) -> Interest:
    return tenant, KIND
