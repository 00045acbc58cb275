"""Find and show the events behind a value, and read the history that they are found in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from cx_context.document import context_body
from cx_context.explain.json_pointer import Path
from cx_context.sections.customer_facts import CustomerFacts
from cx_context.sections.members import Member
from cx_context.store import Store
from cx_context.store.ownership import Ownership, ownership_of
from cx_context.store.snapshot import Snapshot
from cx_context.store.sql import Tx
from cx_context_api.reads.point_in_time import PAST_READ_SECONDS
from cx_context_api.reads.turns import ReadTurns
from cx_events.errors import Refused
from cx_events.facts import Fact
from cx_events.ids import event_key, text_of
from cx_events.json_types import Json
from cx_events.timestamps import format_time
from cx_runtime.answer_deadline import within

MAX_EVENTS = 20_000
"""Events of one customer above which values are not explained, except those that name their events themselves."""

Answer = TypeVar("Answer")


class Source(NamedTuple):
    """An event behind a value. ``why``: its role, if it did not give the value itself."""

    fact: Fact
    why: str | None = None

    @property
    def sort_key(self) -> tuple[int, int, str, str]:
        """Return (effective time, recorded time, source, id)."""
        return (self.fact.effective, self.fact.recorded, self.fact.event.source, self.fact.event.id)


class HistoryReader:
    """Reads whole histories, a few at a time: each may take a processor for seconds."""

    def __init__(self, store: Store, turns: ReadTurns, *, max_events: int = MAX_EVENTS) -> None:
        self._store = store
        self._heavy = turns.heavy
        self._max_events = max_events

    async def run(self, tenant: str, read: Callable[[Tx], Awaitable[Answer]]) -> Answer:
        """Return what ``read`` returns, within the deadline of past reads and in the tenant's turn."""

        async def work() -> Answer:
            async with self._heavy.turn(tenant), self._store.reading() as tx:
                return await read(tx)

        return await within(work(), seconds=PAST_READ_SECONDS)

    async def read_facts(self, snapshot: Snapshot, customer: CustomerFacts, path: Path) -> Sequence[Fact]:
        """Return the facts that a value can depend on. Raises ``Refused("history-too-long")``."""
        if path and path[0] == "timeline":
            return list(customer.latest)
        facts = await snapshot.facts(await read_ownership(snapshot, customer), self._max_events)
        if facts is None:
            detail = f"This customer has more than {self._max_events} events; that is too many to explain."
            raise Refused("history-too-long", detail)
        return facts


def work_limit_refusal() -> Refused:
    """Return the refusal of a customer whose contacts are too many to explain."""
    return Refused("history-too-long", "This customer has too many contacts to explain.")


async def read_identity_sources(
    snapshot: Snapshot, customer: CustomerFacts, path: Path, exclude: Iterable[bytes]
) -> list[Source]:
    """Return the first mentions of the profiles that a path is about, and the evidence that joined them.

    For candidates, return the claims. ``exclude``: keys of events to leave out.
    """
    if path[:2] in {("customer", "candidates"), ("customer", "candidates_total")}:
        claims = {event_key(snapshot.tenant, claim.at[1], claim.at[2]) for claim in customer.claims.latest}
        found = await snapshot.events(claims - set(exclude))
        return [Source(fact, "the claim") for fact in found if fact.key not in set(exclude)]
    members = _members_at(customer, path)
    mentions = await snapshot.first_sightings([member.id for member in members])
    why = dict.fromkeys(mentions.values(), "the first event that named it")
    if path[:2] != ("customer", "display"):
        for member in members:
            if member.joined is not None:
                source, _, id = member.joined[1].partition("#")
                why.setdefault(event_key(snapshot.tenant, source, id), f"joined by {member.joined[0]}")
    excluded = set(exclude)
    facts = {fact.key: fact for fact in await snapshot.events(why.keys() - excluded) if fact.key not in excluded}
    # A mail is asked for by a name, and known by its content.
    return [Source(fact, why.get(fact.key) or why[fact.name]) for fact in facts.values()]


def _members_at(customer: CustomerFacts, path: Path) -> Sequence[Member]:
    by_id: Mapping[str, Member] = {text_of(member.id): member for member in customer.members}
    match path:
        case ("customer", "id"):
            profiles = [text_of(customer.customer)]
        case ("customer", "display"):
            facts = CustomerFacts(customer.customer, customer.members, customer.parts, ())
            display = context_body(facts, 0)["customer"]
            strongest = display["identifiers"][:1]
            return [by_id[each["profile"]] for each in strongest if each["value"] == display["display"]]
        case ("customer", "aliases" | "identifiers", profile, *_):
            profiles = [profile]
        case _:
            profiles = list(by_id)
    return [by_id[profile] for profile in profiles if profile in by_id]


async def read_ownership(snapshot: Snapshot, customer: CustomerFacts) -> Ownership:
    """Return which streams and interactions are the customer's."""
    return await ownership_of(snapshot, customer.customer, [member.id for member in customer.members])


def source_view(source: Source) -> Json:
    """Show an event behind a value."""
    event = source.fact.event
    view: Json = {
        "event": {"source": event.source, "id": event.id},
        "type": event.type,
        "time": format_time(source.fact.effective),
    }
    if source.why is not None:
        view["why"] = source.why
    return view
