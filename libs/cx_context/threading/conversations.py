"""Join a customer's contacts into conversations.

The result is a function of the set of contacts: neither order of arrival nor clocks matter. Joins, strongest first:

1. A person's link (``cx.conversation.linked``), always, unless a later split of either end takes it back.
2. A continuity token of ours, issued for one contact and presented in another (``continuity_tokens``).
3. A shared reference: a message id, a provider's thread, a call, an order or case number, a token of other software
   (``shared_references``). It is symmetric, so a reply that arrives before its parent joins it all the same. A call is
   referred to by its interaction's id, with or without the connection's name before it. Stretches of one endless
   interaction are joined neither by its name nor by a thread's id, since these stand on every message of it; a message
   that quotes another joins.
4. The same matter within the tenant's window (``inferred_joins``): from a conversation's last activity, or from when it
   was resolved or opened again, to the contact's start. Two matters are the same unless both are named (by order or
   case numbers, or by topics) and differ. This looks back only.

A split is a property of a contact: it begins a conversation, so no rule joins it to anything that started before, nor
does anything else bridge it back. A later link by a person does. A contact joins whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from msgspec import Struct

from cx_context.threading.contact_model import Contact
from cx_context.threading.continuity_tokens import Token
from cx_context.threading.explicit_joins import ExplicitJoins
from cx_context.threading.inferred_joins import infer_joins
from cx_events.continuity_tokens import is_token_id
from cx_events.timestamps import END_OF_TIME, Micros

CONFIDENCE = {"person": 100, "token": 98, "reference": 95, "matter": 85, "window": 60}
"""The confidence of each rule, in hundredths."""


class JoinReason(NamedTuple):
    """Why a contact is in its conversation. ``evidence`` is the reference, decision or interaction that joins it."""

    interaction: str
    rule: str
    evidence: str
    confidence: int


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token that was issued for a conversation. ``users`` are the interactions of its uses."""

    token: Token
    users: tuple[str, ...]


Edges = Mapping[int, Sequence[tuple[int, str, str]]]
"""By a contact's place, the contacts that a rule joins it to: (place, rule, evidence)."""


class Conversation(Struct, gc=False):
    """A customer's conversation.

    ``id`` is the part id recorded first of those by which its contacts were known. ``members`` are in order of start,
    at these ``places`` among the customer's contacts. ``tokens`` were issued for one of them, in order of issue.

    Of thousands of conversations a few are shown, so what only showing needs is a property, computed when asked for.
    """

    id: bytes
    members: list[Contact]
    places: Sequence[int]
    edges: Edges
    tokens: list[IssuedToken] = []

    @property
    def last_activity(self) -> Micros:
        """When a member was active last."""
        return max([member.last_activity for member in self.members])

    @property
    def aliases(self) -> list[bytes]:
        """The other part ids by which it, or a part of it, was known. Every part id of its contacts answers."""
        return sorted({part_id for member in self.members for _, part_id in member.known_ids if part_id != self.id})

    @property
    def latest_place(self) -> int:
        """The place of the contact that was active last."""
        members = zip(self.places, self.members, strict=True)
        return max(members, key=lambda one: (one[1].last_activity, one[1].start))[0]

    def contacts_sharing_proofs(self) -> dict[int, list[Contact]]:
        """Return, for each place, the contacts whose proofs count in the contact there.

        These are the contact itself and those that continuity tokens of ours or a person's links join to it; they share
        one list. No other rule passes a proof on.
        """
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
                    if other not in found and _passes_proofs(rule, evidence):
                        found[other] = group
                        reached.append(other)
        return found

    @property
    def joined(self) -> list[JoinReason]:
        """Why each member is in it, in order of start."""
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


def _passes_proofs(rule: str, evidence: str) -> bool:
    """Return whether who was proved on one side of a join is proved on the other.

    What other software calls a token is a reference, which anybody may write.
    """
    return rule == "person" or (rule == "token" and is_token_id(evidence.removeprefix("token:")))


def join_contacts(contacts: Sequence[Contact], window: Micros) -> list[Conversation]:
    """Return a customer's conversations, in order of their first contact.

    ``contacts`` must be those that ``contacts_of`` returns for the same window.
    """
    if len(contacts) == 1 and not contacts[0].part.tokens:  # as of many customers
        return [_conversation(contacts, [0], {})]
    explicit = ExplicitJoins(contacts)
    return assemble_conversations(contacts, explicit, infer_joins(contacts, explicit, window))


def assemble_conversations(
    contacts: Sequence[Contact], explicit: ExplicitJoins, by_time: Sequence[tuple[int, int]]
) -> list[Conversation]:
    """Return the conversations that explicit joins and joins by time make, in order of their first contact."""
    groups = explicit.assemble(len(contacts), END_OF_TIME, by_time)
    found = [_conversation(contacts, places, groups.edges) for places in groups.all()]
    if explicit.tokens:
        _assign_tokens(contacts, explicit.tokens, found)
    return found


def _conversation(contacts: Sequence[Contact], places: list[int], edges: Edges) -> Conversation:
    members = [contacts[place] for place in places]
    return Conversation(min([member.known_ids[0] for member in members])[1], members, places, edges)


def _assign_tokens(contacts: Sequence[Contact], tokens: Iterable[Token], conversations: Iterable[Conversation]) -> None:
    own = {place: conversation for conversation in conversations for place in conversation.places}
    for token in tokens:
        users = tuple(contacts[use.contact].name for use in token.uses)
        own[token.issuer].tokens.append(IssuedToken(token, users))


def find_contact(conversation: Conversation, part_id: bytes) -> Contact | None:
    """Return the conversation's contact that has a part id, or None."""
    for member in conversation.members:
        if any(part_id == own for _, own in member.part_ids):
            return member
    return None
