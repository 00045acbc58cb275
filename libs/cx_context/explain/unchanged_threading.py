"""Prove that leaving out an event changes no conversation, so that they need not be made anew."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from cx_context.explain.counterfactual import Counterfactual
from cx_context.explain.json_pointer import Path
from cx_context.parts.keyed_parts import KeyedPart
from cx_context.sections.contact_state import conversation_state
from cx_context.sections.conversations import CONVERSATIONS_SHOWN
from cx_context.sections.join_fields import THREADING
from cx_context.sections.proofs import CORE
from cx_context.threading.contact_model import Contact
from cx_context.threading.contacts import contacts_of
from cx_context.threading.conversations import Conversation
from cx_events.facts import Fact
from cx_events.ids import text_of
from cx_events.timestamps import END_OF_TIME, Micros

TIME_FIELDS = frozenset({"first", "last", "since", "activity", "endless_since", "first_recorded"})
_DECISIVE = (THREADING - TIME_FIELDS - {"channel", "channels"}) | CORE


class UnchangedThreading:
    """The times of all contacts, to prove that an event's absence leaves all conversations as they are.

    Most events that affect threading are activity between others of their contact, or its first or last activity, and
    only move its start or its latest activity a little. If nothing that threading compares lies in between, the
    conversations come out as before.
    """

    def __init__(self, counterfactual: Counterfactual, path: Path) -> None:
        self._counterfactual = counterfactual
        self._window = counterfactual.history.window
        contacts = counterfactual.whole.contacts
        self._starts = sorted(each.start[0] for each in contacts)
        self._times = sorted(time for each in contacts for time in _compared_times(each))
        self.is_asked = path[0] == "conversations" and len(path) > 1
        self._own = next(
            (c for c in counterfactual.whole.conversations if self.is_asked and text_of(c.id) == path[1]), None
        )
        self._of: dict[bytes, tuple[Contact, Conversation]] = {
            part_id: (member, each)
            for each in counterfactual.whole.conversations
            for member in each.members
            for _, part_id in member.part_ids
        }
        self._endless = {each.name for each in contacts if each.is_endless}
        self.crowded = len(counterfactual.whole.conversations) > CONVERSATIONS_SHOWN

    def holds_without(self, fact: Fact, changed: frozenset[str]) -> bool:
        """Return whether the asked value surely is the same without the fact."""
        was, conversation = self._of.get(fact.part_id, (None, None))
        if was is None or conversation is None or was.name in self._endless:
            return False  # of an endless interaction the other stretches may change, too
        if changed - _ACTIVITY_FIELDS and (not self.is_asked or conversation is self._own or changed & _DECISIVE):
            return False
        part = self._counterfactual.part_without(fact)
        if part is None:
            return False
        pieces = [KeyedPart(each.part_id, part if each.part_id == fact.part_id else each.part) for each in was.pieces]
        now = next(iter(contacts_of(pieces, self._window)), None)
        if now is None or _channels(now) != _channels(was) or not self._moves_past_nobody(was, now):
            return False
        if not self.crowded or not changed - _ACTIVITY_FIELDS:
            return True
        if now.last_activity > was.last_activity or "first_recorded" in changed:
            return False
        members = [member.part for member in conversation.members]
        then = [now.part if member is was else member.part for member in conversation.members]
        return conversation_state(members) == conversation_state(then)

    def _moves_past_nobody(self, was: Contact, now: Contact) -> bool:
        """Return whether every comparison that threading makes of this contact comes out the same."""
        starts, own_times, window = [was.start[0]], sorted(_compared_times(was)), self._window
        before, after = sorted((was.start[0], now.start[0]))
        if before != after and (
            _others(self._starts, starts, before, after)
            or _others(self._times, own_times, before, after)
            or _others(self._times, own_times, before - window, after - window)
        ):
            return False
        common = sorted(_activity(was) & _activity(now))
        for time in _activity(was) ^ _activity(now):
            place = bisect_left(common, time)
            last = common[place - 1] if place else before
            following = common[place] if place < len(common) else END_OF_TIME
            if _others(self._starts, starts, time, following) and (
                _others(self._times, own_times, last, time)
                or _others(self._starts, starts, last + window, time + window)
            ):
                return False
        return True


_ACTIVITY_FIELDS = frozenset({"activity"})
"""All fields that an event changes which is neither the first nor the last of its contact, apart from its words."""


def _activity(contact: Contact) -> set[Micros]:
    """Return when a contact was active, as threading takes it (``matters.ContactHistory``).

    Its start counts, whatever began it, and nothing before it does.
    """
    start = contact.start[0]
    return {start, *(time for time in contact.part.activity if time > start)}


def _compared_times(contact: Contact) -> Iterable[Micros]:
    """Yield all times of a contact that threading compares."""
    yield contact.start[0]
    yield contact.last_activity
    yield from contact.part.activity
    for piece in contact.pieces:
        part = piece.part
        for times in (part.references, part.message_times, part.quote_times):
            yield from times.values()
        yield from (at[0] for at, _ in part.topics)
        yield from (at[0] for at, _ in part.tokens.values())
        for each in (part.links, part.token_uses):
            yield from (at[0] for at in each.values())
        if part.resolution is not None:
            yield part.resolution[0][0]
        for at in (part.reopened_at, part.split_at):
            if at is not None:
                yield at[0]


def _channels(contact: Contact) -> tuple[str | None, bool]:
    """Return the contact's channel, and whether it is a call."""
    part = contact.part
    return part.channel[1] if part.channel is not None else None, "voice" in part.channels


def _others(times: Sequence[Micros], own: Sequence[Micros], low: Micros, high: Micros) -> bool:
    """Return whether any time of another contact lies within. ``times``: of all."""

    def within(some: Sequence[Micros]) -> int:
        return bisect_right(some, high) - bisect_left(some, low)

    return within(times) > within(own)
