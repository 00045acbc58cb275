"""A customer's parts as contacts: what threading joins into conversations.

A contact is an interaction, or a *stretch* of an endless one. Messenger, Instagram, WhatsApp and SMS have one
interaction per person for ever; it is endless from its first message on such a channel. From then on activity that
comes after a gap longer than max(window, 1 hour) begins a new stretch. Parts are an hour long, so no part lies across
such a gap. Pure, and a function of the set of parts.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter

from msgspec import Struct

from cx_context.parts.merge import PART_FIELDS, combine_fields, first_of_each_key, merge
from cx_context.parts.model import Part
from cx_context.parts.places import KeyedPart
from cx_context.parts.values import REFERENCES_KEPT, At, Register
from cx_events.activity import HOUR
from cx_events.ids import text_of
from cx_events.timestamps import Micros

Anchor = tuple[Micros, bytes]
"""When the first fact of a part was recorded, and the part's part id."""


class EditsElsewhere(Struct, gc=False, frozen=True):
    """The edits of an endless interaction's messages that lie in other stretches than this one, which has a ``number``.

    One for each of thousands of stretches, so they share what they look into: by message id the edit of the last
    stretch that has any, and of the last one before that.
    """

    last: Mapping[str, tuple[int, Register]] = {}
    before: Mapping[str, tuple[int, Register]] = {}
    number: int = 0

    def of(self, message_id: str) -> Register | None:
        found = self.last.get(message_id)
        if found is not None and found[0] == self.number:
            found = self.before.get(message_id)
        return found[1] if found is not None else None


_NO_EDITS = EditsElsewhere()


class Contact(Struct, gc=False):
    """An interaction, or a stretch of an endless one, with all of a customer's parts of it.

    ``part``: the parts combined. ``part_ids``: of all parts, in order. ``given``: those of them by which a conversation
    may have been known, in order; the first is its id where it has no other contact. ``start``: (effective time,
    interaction): contacts are in this order. ``last_activity``: of its counted events. ``edits``: of an endless
    interaction's messages those that lie in other stretches. ``deleted``: by a hash of its id when a message of the
    interaction was deleted, in whichever stretch.
    """

    name: str
    part: Part
    pieces: Sequence[KeyedPart]
    part_ids: list[Anchor]
    given: list[Anchor]
    start: tuple[Micros, str]
    last_activity: Micros
    edits: EditsElsewhere = _NO_EDITS
    deleted: Mapping[str, At] = {}

    @property
    def is_endless(self) -> bool:
        return self.part.endless is not None


_COMBINED = [field for field in PART_FIELDS if field.name != "written"]
_BY_START = attrgetter("start")
_BY_PART_ID = attrgetter("part_id")


def contacts_of(parts: Iterable[KeyedPart], window: Micros) -> list[Contact]:
    """The contacts of a customer in order of start. ``window``: the tenant's threading window in µs.

    Parts outside any interaction are left out. Parts of decisions alone (the interaction's events are another
    customer's, or not here yet) are no contact.
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
        pieces.sort(key=_BY_PART_ID)
        if any(piece.part.endless is not None for piece in pieces):
            found += _stretches(name, pieces, max(window, HOUR))
        elif any(piece.part.first is not None for piece in pieces):
            found.append(_whole(name, pieces))
    found.sort(key=_BY_START)
    return found


def _of_one(name: str, pieces: list[KeyedPart]) -> Contact:
    part = pieces[0].part
    assert part.first is not None
    part_ids = [(part.first_recorded, pieces[0].part_id)]
    last = part.last[0] if part.last is not None else part.first[0]
    return Contact(name, part, pieces, part_ids, part_ids, (part.first[0], name), last, deleted=part.deleted)


def _whole(name: str, pieces: Sequence[KeyedPart]) -> Contact:
    part = combined(pieces)
    assert part.first is not None
    part_ids = sorted((piece.part.first_recorded, piece.part_id) for piece in pieces)
    last = part.last[0] if part.last is not None else part.first[0]
    given, start = _first_of_each_side(pieces), (part.first[0], name)
    return Contact(name, part, pieces, part_ids, given, start, last, deleted=part.deleted)


def combined(pieces: Sequence[KeyedPart]) -> Part:
    """Return all pieces as one part, of which no reference is left out. Not what was written: only pieces are asked for
    that, and an endless thread has much of it."""
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


def _first_of_each_side(pieces: Sequence[KeyedPart]) -> list[Anchor]:
    """Of each stream the part id that was recorded first: by it the stream's side was known, also while it was
    alone."""
    hours = [piece for piece in pieces if piece.part.about is None] or pieces
    first: dict[bytes, Anchor] = {}
    for part_id, part in hours:
        own = (part.first_recorded, part_id)
        first[part.side] = min(own, first.get(part.side, own))
    return sorted(first.values())


class _Stretch:
    """A stretch in the making. ``last``: the latest activity."""

    def __init__(self, first: KeyedPart) -> None:
        self.start = first.part.active[0]
        self.last = first.part.active[-1]
        self.acting = [first]
        self.others: list[KeyedPart] = []

    def add(self, piece: KeyedPart) -> None:
        self.acting.append(piece)
        self.last = max(self.last, piece.part.active[-1])


def _stretches(name: str, pieces: Sequence[KeyedPart], gap: Micros) -> list[Contact]:
    stretches = _runs(pieces, gap)
    _place_others(pieces, stretches)
    edits = _edits_by_stretch(stretches)
    deleted = _deleted(pieces)
    return [
        _of_stretch(name, stretch, number, gap, elsewhere, deleted)
        for number, (stretch, elsewhere) in enumerate(zip(stretches, edits, strict=True))
    ]


def _deleted(pieces: Sequence[KeyedPart]) -> Mapping[str, At]:
    found: dict[str, At] = {}
    for _, part in pieces:
        for key, at in part.deleted.items():
            found[key] = max(at, found.get(key, at))
    return found


def _of_stretch(
    name: str, stretch: _Stretch, number: int, gap: Micros, edits: EditsElsewhere, deleted: Mapping[str, At]
) -> Contact:
    own = sorted([*stretch.acting, *stretch.others], key=_BY_PART_ID)
    part = combined(own)
    assert part.first is not None
    # What was reported before the first activity is of the first stretch: of none else is anything earlier.
    start = min(part.first[0], stretch.start) if number == 0 else stretch.start
    last = part.last[0] if part.last is not None else stretch.last
    given = part_ids = sorted((piece.part.first_recorded, piece.part_id) for piece in own)
    if len(own) > 1:
        given = sorted({*_first_of_each_side(own), *_began_alone(stretch.acting, gap)})
    return Contact(name, part, own, part_ids, given, (start, name), last, edits, deleted)


def _runs(pieces: Sequence[KeyedPart], gap: Micros) -> list[_Stretch]:
    """Runs of activity in order of time. There is none before the interaction is known to be endless: what a later
    message tells does not part what came before it."""
    endless = min(piece.part.endless for piece in pieces if piece.part.endless is not None)
    acting = sorted((piece for piece in pieces if piece.part.active), key=lambda piece: (piece.part.active, piece[0]))
    found: list[_Stretch] = []
    for piece in acting:
        start = piece.part.active[0]
        if found and (start - found[-1].last <= gap or start < endless):
            found[-1].add(piece)
        else:
            found.append(_Stretch(piece))
    return found


def _place_others(pieces: Sequence[KeyedPart], stretches: Sequence[_Stretch]) -> None:
    """What is no activity: with the stretch whose part id it names, else with the one that was latest at its time, else
    with the first."""
    others = [piece for piece in pieces if not piece.part.active]
    if not others:
        return
    starts = [stretch.start for stretch in stretches]
    place = {text_of(piece.part_id): at for at, stretch in enumerate(stretches) for piece in stretch.acting}
    for piece in sorted(others, key=lambda piece: (bool(piece.part.about), piece.part_id)):
        named = place.get(piece.part.about) if piece.part.about else None
        at = named if named is not None else max(bisect_right(starts, piece.part.since) - 1, 0)
        stretches[at].others.append(piece)
        place.setdefault(text_of(piece.part_id), at)


def _edits_by_stretch(stretches: Sequence[_Stretch]) -> list[EditsElsewhere]:
    """Of each stretch the edits that lie in the others; nothing where there is but one."""
    last: dict[str, tuple[int, Register]] = {}
    before: dict[str, tuple[int, Register]] = {}
    for number, stretch in enumerate(stretches) if len(stretches) > 1 else ():
        for piece in (*stretch.acting, *stretch.others):
            for id, edit in piece.part.edits.items():
                known = last.get(id)
                if known is None or known[0] < number:
                    if known is not None:
                        before[id] = known
                    last[id] = (number, edit)
                elif edit[0] > known[1][0]:
                    last[id] = (number, edit)
    if not last:
        return [_NO_EDITS] * len(stretches)
    return [EditsElsewhere(last, before, number) for number in range(len(stretches))]


def _began_alone(acting: Sequence[KeyedPart], gap: Micros) -> list[Anchor]:
    """The part ids of parts that were a stretch of their own when they were recorded, before what lies between came."""
    found: list[Anchor] = []
    known: list[tuple[Micros, Micros]] = []
    for part_id, part in sorted(acting, key=lambda piece: (piece.part.first_recorded, piece.part_id)):
        first, last = part.active[0], part.active[-1]
        at = bisect_left(known, (first, last))
        after_another = at > 0 and first - known[at - 1][1] <= gap
        before_another = at < len(known) and known[at][0] - last <= gap
        if not (after_another or before_another):
            found.append((part.first_recorded, part_id))
        insort(known, (first, last))
    return found


def contacts_by_name(contacts: Sequence[Contact]) -> dict[str, list[int]]:
    """The places of each interaction's contacts: of one that is not endless a single one. In order of start."""
    found: dict[str, list[int]] = {}
    for place, contact in enumerate(contacts):
        found.setdefault(contact.name, []).append(place)
    return found


def latest_at(places: Sequence[int], start: tuple[Micros, str], contacts: Sequence[Contact]) -> int:
    """Of an interaction's contacts the one that was latest at a contact's start, else the first."""
    at = bisect_right(places, start, key=lambda place: contacts[place].start)
    return places[max(at - 1, 0)]
