"""Contacts into conversations, inside one customer.

Pure, and a function of the set: neither order of arrival nor clocks matter. Edges, strongest first:

1. a person's link (``cx.conversation.linked``): always, unless a later split of either end;
2. a continuity token of ours, issued for one contact and presented in another (``continuity_tokens`` says which count);
3. a shared reference: a message id, a provider's thread, a call, an order or case number, a token of other
software.
   Symmetric, so a reply that arrives before its parent joins it all the same. A call is referred to by the id of its
   interaction, with or without the connection's name before it. Stretches of one endless interaction are not joined by
   its name, nor by a thread's id: these stand on every message of it. A message that quotes another joins;
4. the same matter within the tenant's window: from a conversation's last activity, or from when it was resolved or
   opened again, to the contact's start. Two matters are the same unless both are named (order or case numbers, or
   topics) and differ. This looks back: see ``cx_context.threading.inferred_joins``.

A split is a property of a contact: it begins a conversation, so no rule joins it to anything that started before, nor
does anything else bridge it back; a later link by a person does. A contact joins whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from msgspec import Struct

from cx_context.parts.places import KeyedPart
from cx_context.threading.contacts import Contact, contacts_of
from cx_context.threading.continuity_tokens import END_OF_TIME, Token
from cx_context.threading.explicit_joins import ExplicitJoins
from cx_context.threading.inferred_joins import infer_joins
from cx_events.timestamps import Micros
from cx_events.tokens import is_token_id

__all__ = ["Contact", "Conversation", "IssuedToken", "JoinReason", "KeyedPart", "contacts_of", "join_contacts"]

CONFIDENCE = {"person": 100, "token": 98, "reference": 95, "matter": 85, "window": 60}
"""In hundredths: how sure a rule makes us."""


class JoinReason(NamedTuple):
    """Why a contact is in its conversation. ``evidence``: the reference, decision or interaction that joins it."""

    interaction: str
    rule: str
    evidence: str
    confidence: int


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token that was issued for a conversation. ``users``: the names of the interactions of its uses."""

    token: Token
    users: tuple[str, ...]


Edges = Mapping[int, Sequence[tuple[int, str, str]]]
"""Of a contact (its place among the customer's) those that a rule joins it to: (place, rule, evidence)."""


class Conversation(Struct, gc=False):
    """``id``: of the part ids by which its contacts were known the one that was recorded first. ``members`` in order of
    their start, at these ``places``. ``tokens``: issued for one of them, in order of issue.

    Of thousands a few are shown: what only showing them needs is worked out when it is asked for."""

    id: bytes
    members: list[Contact]
    places: Sequence[int]
    edges: Edges
    tokens: list[IssuedToken] = []

    @property
    def last_activity(self) -> Micros:
        return max([member.last_activity for member in self.members])

    @property
    def aliases(self) -> list[bytes]:
        """The other part ids by which it, or a part of it, was known. Every part id of its contacts answers."""
        return sorted({part_id for member in self.members for _, part_id in member.given if part_id != self.id})

    @property
    def at_hand(self) -> int:
        """The place of the contact that was active last."""
        members = zip(self.places, self.members, strict=True)
        return max(members, key=lambda one: (one[1].last_activity, one[1].start))[0]

    def vouching(self) -> dict[int, list[Contact]]:
        """Of each place the contact there and those that continuity tokens of ours or a person's links join to it, one
        list for all of them: what was proved in one of them counts in all. No other rule passes a proof on."""
        members = dict(zip(self.places, self.members, strict=True))
        found: dict[int, list[Contact]] = {}
        for place in self.places:
            if place in found:
                continue
            reached = [place]
            group = found[place] = []
            for each in reached:
                group.append(members[each])
                for other, rule, evidence in self.edges.get(each, ()):
                    if other not in found and _vouches(rule, evidence):
                        found[other] = group
                        reached.append(other)
        return found

    @property
    def joined(self) -> list[JoinReason]:
        """Of each member why it is in it."""
        names = {place: member.name for place, member in zip(self.places, self.members, strict=True)}
        first = self.places[0]
        found = {first: JoinReason(names[first], "first", "", 100)}
        reached = [first]
        for place in reached:
            for other, rule, evidence in self.edges.get(place, ()):
                if other not in found:
                    found[other] = JoinReason(names[other], rule, evidence, CONFIDENCE[rule])
                    reached.append(other)
        return [found[place] for place in self.places]


def _vouches(rule: str, evidence: str) -> bool:
    """Whether who was proved on one side of an edge is proved on the other. What other software calls a token is a
    reference, which anybody may write."""
    return rule == "person" or (rule == "token" and is_token_id(evidence.removeprefix("token:")))


def join_contacts(contacts: Sequence[Contact], window: Micros) -> list[Conversation]:
    """The conversations of one customer, in order of their first contact. ``contacts`` as given by ``contacts_of`` for
    the same window."""
    explicit = ExplicitJoins(contacts)
    by_time = infer_joins(contacts, explicit, window)
    groups = explicit.assemble(len(contacts), END_OF_TIME, by_time)
    found = [_conversation(contacts, places, groups.edges) for places in groups.all()]
    if explicit.tokens:
        _tell_tokens(contacts, explicit.tokens, found)
    return found


def _conversation(contacts: Sequence[Contact], places: list[int], edges: Edges) -> Conversation:
    members = [contacts[place] for place in places]
    return Conversation(min([member.given[0] for member in members])[1], members, places, edges)


def _tell_tokens(contacts: Sequence[Contact], tokens: Iterable[Token], conversations: Iterable[Conversation]) -> None:
    own = {place: conversation for conversation in conversations for place in conversation.places}
    for token in tokens:
        users = tuple(contacts[use.contact].name for use in token.uses)
        own[token.issuer].tokens.append(IssuedToken(token, users))


def conversation_with(conversations: Iterable[Conversation], part_id: bytes) -> Conversation | None:
    """The conversation that an part id names, by its id or an alias."""
    for conversation in conversations:
        if find_contact(conversation, part_id) is not None:
            return conversation
    return None


def find_contact(conversation: Conversation, part_id: bytes) -> Contact | None:
    """The contact that an part id names."""
    for member in conversation.members:
        if any(part_id == own for _, own in member.part_ids):
            return member
    return None
