"""Keep a customer's conversations up to date as a few of thousands of contacts change.

What comes out is ``join_contacts`` of all contacts, whatever changed, in whatever order: the work alone is less.

- Only the contacts of a changed interaction are made anew.
- Joins by time look back: what changes at a moment changes no choice of a contact that began before it. So the choices
  of all contacts before the first changed one stay, if nothing happened in any of them after its start.
- What may join contacts explicitly is known by key (``join_keys``). The contacts that are looked at are closed under
  sharing a key and under being one conversation; so conversations of others stay as they are.

Everything is joined anew where this does not hold: where a person linked or split one of the contacts that are looked
at, a token was issued twice, or half of all contacts would have to be looked at.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from cx_context.parts.keyed_parts import KeyedPart
from cx_context.threading.contact_model import Contact
from cx_context.threading.contacts import contacts_of
from cx_context.threading.conversations import Conversation, assemble_conversations
from cx_context.threading.explicit_joins import ExplicitJoins
from cx_context.threading.inferred_joins import RankingTooShort, SettledJoins, infer_joins
from cx_context.threading.join_keys import JoinKeys, Start
from cx_context.threading.recent_conversations import LOOK_BACK
from cx_events.ids import text_of
from cx_events.timestamps import Micros

_MOST_CHANGED = 500
_RECENT = 4 * LOOK_BACK
"""How many of the conversations before a change are looked at, at least, or all within the window."""


class KeptThreads:
    """One customer's contacts and conversations. ``window``: the tenant's threading window in µs.

    ``replaced`` has the conversations that the last change took away, and ``added`` those that it made.
    """

    def __init__(self, window: Micros, most_share: float = 0.5) -> None:
        """``most_share``: of all contacts, that are joined anew by themselves; beyond it all are."""
        self._window = window
        self._most_share = most_share
        self.times_joined_all = 0
        self.contacts: list[Contact] = []
        self.by_name: dict[str, list[Contact]] = {}
        self.of: dict[Start, Conversation] = {}
        self.replaced: list[Conversation] = []
        self.added: list[Conversation] = []
        self._starts: list[Start] = []
        self._until: list[Micros] = []
        self._by_start: dict[Start, Contact] = {}
        self._continues: dict[Start, Start] = {}
        self._keys = JoinKeys(self._by_start, self.by_name)

    def change(self, interactions: Mapping[str, Collection[KeyedPart]]) -> None:
        """Give some interactions other parts than they had; none to one that is gone."""
        self.replaced, self.added = [], []
        gone: list[Contact] = []
        new: list[Contact] = []
        now: dict[str, list[Contact]] = {}
        for name, pieces in interactions.items():
            before = self.by_name.get(name, [])
            now[name] = after = _same_where_equal(before, contacts_of(pieces, self._window))
            gone += _not_among(before, after)
            new += _not_among(after, before)
        if not gone and not new:
            return
        near = {start for contact in gone for start in self._near(contact)}
        for name, after in now.items():
            if after:
                self.by_name[name] = after
            else:
                self.by_name.pop(name, None)
        self._replace(gone, new)
        first = min(contact.start for contact in (*gone, *new))
        if len(gone) + len(new) > _MOST_CHANGED or not self._join_some(first, gone, near):
            self._join_all()

    def _near(self, contact: Contact) -> Iterator[Start]:
        yield from (member.start for member in self.of[contact.start].members)
        yield from self._keys.sharing(contact)

    def _replace(self, gone: Sequence[Contact], new: Sequence[Contact]) -> None:
        for contact in gone:
            self._keys.remove(contact)
            del self._by_start[contact.start]
        for contact in new:
            self._by_start[contact.start] = contact
            self._keys.add(contact)
        if len(gone) + len(new) > _MOST_CHANGED:
            self.contacts = sorted(self._by_start.values(), key=_start_of)
            self._starts = [contact.start for contact in self.contacts]
            return
        for contact in gone:
            place = bisect_left(self._starts, contact.start)
            del self._starts[place], self.contacts[place]
        for contact in new:
            place = bisect_left(self._starts, contact.start)
            self._starts.insert(place, contact.start)
            self.contacts.insert(place, contact)

    # All anew.

    def _join_all(self) -> None:
        contacts = self.contacts
        self.times_joined_all += 1
        explicit = ExplicitJoins(contacts)
        by_time = infer_joins(contacts, explicit, self._window)
        self.replaced = list({id(each): each for each in self.of.values()}.values())
        self.added = assemble_conversations(contacts, explicit, by_time)
        self.of = {member.start: each for each in self.added for member in each.members}
        self._continues = {contacts[place].start: contacts[other].start for place, other in by_time}
        self._until = []
        self._note_until(0)

    def _note_until(self, begin: int) -> None:
        """Note until when anything happened in the contacts up to each, from one on."""
        del self._until[begin:]
        until = self._until[-1] if self._until else 0
        for contact in self.contacts[begin:]:
            until = max(until, contact.part.until) if self._until else contact.part.until
            self._until.append(until)

    # Some anew.

    def _join_some(self, first: Start, gone: Sequence[Contact], near: Iterable[Start]) -> bool:
        """Join anew what a change from ``first`` on may concern; return whether that is enough."""
        place = bisect_left(self._starts, first)
        self._note_until(place)
        begin = self._settled_before(place)
        if begin == 0:
            return False
        listed, unlisted = self._recent_before(begin)
        seeds = [*self.contacts[listed:], *(self._by_start[start] for start in near if start in self._by_start)]
        chosen = self._closed_over(seeds)
        if chosen is None or self._is_linked_from_outside(chosen):
            return False
        contacts = sorted(chosen.values(), key=_start_of)
        explicit = ExplicitJoins(contacts)
        if explicit.parting_times or any(piece.part.links for each in contacts for piece in each.pieces):
            return False
        places = {contact.start: at for at, contact in enumerate(contacts)}
        count = places[self._starts[begin]]
        known = [(at, self._continues.get(contact.start)) for at, contact in enumerate(contacts[:count])]
        settled = SettledJoins(count, [(at, places[other]) for at, other in known if other is not None], unlisted)
        try:
            by_time = infer_joins(contacts, explicit, self._window, settled)
        except RankingTooShort:
            return False
        self._take(contacts, gone, count, by_time, assemble_conversations(contacts, explicit, by_time))
        return True

    def _settled_before(self, place: int) -> int:
        """Return the last place up to ``place`` before whose start all ended that happened in earlier contacts."""
        place = min(place, len(self.contacts) - 1)
        while place > 0 and self._until[place - 1] > self._starts[place][0]:
            place -= 1
        return max(place, 0)

    def _recent_before(self, begin: int) -> tuple[int, Micros | None]:
        """Return from which place on contacts are to be looked at, since one that begins at ``begin`` or later may
        continue them, and ``SettledJoins.unlisted``."""
        since = self._starts[begin][0] - self._window
        recent: set[bytes] = set()
        place = begin
        while place > 0 and self._until[place - 1] >= since:
            if len(recent) >= _RECENT:
                return place, self._until[place - 1]
            place -= 1
            recent.add(self.of[self._starts[place]].id)
        return place, None

    def _closed_over(self, seeds: Iterable[Contact]) -> dict[Start, Contact] | None:
        """Return these contacts, those that may share a conversation with one of them, and so on; None where they are
        too many."""
        chosen: dict[Start, Contact] = {}
        seen: set[bytes] = set()
        waiting = list(seeds)
        most = len(self.contacts) * self._most_share
        continued_by = self._continued_by()
        while waiting:
            contact = waiting.pop()
            if contact.start in chosen:
                continue
            chosen[contact.start] = contact
            if len(chosen) > most:
                return None
            conversation = self.of.get(contact.start)
            if conversation is not None and conversation.id not in seen:
                seen.add(conversation.id)
                members = (self._by_start.get(member.start) for member in conversation.members)
                waiting += [member for member in members if member is not None]
            others = [*self._keys.sharing(contact), *continued_by.get(contact.start, ())]
            if contact.start in self._continues:
                others.append(self._continues[contact.start])
            waiting += [self._by_start[start] for start in others if start not in chosen and start in self._by_start]
        return chosen

    def _continued_by(self) -> Mapping[Start, Sequence[Start]]:
        """Return which contacts continue each. Only a split keeps one of them in another conversation."""
        found: dict[Start, list[Start]] = {}
        for contact, other in self._continues.items() if self._keys.split_off else ():
            found.setdefault(other, []).append(contact)
        return found

    def _is_linked_from_outside(self, chosen: Mapping[Start, Contact]) -> bool:
        """Return whether a person linked another contact to one of these."""
        linking = [self._by_start[start] for start in self._keys.linking if start not in chosen]
        named = {other for each in linking for piece in each.pieces for other in piece.part.links}
        return bool(named) and any(
            text_of(piece.part_id) in named or text_of(piece.part.side) in named
            for contact in chosen.values()
            for piece in contact.pieces
        )

    def _take(
        self,
        contacts: Sequence[Contact],
        gone: Iterable[Contact],
        count: int,
        by_time: Iterable[tuple[int, int]],
        added: list[Conversation],
    ) -> None:
        """Put these contacts' conversations in the place of those that they were in."""
        before = {id(found): found for each in (*gone, *contacts) if (found := self.of.get(each.start)) is not None}
        self.replaced, self.added = list(before.values()), added
        for contact in gone:
            self.of.pop(contact.start, None)
            self._continues.pop(contact.start, None)
        for contact in contacts[count:]:
            self._continues.pop(contact.start, None)
        self._continues.update((contacts[at].start, contacts[other].start) for at, other in by_time)
        self.of.update((member.start, each) for each in added for member in each.members)


def _start_of(contact: Contact) -> Start:
    return contact.start


def _not_among(contacts: Iterable[Contact], others: Iterable[Contact]) -> list[Contact]:
    known = {id(other) for other in others}
    return [contact for contact in contacts if id(contact) not in known]


def _same_where_equal(before: Iterable[Contact], after: Iterable[Contact]) -> list[Contact]:
    """Return ``after``, with the contact of ``before`` in the place of each that equals it."""
    known = {contact.start: contact for contact in before}
    return [old if (old := known.get(new.start)) is not None and _is_same(old, new) else new for new in after]


def _is_same(old: Contact, new: Contact) -> bool:
    return (
        len(old.pieces) == len(new.pieces)
        and all(one is other for one, other in zip(old.pieces, new.pieces, strict=True))
        and old.known_ids == new.known_ids
        and old.deleted == new.deleted
        and old.edits == new.edits
    )
