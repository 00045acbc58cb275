"""Combine a customer's parts into contacts, which ``conversations`` joins.

A contact is an interaction, or a stretch of an endless one (``stretches``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter

from cx_context.parts.keyed_parts import KeyedPart
from cx_context.threading.contact_model import Contact, combine_pieces, first_ids_of_streams
from cx_context.threading.one_contact import same_keys
from cx_context.threading.stretches import BY_PART_ID, split_stretches
from cx_events.activity import HOUR
from cx_events.timestamps import Micros

_BY_START = attrgetter("start")


ContactsOfPieces = tuple[Sequence[KeyedPart], Sequence[Contact]]
"""An interaction's pieces, in order of part id, and the contacts that these make."""


def contacts_of(parts: Iterable[KeyedPart], window: Micros) -> list[Contact]:
    """Return a customer's contacts in order of start. ``window`` is the tenant's threading window in µs.

    Parts outside any interaction are left out. Parts of decisions alone make no contact: the interaction's events are
    another customer's, or have not arrived.
    """
    return in_order(contacts_by_interaction(parts, window, {}))


def in_order(contacts: Mapping[str, ContactsOfPieces]) -> list[Contact]:
    """Return contacts in order of start."""
    found = [contact for _, made in contacts.values() for contact in made]
    found.sort(key=_BY_START)
    return found


def contacts_by_interaction(
    parts: Iterable[KeyedPart], window: Micros, known: Mapping[str, ContactsOfPieces]
) -> dict[str, ContactsOfPieces]:
    """Return a customer's contacts by interaction. ``known``: such as were made before in the same ``window``; they
    are not made again of the same pieces."""
    groups: dict[str, list[KeyedPart]] = {}
    for anchored in parts:
        name = anchored.part.interaction
        if name in groups:
            groups[name].append(anchored)
        elif name:
            groups[name] = [anchored]
    found: dict[str, ContactsOfPieces] = {}
    for name, pieces in groups.items():
        if len(pieces) > 1:
            pieces.sort(key=BY_PART_ID)
        before = known.get(name)
        found[name] = before if before is not None and before[0] == pieces else (pieces, _made_of(name, pieces, window))
    return found


def _made_of(name: str, pieces: list[KeyedPart], window: Micros) -> Sequence[Contact]:
    if len(pieces) == 1:
        return [_of_one(name, pieces)] if pieces[0].part.first is not None else ()
    if any(piece.part.endless_since is not None for piece in pieces):
        return split_stretches(name, pieces, max(window, HOUR))
    return [_whole(name, pieces)] if any(piece.part.first is not None for piece in pieces) else ()


def _of_one(name: str, pieces: list[KeyedPart]) -> Contact:
    part = pieces[0].part
    assert part.first is not None
    part_ids = [(part.first_recorded, pieces[0].part_id)]
    last = part.last[0] if part.last is not None else part.first[0]
    start, same = (part.first[0], name), same_keys(name, part)
    return Contact(name, part, pieces, part_ids, part_ids, start, last, deleted=part.deletions, same=same)


def _whole(name: str, pieces: Sequence[KeyedPart]) -> Contact:
    part = combine_pieces(pieces)
    assert part.first is not None
    part_ids = sorted((piece.part.first_recorded, piece.part_id) for piece in pieces)
    last = part.last[0] if part.last is not None else part.first[0]
    given, start, same = first_ids_of_streams(pieces), (part.first[0], name), same_keys(name, part)
    return Contact(name, part, pieces, part_ids, given, start, last, deleted=part.deletions, same=same)
