"""Combine a customer's parts into contacts, which ``conversations`` joins.

A contact is an interaction, or a stretch of an endless one (``stretches``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter

from cx_context.parts.places import KeyedPart
from cx_context.threading.contact_model import Contact, combine_pieces, first_ids_of_streams
from cx_context.threading.one_contact import same_keys
from cx_context.threading.stretches import BY_PART_ID, split_stretches
from cx_events.activity import HOUR
from cx_events.timestamps import Micros

_BY_START = attrgetter("start")


def contacts_of(parts: Iterable[KeyedPart], window: Micros) -> list[Contact]:
    """Return a customer's contacts in order of start. ``window`` is the tenant's threading window in µs.

    Parts outside any interaction are left out. Parts of decisions alone make no contact: the interaction's events are
    another customer's, or have not arrived.
    """
    groups: dict[str, list[KeyedPart]] = {}
    for anchored in parts:
        name = anchored.part.interaction
        if name in groups:
            groups[name].append(anchored)
        elif name:
            groups[name] = [anchored]
    found: list[Contact] = []
    for name, pieces in groups.items():
        if len(pieces) == 1:
            if pieces[0].part.first is not None:
                found.append(_of_one(name, pieces))
            continue
        pieces.sort(key=BY_PART_ID)
        if any(piece.part.endless_since is not None for piece in pieces):
            found += split_stretches(name, pieces, max(window, HOUR))
        elif any(piece.part.first is not None for piece in pieces):
            found.append(_whole(name, pieces))
    found.sort(key=_BY_START)
    return found


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
