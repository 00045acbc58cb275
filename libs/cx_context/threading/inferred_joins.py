"""Whom each contact continues by time: one sweep over a customer's contacts in order of start.

A contact continues the conversation that was active last within the window before its start and is about the same
matter. Of the other conversations only what was so at its start counts: which contacts were joined by then, when they
were active or attended to, what they were about. Of the contact itself all counts, whenever it was said; but as long as
it was not said, others that began meanwhile found it as it was.

So the choice of a contact is a function of its own facts and of what happened before its start, and nothing that
happens later to any other contact changes it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from heapq import heappop, heappush, nlargest
from itertools import islice, pairwise
from typing import NamedTuple

from cx_context.threading.contacts import Contact
from cx_context.threading.continuity_tokens import END_OF_TIME
from cx_context.threading.explicit_joins import EarlierJoin, ExplicitJoins
from cx_context.threading.matters import ContactHistory, Matter, Topic, combined_part_suffices, matter_numbers
from cx_events.timestamps import Micros

LOOK_BACK = 16
"""How many of the latest conversations a contact may continue by time."""

_RANKED = 4 * LOOK_BACK
"""How many conversations are kept in order, so that seldom all must be put in order anew."""


class _Conversation(Matter):
    """``latest``: when it was active last, and the contact that was. ``until``: when it was last attended to."""

    __slots__ = ("first", "latest", "members", "splits", "until")

    def __init__(
        self, place: int, active: Micros, until: Micros, numbers: set[str], topic: Topic | None, splits: int
    ) -> None:
        self.numbers = numbers
        self.topic = topic
        self.members = [place]
        self.first = place
        self.splits = splits
        self.latest = (active, place)
        self.until = until

    def take(self, other: _Conversation) -> None:
        self.absorb(other)
        self.members += other.members
        self.splits += other.splits
        self.first = min(self.first, other.first)
        self.latest = max(self.latest, other.latest)
        self.until = max(self.until, other.until)


class _Snapshot(NamedTuple):
    """What a contact found at its start: candidates with the contact to go on from, the latest first, and what the
    conversations of its ties were about."""

    candidates: Sequence[tuple[int, int, Matter]]
    tied: Mapping[int, tuple[int, Matter]]


def infer_joins(contacts: Sequence[Contact], explicit: ExplicitJoins, window: Micros) -> list[tuple[int, int]]:
    """Of each contact that continues another by time, both places: (contact, whom it continues), in order of start."""
    return _Sweep(contacts, explicit, window).run()


class _Sweep:
    def __init__(self, contacts: Sequence[Contact], explicit: ExplicitJoins, window: Micros) -> None:
        self._contacts = contacts
        self._explicit = explicit
        self._window = window
        self._courses: dict[int, ContactHistory] = {}
        self._known = explicit.known()[::-1]  # the earliest last, as in ``_moments``
        self._moments = explicit.moments[::-1]
        self._splits: set[int] = set()
        self._ties = explicit.ties()
        self._of: list[_Conversation] = []
        self._ranked: list[_Conversation] = []
        self._pending: list[tuple[Micros, int]] = []
        self._changes: dict[int, list[tuple[Micros, bool]]] = {}
        self._snapshots: dict[int, _Snapshot] = {}
        self._edges: dict[int, set[int]] = defaultdict(set)
        self._continues: dict[int, int] = {}

    def run(self) -> list[tuple[int, int]]:
        starts = [contact.start[0] for contact in self._contacts]
        pending, known, moments = self._pending, self._known, self._moments
        for place, (start, following) in enumerate(pairwise([*starts, END_OF_TIME])):
            now = (start, place)  # mostly nothing happens before the next one begins
            if (pending and pending[0][0] <= start) or (known and known[-1] < now) or (moments and moments[-1] < now):
                self._advance(place, start)
            self._begin(place, start, following)
        for place in sorted(self._snapshots):
            self._choose(place, self._snapshots[place], END_OF_TIME)
        return sorted(self._continues.items())

    # What happened until a contact begins.

    def _advance(self, count: int, time: Micros) -> None:
        """Let everything happen up to a time, by which ``count`` contacts had begun."""
        now = (time, count)
        known, moments = self._known, self._moments
        reconsidered = self._let_happen(time) if self._pending and self._pending[0][0] <= time else ()
        while known and known[-1] < now:
            _, _, one, other = known.pop()
            self._edges[one].add(other)
            self._edges[other].add(one)
            if self._of[one] is not self._of[other]:
                self._join(one, other)
        decided = False
        while moments and moments[-1] < now:
            moments.pop()
            decided = True
        if not decided and not reconsidered:
            return
        moved = [place for place in sorted(reconsidered) if self._reconsider(place, time)]
        if decided or (moved and self._splits):
            self._assemble(count, time)
        else:
            for place in moved:
                self._part(place, time)

    def _let_happen(self, time: Micros) -> set[int]:
        """The contacts that turned out to be about something else."""
        found: set[int] = set()
        while self._pending and self._pending[0][0] <= time:
            _, place = heappop(self._pending)
            changes = self._changes[place]
            matters = False
            while changes and changes[-1][0] <= time:
                matters = changes.pop()[1] or matters
            course, own = self._course(place), self._of[place]
            own.until = max(own.until, course.attended_at(time))
            latest = (course.active_at(time), place)
            if latest > own.latest:
                own.latest = latest
                self._rank_again(own)
            if matters:
                own.absorb(Matter(course.numbers_at(time), course.topic_at(time)))
                if place in self._snapshots:
                    found.add(place)
            if changes:
                heappush(self._pending, (changes[-1][0], place))
        return found

    def _reconsider(self, place: int, time: Micros) -> bool:
        """Whether a contact continues another one than before, by what it has said since."""
        before = self._continues.get(place)
        self._choose(place, self._snapshots[place], time)
        return self._continues.get(place) != before

    # A contact begins.

    def _begin(self, place: int, start: Micros, following: Micros) -> None:
        """``following``: when the next one begins; until then nobody looks at this one."""
        ties = self._ties.get(place, ())
        if self._contacts[place].part.until > following:
            self._expect(place, self._course(place), ties, start, following)
        is_split = place in self._explicit.splits and self._explicit.is_split(place, following)
        if is_split:
            self._splits.add(place)
        own = self._alone(place, following)
        whole: _Conversation | None = None
        if not is_split:
            told = [tie.other for tie in ties if tie.own <= following] if ties else ()
            whole = self._whom_tied(own, told, start) if told else self._whom(own, start)
        if whole is not None:
            self._continues[place] = whole.latest[1]
        if whole is None or whole.splits:
            self._of.append(own)
            self._rank(own)
            if whole is not None:
                self._join(whole.latest[1], place)
        else:
            self._of.append(whole)
            whole.take(own)
            self._rank_again(whole)

    def _expect(
        self, place: int, course: ContactHistory, ties: Sequence[EarlierJoin], start: Micros, following: Micros
    ) -> None:
        """Note when more will happen in a contact, and what it found where that may change whom it continues."""
        changes = course.after(following)
        changes += [(tie.own, True) for tie in ties if tie.own > following]
        changes += [(decided, True) for decided in self._explicit.parted(place) if decided > following]
        if not changes:
            return
        changes.sort(reverse=True)
        self._changes[place] = changes
        heappush(self._pending, (changes[-1][0], place))
        if any(matters for _, matters in changes):
            since = start - self._window
            self._snapshots[place] = _Snapshot(
                [(id(each), each.latest[1], each.copy()) for each in self._ranked[:LOOK_BACK] if each.until >= since],
                {tie.other: (id(self._of[tie.other]), self._of[tie.other].copy()) for tie in ties},
            )

    def _whom(self, own: _Conversation, start: Micros) -> _Conversation | None:
        """The conversation that a contact continues as it begins."""
        since, numbers = start - self._window, own.numbers
        for each in islice(self._ranked, LOOK_BACK):
            if each.until < since or (numbers and each.numbers and numbers.isdisjoint(each.numbers)):
                continue  # for the most part told without asking whether they agree
            if each.agrees(own):
                return each
        return None

    def _whom_tied(self, own: _Conversation, others: Sequence[int], start: Micros) -> _Conversation | None:
        """As ``_whom``, of a contact that has explicit edges to others: what they are about is its matter, too."""
        tied = list({id(each): each for each in [self._of[other] for other in others]}.values())
        matter: Matter | None = None
        since = start - self._window
        for each in self._ranked[:LOOK_BACK]:
            if each.until < since:
                continue
            if each in tied:
                return each
            if matter is None:  # mostly the first that is looked at is tied
                matter = own.copy()
                for other in tied:
                    matter.absorb(other.copy())
            if each.agrees(matter):
                return each
        return None

    def _choose(self, place: int, snapshot: _Snapshot, time: Micros) -> None:
        """Whom a contact continues by what it has said up to a time."""
        found = None
        if snapshot.candidates and not self._explicit.is_split(place, time):
            found = self._agreeing(place, snapshot, time)
        if found is None:
            self._continues.pop(place, None)
        else:
            self._continues[place] = found

    def _agreeing(self, place: int, snapshot: _Snapshot, time: Micros) -> int | None:
        course = self._course(place)
        own = Matter(course.numbers_at(time), course.topic_at(time))
        tied = set()
        for tie in self._ties.get(place, ()):
            if tie.own <= time:
                key, matter = snapshot.tied[tie.other]
                if key not in tied:
                    tied.add(key)
                    own.absorb(Matter(set(matter.numbers), matter.topic))
        for key, place_of_latest, matter in snapshot.candidates:
            if key in tied or matter.agrees(own):
                return place_of_latest
        return None

    # Conversations come together, and apart.

    def _course(self, place: int) -> ContactHistory:
        """Asked for of few contacts: most are over when the next begins, and the sum of their parts says all."""
        found = self._courses.get(place)
        if found is None:
            found = self._courses[place] = ContactHistory(self._contacts[place])
        return found

    def _alone(self, place: int, time: Micros) -> _Conversation:
        """The conversation of a contact by itself, as it was at a time."""
        contact = self._contacts[place]
        part, splits = contact.part, int(place in self._splits)
        if part.until <= time and combined_part_suffices(contact):
            start, active = contact.start[0], part.active
            last = active[-1] if active and active[-1] > start else start
            return _Conversation(
                place, last, last, matter_numbers(part), part.topics[0] if part.topics else None, splits
            )
        course = self._course(place)
        numbers, topic = course.numbers_at(time), course.topic_at(time)
        return _Conversation(place, course.active_at(time), course.attended_at(time), numbers, topic, splits)

    def _join(self, one: int, other: int) -> None:
        a, b = self._of[one], self._of[other]
        if a is b:
            return
        splits = a.splits + b.splits
        if splits and splits > (min(a.first, b.first) in self._splits):
            return  # as in ``Groups``: a split contact begins a conversation
        if len(a.members) < len(b.members):
            a, b = b, a
        for member in b.members:
            self._of[member] = a
        self._unrank(b)
        a.take(b)
        self._rank_again(a)

    def _part(self, place: int, time: Micros) -> None:
        """Put together anew the conversation of a contact that continues another one than before."""
        whole = self._of[place]
        for member in whole.members:
            self._of[member] = self._alone(member, time)
        self._unrank(whole)
        for member in whole.members:
            self._rank_again(self._of[member])
        for member in whole.members:
            for other in self._edges.get(member, ()):
                self._join(member, other)
            if member in self._continues:
                self._join(member, self._continues[member])

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
        self._refill()

    # The order of conversations: ``_ranked`` holds the latest ones, at least LOOK_BACK of them where there are as many.

    def _rank(self, one: _Conversation) -> None:
        ranked = self._ranked
        if ranked and len(ranked) >= LOOK_BACK and one.latest < ranked[-1].latest:
            return
        place = 0
        for other in ranked:
            if other.latest < one.latest:
                break
            place += 1
        ranked.insert(place, one)
        if len(ranked) > _RANKED:
            ranked.pop()

    def _rank_again(self, one: _Conversation) -> None:
        ranked = self._ranked
        if ranked and ranked[0] is one and (len(ranked) == 1 or ranked[1].latest < one.latest):
            return
        if one in ranked:
            ranked.remove(one)
        self._rank(one)

    def _unrank(self, one: _Conversation) -> None:
        if one in self._ranked:
            self._ranked.remove(one)
            if len(self._ranked) < LOOK_BACK:
                self._refill()

    def _refill(self) -> None:
        every = {id(each): each for each in self._of}
        self._ranked = nlargest(_RANKED, every.values(), key=lambda each: each.latest)
