"""Show the events behind a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from cx_context.document import context_body
from cx_context.explain.json_pointer import Path
from cx_context.sections.customer_facts import CustomerFacts
from cx_context.sections.members import Member
from cx_context.store.as_of import Snapshot
from cx_context.store.ownership import Ownership
from cx_events.facts import Fact
from cx_events.ids import event_key, text_of
from cx_events.json_types import Json
from cx_events.timestamps import format_time

NAMES_CONVERSATION = "the conversation's id comes from it"


class Source(NamedTuple):
    """``why``: for what the event stands, where it did not give the value itself."""

    fact: Fact
    why: str | None = None

    @property
    def place(self) -> tuple[int, int, str, str]:
        return (self.fact.effective, self.fact.recorded, self.fact.event.source, self.fact.event.id)


async def read_identity_sources(
    then: Snapshot, known: CustomerFacts, path: Path, told: Iterable[bytes]
) -> list[Source]:
    """First sightings of the profiles that a path is about, and the evidence that joined them; of candidates the
    claims."""
    if path[:2] in {("customer", "candidates"), ("customer", "candidates_total")}:
        claims = {event_key(then.tenant, claim.at[1], claim.at[2]) for claim in known.claims.latest}
        return [Source(fact, "the claim") for fact in await then.events(claims - set(told))]
    members = _members_at(known, path)
    firsts = await then.first_sightings([member.id for member in members])
    why = dict.fromkeys(firsts.values(), "the first event that named it")
    if path[:2] != ("customer", "display"):
        for member in members:
            if member.joined is not None:
                source, _, id = member.joined[1].partition("#")
                why.setdefault(event_key(then.tenant, source, id), f"joined by {member.joined[0]}")
    return [Source(fact, why[fact.key]) for fact in await then.events(why.keys() - set(told))]


def _members_at(known: CustomerFacts, path: Path) -> Sequence[Member]:
    by_id: Mapping[str, Member] = {text_of(member.id): member for member in known.members}
    match path:
        case ("customer", "id"):
            found = [text_of(known.customer)]
        case ("customer", "display"):
            display = context_body(CustomerFacts(known.customer, known.members, known.parts, ()), 0)["customer"]
            strongest = display["identifiers"][:1]
            return [by_id[each["profile"]] for each in strongest if each["value"] == display["display"]]
        case ("customer", "aliases" | "identifiers", profile, *_):
            found = [profile]
        case _:
            found = list(by_id)
    return [by_id[profile] for profile in found if profile in by_id]


def event_view(source: Source) -> Json:
    event = source.fact.event
    view: Json = {
        "event": {"source": event.source, "id": event.id},
        "type": event.type,
        "time": format_time(source.fact.effective),
    }
    if source.why is not None:
        view["why"] = source.why
    return view


async def read_ownership(then: Snapshot, known: CustomerFacts) -> Ownership:
    return await then.ownership_of(known.customer, [member.id for member in known.members])
