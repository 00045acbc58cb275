"""Describe a contact: an interaction, or a stretch of an endless one, with its parts combined."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from msgspec import Struct

from cx_context.parts.keyed_parts import KeyedPart
from cx_context.parts.merge import PART_FIELDS, PartFields, combine_fields, merge
from cx_context.parts.model import Part
from cx_context.parts.rules import first_of_each_key
from cx_context.parts.values import REFERENCES_KEPT, At, Register
from cx_events.timestamps import Micros

RecordedPartId = tuple[Micros, bytes]
"""(when the first fact of a part was recorded, the part's id)."""


class EditsElsewhere(Struct, gc=False, frozen=True):
    """The edits of an endless interaction's messages that lie in other stretches than this one, which has a ``number``.

    There is one for each of thousands of stretches, so they share their tables: by message id the edit in the last
    stretch that has any, and in the last one before that.
    """

    last: Mapping[str, tuple[int, Register]] = {}
    before: Mapping[str, tuple[int, Register]] = {}
    number: int = 0

    def of(self, message_id: str) -> Register | None:
        """Return the latest edit of a message outside this stretch."""
        found = self.last.get(message_id)
        if found is not None and found[0] == self.number:
            found = self.before.get(message_id)
        return found[1] if found is not None else None


NO_EDITS = EditsElsewhere()


class Contact(Struct, gc=False):
    """An interaction, or a stretch of an endless one, with all of a customer's parts of it.

    - ``part``: the parts combined.
    - ``part_ids``: of all parts, in order.
    - ``known_ids``: those of them by which a conversation may have been known, in order. The first is the
      conversation's id where it has no other contact.
    - ``start``: (effective time, interaction). Contacts are in this order.
    - ``last_activity``: of its counted events.
    - ``edits``: of an endless interaction's messages, those that lie in other stretches.
    - ``deleted``: when a message of the interaction was deleted, in whichever stretch, by a hash of its id.
    - ``same``: what it says by which another contact may be this one, too (``one_contact``).
    """

    name: str
    part: Part
    pieces: Sequence[KeyedPart]
    part_ids: list[RecordedPartId]
    known_ids: list[RecordedPartId]
    start: tuple[Micros, str]
    last_activity: Micros
    edits: EditsElsewhere = NO_EDITS
    deleted: Mapping[str, At] = {}
    same: Sequence[str] = ()

    @property
    def is_endless(self) -> bool:
        """True for a stretch of an interaction that never ends."""
        return self.part.endless_since is not None


_COMBINED = PartFields(field for field in PART_FIELDS if field.name != "message_times")


def combine_pieces(pieces: Sequence[KeyedPart]) -> Part:
    """Combine all pieces into one part, leaving out no reference.

    ``message_times`` is not combined: it is only asked of pieces, and an endless thread has many.
    """
    if len(pieces) == 1:
        return pieces[0].part
    parts = [piece.part for piece in pieces]
    if len(parts) == 2:
        part = merge(*parts)
    else:
        part = Part()
        combine_fields(part, parts, _COMBINED)
    if len(part.references) < REFERENCES_KEPT:
        return part
    references = first_of_each_key(each.references for each in parts)
    if len(references) > len(part.references):
        part.references = references  # of a part that was made here
    return part


def first_ids_of_streams(pieces: Sequence[KeyedPart]) -> list[RecordedPartId]:
    """Return each stream's part id recorded first, by which its side was known also while it was alone."""
    hours = [piece for piece in pieces if piece.part.about is None] or pieces
    first: dict[bytes, RecordedPartId] = {}
    for part_id, part in hours:
        own = (part.first_recorded, part_id)
        first[part.side] = min(own, first.get(part.side, own))
    return sorted(first.values())


def contacts_by_name(contacts: Sequence[Contact]) -> dict[str, list[int]]:
    """Return the places of each interaction's contacts, in order of start. Only an endless one has several."""
    found: dict[str, list[int]] = {}
    for place, contact in enumerate(contacts):
        found.setdefault(contact.name, []).append(place)
    return found


def latest_contact_at(places: Sequence[int], start: tuple[Micros, str], contacts: Sequence[Contact]) -> int:
    """Return which of an interaction's contacts was the latest at a contact's start, else the first."""
    at = bisect_right(places, start, key=lambda place: contacts[place].start)
    return places[max(at - 1, 0)]
