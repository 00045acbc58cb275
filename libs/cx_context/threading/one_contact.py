"""Find contacts that are one: two systems told of the same call, or two connections brought mails of one thread.

Two contacts of a conversation are one

- where both are calls and one says the other's id as a reference of the kind ``same-call`` (with or without the
  connection's name before it), or both say the same, as the Call-ID of SIP;
- where a declared correlation says the same of both (``cx_channels.correlations``): each call is one with the latest
  that began before it within the correlation's window, by another connection than any of the calls that it is one with;
- where both are mail threads of the same root, each under its connection's name.

Only what is told of a whole contact is made of them together: whether it is live, since when its customer waits, how
many there are. Threading, which looks back, and proofs, which no reference passes on, know each by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import reduce

from cx_context.parts.merge import merge
from cx_context.parts.model import Part
from cx_context.parts.values import At, shorten_name
from cx_context.threading.contact_model import Contact
from cx_context.threading.shared_references import names_of_call
from cx_events.activity import SECOND
from cx_events.timestamps import Micros

SAME_CALL = "same-call"
"""The kind of reference by which a call names itself as another system does."""

DECLARED = "declared/"
"""Begins the values of a correlation: ``declared/SECONDS/NAME/DIGEST``."""

_SAYS = f"{SAME_CALL}\n"
_WINDOW = re.compile(rf"{SAME_CALL}\n{DECLARED}([0-9]{{1,6}})/")


def names_a_call(kind: str, value: str) -> bool:
    """Return whether a reference says another system's id of this call."""
    return kind == SAME_CALL and not value.startswith(DECLARED)


def same_keys(name: str, part: Part) -> tuple[str, ...]:
    """Return what a contact says by which another one may be the same; nothing for one of an endless interaction."""
    if part.endless_since is not None or not part.references:
        return ()
    found = [key for key in part.references if key.startswith(_SAYS)] if "voice" in part.channels else []
    if "email" in part.channels:
        root = name.partition("/")[2]
        if root and f"message\n{shorten_name(root)}" in part.references:
            found.append(f"mail\n{root}")
    return tuple(sorted(found))  # a map's order is that of arrival


def as_one(contacts: Sequence[Contact]) -> Sequence[Contact]:
    """Return a conversation's contacts, those that are one combined, in order of start."""
    if not _may_be_one(contacts):
        return contacts
    groups = _groups(contacts)
    if len(groups) == len(contacts):
        return contacts
    found = [_combined([contacts[place] for place in group]) for group in groups]
    return sorted(found, key=lambda contact: contact.start)


def halves_of(contacts: Sequence[Contact], contact: Contact) -> list[Contact]:
    """Return those of a conversation's contacts that are one with this one of them, itself among them."""
    if not _may_be_one(contacts):
        return [contact]
    groups = ([contacts[place] for place in group] for group in _groups(contacts))
    return next(group for group in groups if any(each is contact for each in group))


def count_of(contacts: Sequence[Contact]) -> int:
    """Return how many contacts there are of a conversation's."""
    return len(_groups(contacts)) if _may_be_one(contacts) else len(contacts)


def _may_be_one(contacts: Sequence[Contact]) -> bool:
    """Return False, at little cost, for contacts none of which says that it is another; most are such."""
    return len(contacts) > 1 and any(contact.same for contact in contacts)


def _groups(contacts: Sequence[Contact]) -> list[list[int]]:
    """Return the places of the contacts that are one, group by group."""
    said = {key for contact in contacts for key in contact.same}
    group_of = list(range(len(contacts)))
    systems = [{_connection(contact)} for contact in contacts]  # of each group
    holder: dict[str, int] = {}
    for place, contact in enumerate(contacts):
        for key in _held(contact):
            if key not in said:
                continue
            window = _WINDOW.match(key)
            if window is None:
                other = holder.setdefault(key, place)
            else:
                other = _latest(contacts, [systems[group] for group in group_of], place, key, window)
            first, own = group_of[other], group_of[place]
            if first != own:
                systems[first] |= systems[own]
                group_of = [first if group == own else group for group in group_of]
    groups: dict[int, list[int]] = {}
    for place, group in enumerate(group_of):
        groups.setdefault(group, []).append(place)
    return list(groups.values())


def _latest(
    contacts: Sequence[Contact], systems: Sequence[set[str]], place: int, key: str, window: re.Match[str]
) -> int:
    """Return the place of the latest contact that a correlation makes one with this one, else this one's. ``systems``:
    by place, the connections of the contacts that each is one with so far."""
    since = contacts[place].start[0] - int(window[1]) * SECOND
    for at in range(place - 1, -1, -1):
        if contacts[at].start[0] < since:
            break
        if key in contacts[at].same and systems[place].isdisjoint(systems[at]):
            return at
    return place


def _connection(contact: Contact) -> str:
    return contact.name.partition("/")[0]


def _held(contact: Contact) -> Iterator[str]:
    yield from contact.same
    if "voice" in contact.part.channels:
        yield from (f"{_SAYS}{name}" for name in names_of_call(contact.name))


def _combined(contacts: Sequence[Contact]) -> Contact:
    if len(contacts) == 1:
        return contacts[0]
    parts = [contact.part for contact in contacts]
    part = reduce(merge, parts)
    if part.end is not None and any(_went_on(each, part.end[0][0]) for each in parts):
        part.end = None
    deleted: dict[str, At] = {}
    for contact in contacts:
        for key, at in contact.deleted.items():
            deleted[key] = max(at, deleted.get(key, at))
    return Contact(
        part.interaction,
        part,
        [piece for contact in contacts for piece in contact.pieces],
        sorted(id for contact in contacts for id in contact.part_ids),
        sorted(id for contact in contacts for id in contact.known_ids),
        min(contact.start for contact in contacts),
        max(contact.last_activity for contact in contacts),
        deleted=deleted,
    )


def _went_on(part: Part, ended: Micros) -> bool:
    """Return whether a contact is not over, and began, was queued, answered or resumed after the end of another: a leg
    that is over is not the whole call."""
    if part.end is not None and (part.resumed_at is None or part.resumed_at < part.end[0]):
        return False
    steps = (part.first, part.queued_at, part.answered_at, part.resumed_at)
    return any(at is not None and at[0] > ended for at in steps)
