"""Keep a customer's parts, contacts and conversations up to date as parts change."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from operator import itemgetter

from cx_context.incremental.conversations import KeptThreads
from cx_context.incremental.groups import Groups
from cx_context.parts.keyed_parts import KeyedPart
from cx_context.parts.model import Part
from cx_context.sections.section_inputs import active_last_first, is_open, is_waiting
from cx_context.threading.contact_model import Contact
from cx_context.threading.conversations import Conversation
from cx_events.timestamps import Micros

_first = itemgetter(0)
_Rank = tuple[bool, Micros, bytes]
"""(whether it is resolved, less when it was active last, id): conversations are shown in this order."""


class KeptCustomer:
    """Everything that depends on parts alone. ``window``: the tenant's threading window in µs."""

    def __init__(self, window: Micros) -> None:
        self.parts: Groups[Part] = Groups()
        self.contacts: Groups[Contact] = Groups()
        self.threads = KeptThreads(window)
        self._pieces: dict[str, dict[bytes, KeyedPart]] = {}
        self._interaction_of: dict[bytes, str] = {}
        self._ranked: list[_Rank] = []
        self._conversations: list[Conversation] = []
        self._waiting: set[bytes] = set()

    def change(self, parts: Iterable[KeyedPart], gone: Collection[bytes] = ()) -> None:
        """Take parts that are new or changed, and leave out those that are gone, by part id."""
        touched: set[str] = set()
        for part_id in gone:
            name = self._interaction_of.pop(part_id)
            del self._pieces[name][part_id]
            touched.add(name)
        for keyed in parts:
            name = keyed.part.interaction
            self._interaction_of[keyed.part_id] = name
            self._pieces.setdefault(name, {})[keyed.part_id] = keyed
            touched.add(name)
        pieces = {name: self._pieces[name].values() for name in touched}
        for name, found in pieces.items():
            self.parts.put(name, [keyed.part for keyed in found])
            if not found:
                del self._pieces[name]
        self.threads.change(pieces)
        for name in touched:
            self.contacts.put(name, self.threads.by_name.get(name, ()))
        self._rank()

    @property
    def conversations(self) -> Sequence[Conversation]:
        """All conversations: the open ones first, and of these as of the others those active last first."""
        return self._conversations

    @property
    def open_count(self) -> int:
        """Return how many conversations are open."""
        return bisect_left(self._ranked, (True,))

    def is_waiting(self, conversation: Conversation) -> bool:
        """Return whether the customer waits in one of a conversation's contacts."""
        return conversation.id in self._waiting

    def _rank(self) -> None:
        """Put conversations that are new in the place of those that are gone."""
        replaced, added = self.threads.replaced, self.threads.added
        self._waiting.difference_update([each.id for each in replaced])
        self._waiting.update(each.id for each in added if is_waiting(each))
        if len(added) + len(replaced) > len(self._ranked) // 4:
            kept = {id(each) for each in replaced}
            some = [*(each for each in self._conversations if id(each) not in kept), *added]
            ranked = sorted([(_rank_of(each), each) for each in some], key=_first)
            self._ranked = [rank for rank, _ in ranked]
            self._conversations = [each for _, each in ranked]
            return
        for each in replaced:
            place = bisect_left(self._ranked, _rank_of(each))
            del self._ranked[place], self._conversations[place]
        for each in added:
            place = bisect_left(self._ranked, _rank_of(each))
            self._ranked.insert(place, _rank_of(each))
            self._conversations.insert(place, each)


def _rank_of(conversation: Conversation) -> _Rank:
    return (not is_open(conversation), *active_last_first(conversation))
