"""Infer joins by time and matter, in one sweep over a customer's contacts in order of start.

A contact continues the conversation that was active last within the window before its start and is about the same
matter. Of other conversations only what was so at its start counts: which contacts were joined by then, when they were
active or attended to, what they were about. Of the contact itself everything counts, whenever it was said; but contacts
that began before it was said saw the contact without it.

So the choice is a function of the contact's own facts and of what happened before its start. Nothing that happens later
to any other contact changes it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from heapq import heappop, heappush
from itertools import islice, pairwise
from typing import NamedTuple

from cx_context.threading.contact_model import Contact
from cx_context.threading.explicit_joins import EarlierJoin, ExplicitJoins
from cx_context.threading.matters import ContactHistory, Matter, combined_part_suffices, matter_numbers
from cx_context.threading.recent_conversations import LOOK_BACK, OpenConversation, RecentConversations
from cx_events.timestamps import END_OF_TIME, Micros


class _Snapshot(NamedTuple):
    """A conversation as a contact sees it at its start.

    ``candidates`` has (key, place of the contact to continue, matter) of each recent conversation, latest first.
    ``joined`` has the key and matter of the conversation of each contact that it has an explicit join to.
    """

    candidates: Sequence[tuple[int, int, Matter]]
    joined: Mapping[int, tuple[int, Matter]]


class SettledJoins(NamedTuple):
    """The joins by time of the first ``contacts``, in which nothing happens after the next contact's start.

    ``joins`` has (contact, the contact that it continues). ``unlisted``: no contact that is left out altogether was
    active after this time; None where none of these could be continued.
    """

    contacts: int
    joins: Sequence[tuple[int, int]]
    unlisted: Micros | None


class RankingTooShort(Exception):
    """Raised where a contact might continue a conversation that was left out (``SettledJoins.unlisted``)."""


def infer_joins(
    contacts: Sequence[Contact], explicit: ExplicitJoins, window: Micros, settled: SettledJoins | None = None
) -> list[tuple[int, int]]:
    """Return (contact, the contact that it continues) for each contact that continues another, as places, in order of
    start.

    ``settled``: what is known of the first contacts, among which no person's decision may be, nor a token that was
    issued twice. Raises ``RankingTooShort``.
    """
    return _Sweep(contacts, explicit, window).run(settled)


class _Sweep:
    """The state of the sweep: the conversations as they stand when the contact begins that is next."""

    def __init__(self, contacts: Sequence[Contact], explicit: ExplicitJoins, window: Micros) -> None:
        self._contacts = contacts
        self._explicit = explicit
        self._window = window
        self._histories: dict[int, ContactHistory] = {}
        self._lasting = explicit.lasting_joins()[::-1]  # the earliest last, as in ``_partings``
        self._partings = explicit.parting_times[::-1]
        self._splits: set[int] = set()
        self._earlier_joins = explicit.earlier_joins()
        self._of: list[OpenConversation] = []
        self._recent = RecentConversations(self._of)
        self._pending: list[tuple[Micros, int]] = []
        self._changes: dict[int, list[tuple[Micros, bool]]] = {}
        self._snapshots: dict[int, _Snapshot] = {}
        self._edges: dict[int, set[int]] = defaultdict(set)
        self._continues: dict[int, int] = {}

    def run(self, settled: SettledJoins | None = None) -> list[tuple[int, int]]:
        """Let every contact begin in turn, then decide finally for those that said more after their start."""
        begin, unlisted = (settled.contacts, settled.unlisted) if settled is not None else (0, None)
        if settled is not None:
            self._resume(settled)
        starts = [contact.start[0] for contact in self._contacts[begin:]]
        pending, known, partings = self._pending, self._lasting, self._partings
        for place, (start, following) in enumerate(pairwise([*starts, END_OF_TIME]), begin):
            now = (start, place)  # mostly nothing happens before the next one begins
            if (pending and pending[0][0] <= start) or (known and known[-1] < now) or (partings and partings[-1] < now):
                self._advance(place, start)
            if unlisted is not None and not self._recent.is_complete_since(unlisted):
                raise RankingTooShort
            self._begin_contact(place, start, following)
        for place in sorted(self._snapshots):
            self._choose_continued(place, self._snapshots[place], END_OF_TIME)
        return sorted(self._continues.items())

    def _resume(self, settled: SettledJoins) -> None:
        """Put together the conversations of the first contacts, as they stood when the next one began."""
        count, start = settled.contacts, self._contacts[settled.contacts].start[0]
        self._continues.update(settled.joins)
        while self._lasting and self._lasting[-1] < (start, count):
            _, _, one, other = self._lasting.pop()
            self._edges[one].add(other)
            self._edges[other].add(one)
        self._of += [self._alone(place, start) for place in range(count)]
        self._assemble(count, start)

    # What happened until a contact begins.

    def _advance(self, count: int, time: Micros) -> None:
        """Let everything happen up to a time, by which ``count`` contacts had begun."""
        now = (time, count)
        known, partings = self._lasting, self._partings
        changed = self._apply_changes(time) if self._pending and self._pending[0][0] <= time else ()
        while known and known[-1] < now:
            _, _, one, other = known.pop()
            self._edges[one].add(other)
            self._edges[other].add(one)
            if self._of[one] is not self._of[other]:
                self._join(one, other)
        decided = False
        while partings and partings[-1] < now:
            partings.pop()
            decided = True
        if not decided and not changed:
            return
        moved = [place for place in sorted(changed) if self._reconsider(place, time)]
        if decided or (moved and self._splits):
            self._assemble(count, time)
        else:
            for place in moved:
                self._rebuild(place, time)

    def _apply_changes(self, time: Micros) -> set[int]:
        """Apply what happened up to a time; return the contacts that turned out to be about something else."""
        changed: set[int] = set()
        while self._pending and self._pending[0][0] <= time:
            _, place = heappop(self._pending)
            changes = self._changes[place]
            matters = False
            while changes and changes[-1][0] <= time:
                matters = changes.pop()[1] or matters
            history, own = self._history(place), self._of[place]
            own.until = max(own.until, history.attended_at(time))
            latest = (history.active_at(time), place)
            if latest > own.latest:
                own.latest = latest
                self._recent.move(own)
            if matters:
                own.absorb(Matter(history.numbers_at(time), history.topic_at(time)))
                if place in self._snapshots:
                    changed.add(place)
            if changes:
                heappush(self._pending, (changes[-1][0], place))
        return changed

    def _reconsider(self, place: int, time: Micros) -> bool:
        """Choose again for a contact by what it has said since; return whether it continues another one now."""
        before = self._continues.get(place)
        self._choose_continued(place, self._snapshots[place], time)
        return self._continues.get(place) != before

    # A contact begins.

    def _begin_contact(self, place: int, start: Micros, following: Micros) -> None:
        """Let a contact begin.

        ``following`` is when the next one begins; until then nobody looks at this one.
        """
        joins = self._earlier_joins.get(place, ())
        if self._contacts[place].part.until > following:
            self._plan_changes(place, self._history(place), joins, start, following)
        is_split = place in self._explicit.splits and self._explicit.is_split(place, following)
        if is_split:
            self._splits.add(place)
        own = self._alone(place, following)
        whole: OpenConversation | None = None
        if not is_split:
            joined = [join.other for join in joins if join.own <= following] if joins else ()
            whole = self._continued_with_joins(own, joined, start) if joined else self._continued(own, start)
        if whole is not None:
            self._continues[place] = whole.latest[1]
        if whole is None or whole.splits:
            self._of.append(own)
            self._recent.add(own)
            if whole is not None:
                self._join(whole.latest[1], place)
        else:
            self._of.append(whole)
            whole.take(own)
            self._recent.move(whole)

    def _plan_changes(
        self, place: int, history: ContactHistory, joins: Sequence[EarlierJoin], start: Micros, following: Micros
    ) -> None:
        """Note when more will happen in a contact, and its snapshot if that may change whom it continues."""
        changes = history.after(following)
        changes += [(join.own, True) for join in joins if join.own > following]
        changes += [(decided, True) for decided in self._explicit.decision_times(place) if decided > following]
        if not changes:
            return
        changes.sort(reverse=True)
        self._changes[place] = changes
        heappush(self._pending, (changes[-1][0], place))
        if any(matters for _, matters in changes):
            since = start - self._window
            self._snapshots[place] = _Snapshot(
                [
                    (id(each), each.latest[1], each.copy())
                    for each in self._recent.ranked[:LOOK_BACK]
                    if each.until >= since
                ],
                {join.other: (id(self._of[join.other]), self._of[join.other].copy()) for join in joins},
            )

    def _continued(self, own: OpenConversation, start: Micros) -> OpenConversation | None:
        """Return the conversation that a contact continues as it begins."""
        since, numbers = start - self._window, own.numbers
        for each in islice(self._recent.ranked, LOOK_BACK):
            if each.until < since or (numbers and each.numbers and numbers.isdisjoint(each.numbers)):
                continue  # mostly decided without a call
            if each.agrees(own):
                return each
        return None

    def _continued_with_joins(
        self, own: OpenConversation, others: Sequence[int], start: Micros
    ) -> OpenConversation | None:
        """Return the same for a contact with explicit joins: what those conversations are about is its matter, too."""
        joined = list({id(each): each for each in [self._of[other] for other in others]}.values())
        matter: Matter | None = None
        since = start - self._window
        for each in self._recent.ranked[:LOOK_BACK]:
            if each.until < since:
                continue
            if each in joined:
                return each
            if matter is None:  # mostly the first that is looked at is joined
                matter = own.copy()
                for other in joined:
                    matter.absorb(other.copy())
            if each.agrees(matter):
                return each
        return None

    def _choose_continued(self, place: int, snapshot: _Snapshot, time: Micros) -> None:
        """Choose the contact that a contact continues, by what it has said up to a time."""
        continued = None
        if snapshot.candidates and not self._explicit.is_split(place, time):
            continued = self._first_agreeing(place, snapshot, time)
        if continued is None:
            self._continues.pop(place, None)
        else:
            self._continues[place] = continued

    def _first_agreeing(self, place: int, snapshot: _Snapshot, time: Micros) -> int | None:
        """Return the place to continue in the first candidate that is joined explicitly or about the same matter."""
        history = self._history(place)
        own = Matter(history.numbers_at(time), history.topic_at(time))
        joined = set()
        for join in self._earlier_joins.get(place, ()):
            if join.own <= time:
                key, matter = snapshot.joined[join.other]
                if key not in joined:
                    joined.add(key)
                    own.absorb(Matter(set(matter.numbers), matter.topic))
        for key, place_of_latest, matter in snapshot.candidates:
            if key in joined or matter.agrees(own):
                return place_of_latest
        return None

    # Conversations come together, and apart.

    def _history(self, place: int) -> ContactHistory:
        """Return the history of a contact. Few are needed: most contacts are over when the next one begins."""
        found = self._histories.get(place)
        if found is None:
            found = self._histories[place] = ContactHistory(self._contacts[place])
        return found

    def _alone(self, place: int, time: Micros) -> OpenConversation:
        """Return the conversation of a contact by itself, as it was at a time."""
        contact = self._contacts[place]
        part, splits = contact.part, int(place in self._splits)
        if part.until <= time and combined_part_suffices(contact):
            start, active = contact.start[0], part.activity
            last = active[-1] if active and active[-1] > start else start
            return OpenConversation(
                place, last, last, matter_numbers(part), part.topics[0] if part.topics else None, splits
            )
        history = self._history(place)
        numbers, topic = history.numbers_at(time), history.topic_at(time)
        return OpenConversation(place, history.active_at(time), history.attended_at(time), numbers, topic, splits)

    def _join(self, one: int, other: int) -> None:
        """Join the conversations of two contacts, unless a split keeps them apart."""
        a, b = self._of[one], self._of[other]
        if a is b:
            return
        splits = a.splits + b.splits
        if splits and splits > (min(a.first, b.first) in self._splits):
            return  # as in ``JoinedSets``: a split contact begins a conversation
        if len(a.members) < len(b.members):
            a, b = b, a
        for member in b.members:
            self._of[member] = a
        self._recent.remove(b)
        a.take(b)
        self._recent.move(a)

    def _rebuild(self, place: int, time: Micros) -> None:
        """Put together anew the conversation of a contact that continues another one than before."""
        whole = self._of[place]
        together = set(whole.members)
        for member in whole.members:
            self._of[member] = self._alone(member, time)
        self._recent.remove(whole)
        for member in whole.members:
            self._recent.move(self._of[member])
        for member in whole.members:
            for other in self._edges.get(member, ()):
                self._join(member, other)
            if member in self._continues:
                self._join(member, self._continues[member])
        for _, one, other in self._explicit.standing_links(len(self._of), time):
            if one in together:
                self._join(one, other)

    def _assemble(self, count: int, time: Micros) -> None:
        """Put all conversations together anew, after a person's decision."""
        by_time = [(place, of) for place, of in sorted(self._continues.items()) if place < count]
        groups = self._explicit.assemble(count, time, by_time)
        self._splits = groups.splits
        for members in groups.all():
            whole = self._alone(members[0], time)
            for member in members[1:]:
                whole.take(self._alone(member, time))
            for member in members:
                self._of[member] = whole
        self._recent.refill()
