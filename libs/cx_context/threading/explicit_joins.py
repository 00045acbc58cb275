"""Find explicit joins: people's links, continuity tokens and shared references. They join whenever they come.

Each join is known from a time on, so that conversations can be told as they stood at that time (``inferred_joins``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from cx_context.parts.keyed_parts import order_of
from cx_context.parts.values import At
from cx_context.threading.contact_model import Contact
from cx_context.threading.continuity_tokens import tokens_of
from cx_context.threading.joined_sets import JoinedSets
from cx_context.threading.shared_references import KnownContact, apply_reference, shared_references_of
from cx_events.facts import Order
from cx_events.ids import text_of
from cx_events.timestamps import END_OF_TIME, Micros


class EarlierJoin(NamedTuple):
    """A contact's join to one that began before it, at place ``other``.

    ``own`` is when the contact's own facts say so, ``known`` when the facts of the other do.
    """

    own: Micros
    other: int
    known: Micros


class ExplicitJoins:
    """All explicit joins among a customer's contacts, which must be in order of start."""

    def __init__(self, contacts: Sequence[Contact]) -> None:
        self.contacts = contacts
        self.references = shared_references_of(contacts)
        self.links = _links(contacts)
        self.splits = {
            place: sorted(at for piece in each.pieces if (at := piece.part.split_at) is not None)
            for place, each in enumerate(contacts)
            if each.part.split_at is not None
        }
        self.tokens = tokens_of(contacts)
        self.issues = _issues(contacts) if self.tokens else {}

    def is_split(self, place: int, until: Micros = END_OF_TIME) -> bool:
        """Return whether a person split this contact off. A later link by a person takes the split back."""
        split = self.split_at(place, until) if place in self.splits else None
        if split is None:
            return False
        links = [at for piece in self.contacts[place].pieces for at in piece.part.links.values()]
        return all(at < split for at in links if at[0] <= until)

    def split_at(self, place: int, until: Micros) -> At | None:
        """Return the latest split of a contact up to a time."""
        return next((at for at in reversed(self.splits.get(place, ())) if at[0] <= until), None)

    def assemble(self, count: int, until: Micros, by_time: Iterable[tuple[int, int]]) -> JoinedSets:
        """Join the first ``count`` contacts into conversations, by what was known at ``until``.

        ``by_time`` has (contact, the contact that it continues), as ``inferred_joins`` found them.
        """
        groups = JoinedSets(count, [place for place in self.splits if place < count and self.is_split(place, until)])
        self._link(groups, count, until)
        tokens = self.tokens if until == END_OF_TIME else tokens_of(self.contacts[:count], until) if self.tokens else []
        for token in tokens:
            for use in token.uses:
                if use.refused is None:
                    groups.join(token.issuer, use.contact, "token", f"token:{token.id}")
        for reference in self.references:
            apply_reference(groups, reference, count, until)
        for place, continued in by_time:
            groups.join(continued, place, "window", f"interaction:{self.contacts[continued].name}")
        return groups

    def _link(self, groups: JoinedSets, count: int, until: Micros) -> None:
        for at, place, end in self.standing_links(count, until):
            groups.take_back_split(max(place, end))
            groups.join(place, end, "person", f"{at[3]}#{at[4]}")

    def standing_links(self, count: int, until: Micros) -> Iterator[tuple[At, int, int]]:
        """Yield people's links among the first ``count`` contacts that stand at a time, latest first.

        A later split of either end takes a link back.
        """
        for at, place, end in self.links:
            if at[0] > until or place >= count or end >= count:
                continue
            splits = [self.split_at(each, until) for each in (place, end)]
            if all(split is None or split < at for split in splits):
                yield at, place, end

    @property
    def parting_times(self) -> list[tuple[Micros, int]]:
        """When decisions, or a token issued twice, may have parted what was joined, in order.

        Each is (time, the last contact that must have begun).
        """
        times = [(max(at[0], self._start(one), self._start(other)), max(one, other)) for at, one, other in self.links]
        times += [(max(at[0], self._start(place)), place) for place in self.splits for at in self.splits[place]]
        for id, issues in self.issues.items():
            if len(issues) > 1:
                named = [(at[0], place) for at, place, *_ in issues]
                named += [(at[0], place) for at, place in _uses(self.contacts, id)]
                times += [(max(time, self._start(place)), place) for time, place in named]
        return sorted(times)

    def decision_times(self, place: int) -> list[Micros]:
        """Return when a person split this contact off, and when it was linked again."""
        times = [at[0] for at in self.splits.get(place, ())]
        if times:
            times += [at[0] for piece in self.contacts[place].pieces for at in piece.part.links.values()]
        return times

    def lasting_joins(self) -> list[tuple[Micros, int, int, int]]:
        """Return the joins that nothing can part, as (time known, greater place, place, place), in order."""
        joins: list[tuple[Micros, int, int, int]] = []
        for reference in self.references:
            for one, other in pairwise(sorted(reference.chain)):
                joins.append((other[0], max(one[1], other[1]), one[1], other[1]))
            pairs = [(pair.known, pair.one[1], pair.other[1]) for pair in reference.pairs]
            joins += [(known, max(one, other), one, other) for known, one, other in pairs]
        for token in self.tokens:
            if len(self.issues[token.id]) == 1:
                for use in token.uses:
                    if use.refused is None:
                        known = max(use.at[0], token.issued[0], self._start(use.contact), self._start(token.issuer))
                        joins.append((known, max(token.issuer, use.contact), token.issuer, use.contact))
        joins.sort()
        return joins

    def _start(self, place: int) -> Micros:
        return self.contacts[place].start[0]

    def earlier_joins(self) -> Mapping[int, Sequence[EarlierJoin]]:
        """Return each contact's joins to contacts that began before it."""
        joins: dict[int, list[EarlierJoin]] = defaultdict(list)

        def add(one: KnownContact, other: KnownContact) -> None:
            (own, place), (known, earlier) = (one, other) if one[1] > other[1] else (other, one)
            if earlier < place and known <= self._start(place):
                joins[place].append(EarlierJoin(own, earlier, known))

        for reference in self.references:
            if reference.chain:
                first = min(reference.chain)
                for each in reference.chain:
                    if each is not first:
                        add(each, first)
            for pair in reference.pairs:
                add(pair.one, pair.other)
        for at, place, end in self.links:
            add((at[0], place), (max(at[0], self._start(end)) if end > place else self._start(end), end))
        for issuer, user in self._presented():
            add(issuer, user)
        return joins

    def _presented(self) -> Iterator[tuple[KnownContact, KnownContact]]:
        """Yield (issuing contact, using contact) of each use of a token that was in time.

        Only what was known when the using contact began counts: a use that another contact had made before then is
        none.
        """
        for id, issues in self.issues.items():
            uses = _uses(self.contacts, id)
            for at, user in uses:
                start = self._start(user)
                for issued, issuer, expires, single in issues:
                    before = single and any(other[0] <= start and other < at and who != user for other, who in uses)
                    if issuer != user and at[0] <= expires and not before:
                        yield (issued[0], issuer), (at[0], user)


def _links(contacts: Sequence[Contact]) -> list[tuple[At, int, int]]:
    """Return people's links, latest first, as (when, place, place of the other end).

    They name part ids, or in old events whole sides. An end that is not (or no longer) this customer's is skipped.
    """
    if not any(each.part.links for each in contacts):
        return []
    place = {text_of(piece.part.side): at for at, each in enumerate(contacts) for piece in each.pieces}
    place |= {text_of(part_id): at for at, each in enumerate(contacts) for _, part_id in each.part_ids}
    links: list[tuple[At, int, int]] = []
    for at, each in enumerate(contacts):
        for piece in each.pieces:
            for other, when in piece.part.links.items():
                end = place.get(other)
                if end is not None and end != at:
                    links.append((when, at, end))
    return sorted(links, reverse=True)


_Issue = tuple[Order, int, Micros, bool]
"""(when a token was issued, place of the contact, when it expires, whether it serves one use)."""


def _issues(contacts: Sequence[Contact]) -> dict[str, list[_Issue]]:
    issues: dict[str, list[_Issue]] = defaultdict(list)
    for place, each in enumerate(contacts):
        if each.part.tokens:
            for piece in each.pieces:
                for id, (at, (expires, single)) in piece.part.tokens.items():
                    issues[id].append((order_of(piece.part, at), place, expires, single))
    return issues


def _uses(contacts: Sequence[Contact], id: str) -> list[tuple[Order, int]]:
    uses = ((each.part, place, each.part.token_uses.get(id)) for place, each in enumerate(contacts))
    return [(order_of(part, at), place) for part, place, at in uses if at is not None]
