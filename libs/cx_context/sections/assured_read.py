"""Reduce a context to what is proved or asserted to be the customer's: what an assured read shows.

A function of the facts, as the whole context is: no clock is asked. What is left out, and what stays:

- profiles that only a claim ties to the core, with their identifiers, are left out, and claims that were refused;
- a contact stays whose level was ever proved or asserted. In it stays what the core's profiles said, and what names
  nobody. What a claimed profile said stays only where that contact's own proof or assertion names it, too, as a
  browser's cookie before its user logs in; or where a token or a person's link alone ties the contact;
- of a thread of mails, or of comments below a post, into which anybody can write, stays what is more than claimed, and
  what the business wrote in hours in which nobody claimed anything;
- of what lies outside any contact, and of what is said about the customer, stays what was proved or asserted. A refusal
  of consent stays whoever said it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from msgspec import structs

from cx_context.parts.keyed_parts import KeyedPart
from cx_context.parts.model import Part
from cx_context.sections.assurance import ASSURED, Trust, around_core
from cx_context.sections.candidates import NO_REFUSED_CLAIMS
from cx_context.sections.customer_facts import CustomerFacts
from cx_context.sections.members import Member
from cx_context.sections.vouching_facts import is_strangers, surest_assurances
from cx_context.threading.contact_model import Contact
from cx_context.threading.contacts import contacts_of
from cx_context.threading.conversations import join_contacts
from cx_events.facts import Fact
from cx_events.timestamps import Micros
from cx_events.weights import CLAIMED, WEIGHT_RANKS

_CLAIMED = WEIGHT_RANKS[CLAIMED]


def assured_facts(known: CustomerFacts, window: Micros) -> CustomerFacts:
    """Return what is left of a customer. ``window``: the tenant's threading window in µs. For what is left of one of
    their identifiers by itself, see ``taken_alone``."""
    kept = assured_part_ids(known.parts, known.members, window)
    return keep_parts(known, kept, [fact for fact in known.latest if fact.part_id in kept])


def isolate_profile(members: Iterable[Member], profile: bytes) -> list[Member]:
    """Return a customer's profiles as if one of them, which nothing but a claim ties to any other, were the core.

    So is an identifier that a contact proves, and that somebody's claim made a part of another customer: its own
    history can be read out to who proves it. It is a core by itself in ``Resolution``; claims change no core.
    """
    return [structs.replace(member, claimed=member.id != profile) for member in members]


def keep_parts(known: CustomerFacts, kept: Collection[bytes], latest: Iterable[Fact]) -> CustomerFacts:
    """Return what is left, by the part ids of the parts that stay and the latest of their facts."""
    around = around_core(known.members, [part for _, part in known.parts])
    members = [member for member in around if not member.claimed]
    ids = {member.id for member in members}
    return replace(
        known,
        members=[_without_claimed_tie(member, ids) for member in members],
        parts=[anchored for anchored in known.parts if anchored.part_id in kept],
        latest=latest,
        claims=NO_REFUSED_CLAIMS,
        assured=True,
        left_out=[part for part_id, part in known.parts if part_id not in kept],
    )


def _without_claimed_tie(member: Member, left: Collection[bytes]) -> Member:
    """A profile of the core may hang on one that is left out, where that was recorded first."""
    return member if member.joined is None or member.joined[3] in left else structs.replace(member, joined=None)


def assured_part_ids(parts: Sequence[KeyedPart], members: Sequence[Member], window: Micros) -> frozenset[bytes]:
    """Return the part ids of the parts that stay."""
    trust = Trust.of(around_core(members, [part for _, part in parts]), {})
    kept = {part_id for part_id, part in parts if not part.interaction and trust.weight_of(part) < _CLAIMED}
    for conversation in join_contacts(contacts_of(parts, window), window):
        for contact, standing in zip(conversation.members, surest_assurances(conversation, trust), strict=True):
            if standing.level in ASSURED:
                kept.update(_kept_of(contact, trust))
    return frozenset(kept)


def _kept_of(contact: Contact, trust: Trust) -> Iterator[bytes]:
    vouched: set[str] | None = None
    for piece in contact.pieces:
        if _vouches(piece.part, trust):
            vouched = (vouched or set()) | {piece.part.identifier}
            if trust.weight_of(piece.part) < _CLAIMED:
                vouched |= piece.part.other_identifiers.keys()
    for piece in contact.pieces:
        if is_strangers(piece.part, trust):
            continue
        if vouched is None or piece.part.identifier not in trust.claimed or piece.part.identifier in vouched:
            yield piece.part_id


def _vouches(part: Part, trust: Trust) -> bool:
    """Return whether these facts prove or assert an identifier of the core."""
    return trust.weight_of(part) < _CLAIMED or any(
        weight < _CLAIMED and key in trust.core for key, weight in part.other_identifiers.items()
    )
