"""Choose the facts that vouch for who is at the other end of a contact.

A chat and a call are sessions: who was proved there is there until the session or the proof ends. A thread of mails, or
of comments below a post, is none: anybody who knows the name of a message or of the post can write into it. So such a
contact is as sure as the customer's event that was *recorded* last: a mail's ``Date`` is its sender's choice, when we
received it is not. Business mail, receipts and what others write count for nothing there.

Between contacts a continuity token of ours and a person's link pass on what vouches
(``Conversation.contacts_sharing_proofs``). To an open contact they do only while nothing was said in it since it was
joined. From one they pass what its last event proves, and nothing once a claim in it presented a token: else a stranger
who writes his own token into a customer's thread would be the customer in his own chat.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from cx_context.parts.model import Part
from cx_context.sections.assurance import ContactAssurance, Trust, contact_assurance
from cx_context.threading.contact_model import Contact
from cx_context.threading.conversations import Conversation
from cx_events.ids import text_of
from cx_events.weights import CLAIMED, WEIGHT_RANKS

_CLAIMED = WEIGHT_RANKS[CLAIMED]


def contact_assurances(conversation: Conversation, places: Iterable[int], trust: Trust) -> list[ContactAssurance]:
    """Return what vouches for who is at the other end of a conversation's contacts at these places."""
    return _assurances(conversation, places, trust, _counting_in)


def surest_assurances(conversation: Conversation, trust: Trust) -> list[ContactAssurance]:
    """Return what vouches, or once did, for a conversation's contacts: what each was at its surest."""
    return _assurances(conversation, conversation.places, trust, _ever_in)


_Counting = Callable[[Contact, Sequence[Contact], Trust], Iterable[Part]]
"""Of a contact and of those that it is joined to the parts that vouch for who is in it."""


def _assurances(
    conversation: Conversation, places: Iterable[int], trust: Trust, counting: _Counting
) -> list[ContactAssurance]:
    vouching = conversation.contacts_sharing_proofs()
    members = dict(zip(conversation.places, conversation.members, strict=True))
    known: dict[tuple[int, int | None], ContactAssurance] = {}
    found = []
    for place in places:
        group = vouching[place]
        own = place if any(map(is_open, group)) else None  # only then it matters in which of them one asks
        key = id(group), own
        if key not in known:
            of_all = chain.from_iterable(map(_parts, group))
            known[key] = contact_assurance(of_all if own is None else counting(members[place], group, trust), trust)
        found.append(known[key])
    return found


def is_open(contact: Contact) -> bool:
    """Return whether a customer said something in it where anybody can write."""
    return contact.part.open_active_at > 0


class LastActivity(NamedTuple):
    """When a customer was last active in one side of an interaction (``Part.customer_active_at``,
    ``Part.open_active_at``)."""

    customer: bytes
    last: int
    last_open: int


def last_writer(activities: Iterable[LastActivity]) -> bytes | None:
    """Return the customer whose event was recorded last in an interaction of several, where anybody can write in it;
    None where it is a session, or two were active at once."""
    found = list(activities)
    last = max((each.last for each in found), default=0)
    speakers = {each.customer for each in found if each.last == last}
    is_open_last = any(each.last_open == last for each in found)
    return speakers.pop() if last and is_open_last and len(speakers) == 1 else None


def is_strangers(part: Part, trust: Trust) -> bool:
    """Return whether anybody may have written what a customer says in a part."""
    return part.open_active_at > 0 and trust.weight_of(part) == _CLAIMED


def _counting_in(contact: Contact, group: Sequence[Contact], trust: Trust) -> Iterator[Part]:
    own = _counting(contact, trust)
    yield from own
    last = max((part.customer_active_at for part in _parts(contact)), default=0)
    if not is_open(contact) or _joined_at(contact, group) >= last:
        for other in group:
            if other is not contact and not _took_a_strangers_token(other, trust):
                yield from _counting(other, trust)


def _ever_in(contact: Contact, group: Sequence[Contact], trust: Trust) -> Iterator[Part]:
    yield from _parts(contact)
    for other in group:
        if other is not contact and not _took_a_strangers_token(other, trust):
            yield from _parts(other)


def _counting(contact: Contact, trust: Trust) -> Sequence[Part]:
    """Return the parts of a contact that vouch for who is there now."""
    parts = list(_parts(contact))
    last_open = max((part.open_active_at for part in parts), default=0)
    if not last_open:
        return parts
    if any(part.customer_active_at > last_open for part in parts):
        return [part for part in parts if not part.open_active_at or part.customer_active_at > part.open_active_at]
    last = [part for part in parts if part.open_active_at == last_open]
    weakest = max(map(trust.weight_of, last))
    return [part for part in last if trust.weight_of(part) == weakest]


def _joined_at(contact: Contact, group: Sequence[Contact]) -> int:
    """Return when the latest of what joins a contact to the others of a group was recorded; 0 of one that is alone."""
    names = {text_of(part_id) for _, part_id in contact.part_ids} | {text_of(part.side) for part in _parts(contact)}
    tokens = {id for part in _parts(contact) for id in part.tokens}
    times = [at[2] for part in _parts(contact) for at in (*part.links.values(), *part.token_uses.values())]
    for other in group:
        for part in _parts(other) if other is not contact else ():
            times += [at[2] for name, at in part.links.items() if name in names]
            times += [at[2] for id, at in part.token_uses.items() if id in tokens]
    return max(times, default=0)


def _took_a_strangers_token(contact: Contact, trust: Trust) -> bool:
    return any(part.token_uses and is_strangers(part, trust) for part in _parts(contact))


def _parts(contact: Contact) -> Iterator[Part]:
    return (piece.part for piece in contact.pieces)
