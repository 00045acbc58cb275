"""Split an endless interaction into stretches: runs of activity without a gap longer than the window.

Messenger, Instagram, WhatsApp and SMS have one interaction per person for ever. It is endless from its first message on
such a channel; from then on activity after a gap longer than max(window, 1 hour) begins a new stretch. Parts are an
hour long, so no part lies across such a gap.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping, Sequence
from operator import attrgetter

from cx_context.parts.keyed_parts import KeyedPart
from cx_context.parts.values import At, Register
from cx_context.threading.contact_model import (
    NO_EDITS,
    Contact,
    EditsElsewhere,
    RecordedPartId,
    combine_pieces,
    first_ids_of_streams,
)
from cx_events.ids import text_of
from cx_events.timestamps import Micros

BY_PART_ID = attrgetter("part_id")


class _Stretch:
    """A stretch while it is built. ``acting`` are parts with activity, ``last`` is the latest activity."""

    def __init__(self, first: KeyedPart) -> None:
        self.start = first.part.activity[0]
        self.last = first.part.activity[-1]
        self.acting = [first]
        self.others: list[KeyedPart] = []

    def add(self, piece: KeyedPart) -> None:
        """Add a part with activity."""
        self.acting.append(piece)
        self.last = max(self.last, piece.part.activity[-1])


def split_stretches(name: str, pieces: Sequence[KeyedPart], gap: Micros) -> list[Contact]:
    """Return the stretches of one interaction as contacts; ``gap`` is in µs."""
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
        for key, at in part.deletions.items():
            found[key] = max(at, found.get(key, at))
    return found


def _of_stretch(
    name: str, stretch: _Stretch, number: int, gap: Micros, edits: EditsElsewhere, deleted: Mapping[str, At]
) -> Contact:
    own = sorted([*stretch.acting, *stretch.others], key=BY_PART_ID)
    part = combine_pieces(own)
    assert part.first is not None
    # What was reported before the first activity is of the first stretch: of none else is anything earlier.
    start = min(part.first[0], stretch.start) if number == 0 else stretch.start
    last = part.last[0] if part.last is not None else stretch.last
    given = part_ids = sorted((piece.part.first_recorded, piece.part_id) for piece in own)
    if len(own) > 1:
        given = sorted({*first_ids_of_streams(own), *_began_alone(stretch.acting, gap)})
    return Contact(name, part, own, part_ids, given, (start, name), last, edits, deleted)


def _runs(pieces: Sequence[KeyedPart], gap: Micros) -> list[_Stretch]:
    """Return runs of activity in order of time.

    Before the interaction is known to be endless there is no split: what a later message says does not part what came
    before it.
    """
    endless = min(piece.part.endless_since for piece in pieces if piece.part.endless_since is not None)
    acting = sorted(
        (piece for piece in pieces if piece.part.activity), key=lambda piece: (piece.part.activity, piece[0])
    )
    found: list[_Stretch] = []
    for piece in acting:
        start = piece.part.activity[0]
        if found and (start - found[-1].last <= gap or start < endless):
            found[-1].add(piece)
        else:
            found.append(_Stretch(piece))
    return found


def _place_others(pieces: Sequence[KeyedPart], stretches: Sequence[_Stretch]) -> None:
    """Put each part without activity into a stretch.

    It goes to the stretch whose part id it names, else to the one that was latest at its time, else to the first.
    """
    others = [piece for piece in pieces if not piece.part.activity]
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
    """Return for each stretch the edits that lie in the others; nothing if there is only one stretch."""
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
        return [NO_EDITS] * len(stretches)
    return [EditsElsewhere(last, before, number) for number in range(len(stretches))]


def _began_alone(acting: Sequence[KeyedPart], gap: Micros) -> list[RecordedPartId]:
    """Return the ids of parts that were a stretch of their own when recorded, before what lies between arrived."""
    found: list[RecordedPartId] = []
    known: list[tuple[Micros, Micros]] = []
    for part_id, part in sorted(acting, key=lambda piece: (piece.part.first_recorded, piece.part_id)):
        first, last = part.activity[0], part.activity[-1]
        at = bisect_left(known, (first, last))
        after_another = at > 0 and first - known[at - 1][1] <= gap
        before_another = at < len(known) and known[at][0] - last <= gap
        if not (after_another or before_another):
            found.append((part.first_recorded, part_id))
        insort(known, (first, last))
    return found
