"""Tell who is present: which agents look at a customer, who types, and in what state an agent is; and which customers
type in a chat.

Presence is no fact: it lasts some seconds, unless it is said again, and nothing of it is on the log. It lies in a table
(``cx_context.store.short_lived``), so that all processes of a hub tell the same. One that is told of it tells its own
followers at once; the others read the table every second while somebody follows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from hashlib import blake2b

import msgspec
from msgspec import Struct

from cx_context.store import Store, short_lived, typing_rows
from cx_context.store.typing_rows import Typist
from cx_context_api.contexts.current import CurrentContexts
from cx_context_api.following.customers import CustomerSubscription
from cx_context_api.following.several import Subject, SubjectFollower
from cx_context_api.following.sse import Frame, json_frame
from cx_context_api.following.subscriptions import Interest, Subscription, Subscriptions
from cx_context_api.requests.targets import ByInteraction
from cx_events.directory import Directory
from cx_events.errors import Refused, TooFast
from cx_events.ids import text_of
from cx_events.json_types import Json
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

    async def put(self, tenant: str, tab: str, present: Present, seconds: float, answering: str = "") -> None:
        """Say that an agent's tab is present for so many seconds, and in which interaction it types to the customer.
        Raises ``TooFast`` where the tenant has too many."""
        typist = Typist(answering, present.agent, present.name, tab)
        await within(self._put(tenant, _name(present.agent, tab), msgspec.json.encode(present), seconds, typist))
        self._subscriptions.notify(_interest(tenant))

    async def remove(self, tenant: str, tab: str, agent: str) -> None:
        """Say that an agent's tab is present no more."""
        await within(self._remove(tenant, _name(agent, tab), Typist("", agent, tab=tab)))
        self._subscriptions.notify(_interest(tenant))

    async def read(self, tenant: str) -> tuple[frozenset[Present], frozenset[str]]:
        """Return who is present, and the interactions in which customers type."""
        async with self._store.reading() as tx:
            rows = await short_lived.read(tx, tenant, KIND, MOST_PRESENT)
            typing = await typing_rows.read(tx, tenant, "customer")
        return frozenset(_decode(value) for _, value, _ in rows), frozenset(each.interaction for each in typing)

    async def run(self) -> None:
        """Have what is followed read again every second, until cancelled: other processes are told of presence, too."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            for tenant in self.followed:
                self._subscriptions.notify(_interest(tenant))

    async def _put(self, tenant: str, name: str, value: bytes, seconds: float, typist: Typist) -> None:
        async with self._store.writing() as tx:
            is_new = not await short_lived.is_there(tx, tenant, KIND, name)
            if is_new and await short_lived.count(tx, tenant, KIND) >= MOST_PRESENT:
                detail = f"{MOST_PRESENT} are present already; nothing of this was taken"
                raise TooFast(detail, int(seconds), "too-many-present")
            await short_lived.put(tx, tenant, KIND, name, value, seconds)
            is_typing = bool(typist.interaction)
            await typing_rows.write(tx, tenant, "agent", [typist] if is_typing else [], [] if is_typing else [typist])

    async def _remove(self, tenant: str, name: str, typist: Typist) -> None:
        async with self._store.writing() as tx:
            await short_lived.remove(tx, tenant, KIND, name)
            await typing_rows.write(tx, tenant, "agent", [], [typist])


class PresenceSubscription(Subscription):
    """A tenant's presence, followed. ``typing``: the interactions in which customers type, by the customer."""

    def __init__(self, board: PresenceBoard, contexts: CurrentContexts, tenant: str) -> None:
        super().__init__((KIND, tenant))
        self.present: frozenset[Present] = frozenset()
        self.typing: Mapping[str, Sequence[str]] = {}
        self._contexts = contexts
        self.interests = frozenset({_interest(tenant)})
        self._tenant = tenant
        self._board = board
        board.followed.add(tenant)

    async def refresh(self) -> bool:
        present, interactions = await within(self._board.read(self._tenant))
        typing = await self._by_customer(interactions)
        before = self.present, self.typing
        self.present, self.typing = present, typing  # together, or what one that fails has read is no news afterwards
        return (present, typing) != before

    async def _by_customer(self, interactions: Collection[str]) -> Mapping[str, Sequence[str]]:
        """Return interactions by their customers of today; the lookups are one statement (``customer_index``)."""
        ordered = sorted(interactions)
        found = await asyncio.gather(*(self._customer_of(each) for each in ordered))
        by_customer: dict[str, list[str]] = {}
        for interaction, customer in zip(ordered, found, strict=True):
            if customer is not None:
                by_customer.setdefault(customer, []).append(interaction)
        return by_customer

    async def _customer_of(self, interaction: str) -> str | None:
        try:
            return text_of((await self._contexts.find(self._tenant, ByInteraction(interaction))).customer)
        except Refused:  # it is not folded yet, or several people take part
            return None


class PresenceFollower:
    """Tells one client who is present at its subjects: of each at the beginning, and whenever that has changed."""

    def __init__(
        self, subscription: PresenceSubscription, subjects: Mapping[Subject, SubjectFollower], directory: Directory
    ) -> None:
        self._subscription = subscription
        self._subjects = subjects
        self._directory = directory
        self._seen: object = None
        self._told: dict[Subject, Json] = {}

    def next_frames(self) -> list[Frame]:
        """Return what is new."""
        seen = (self._subscription.present, self._subscription.typing)
        if seen == self._seen:
            return []
        self._seen = seen
        found: list[Frame] = []
        for subject, follower in self._subjects.items():
            told = self._state(subject, follower)
            if self._told.get(subject) != told:
                self._told[subject] = told
                found.append(json_frame("presence", told).about(subject.encoded()))
        return found

    def _state(self, subject: Subject, follower: SubjectFollower) -> Json:
        """Return who is at a subject, and in which of a customer's chats the customer types."""
        here = [each for each in sorted(self._subscription.present) if self._concerns(each, subject, follower)]
        present = [_view(each, subject) for each in here][:MOST_TOLD]
        if subject.kind != "customer":
            return {"present": present}
        typing = {each for id in _ids(subject, follower) for each in self._subscription.typing.get(id, ())}
        return {"present": present, "customer_typing": sorted(typing)[:MOST_TOLD]}

    def _concerns(self, each: Present, subject: Subject, follower: SubjectFollower) -> bool:
        if subject.kind == "agent":
            return each.agent == self._directory.asked_for("agent", subject.id)
        if subject.kind == "conversation":
            return ("conversation", subject.id) in each.looking or each.typing == subject.id
        return any(kind == "customer" and id in _ids(subject, follower) for kind, id in each.looking)


def _ids(subject: Subject, follower: SubjectFollower) -> set[str]:
    """Return the ids by which a customer is known: the one that is followed, and today's."""
    ids = {subject.id}
    if isinstance(follower.subscription, CustomerSubscription) and follower.subscription.entry is not None:
        ids.add(text_of(follower.subscription.entry.customer))
    return ids


def _view(each: Present, subject: Subject) -> Mapping[str, object]:
    typing = bool(each.typing) and (subject.kind != "conversation" or each.typing == subject.id)
    return {"agent": {"id": each.agent, "name": each.name}, "state": each.state, "typing": typing}


def _name(agent: str, tab: str) -> str:
    return blake2b(f"{agent}\0{tab}".encode(), digest_size=16).hexdigest()


def _interest(tenant: str) -> Interest:
    return tenant, KIND
