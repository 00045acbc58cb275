"""What joins contacts whenever it comes: people's links, continuity tokens, shared references.

Each edge is known from a time on, so that conversations can be told as they stood once
(``cx_context.threading.inferred_joins``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from cx_context.parts.places import order_of
from cx_context.parts.values import At
from cx_context.threading.contacts import Contact
from cx_context.threading.continuity_tokens import END_OF_TIME, tokens_of
from cx_context.threading.joined_sets import JoinedSets
from cx_context.threading.shared_references import Told, apply_reference, referrals_of
from cx_events.facts import Order
from cx_events.ids import text_of
from cx_events.timestamps import Micros


class EarlierJoin(NamedTuple):
    """A contact's share in an edge: since when by its own facts, and by those of the other."""

    own: Micros
    other: int
    known: Micros


class ExplicitJoins:
    """All explicit edges among a customer's contacts, which are given in order of start."""

    def __init__(self, contacts: Sequence[Contact]) -> None:
        self.contacts = contacts
        self.referrals = referrals_of(contacts)
        self.links = _links(contacts)
        self.splits = {
            place: sorted(at for piece in each.pieces if (at := piece.part.split) is not None)
            for place, each in enumerate(contacts)
            if each.part.split is not None
        }
        self.tokens = tokens_of(contacts)
        self.issues = _issues(contacts) if self.tokens else {}

    def is_split(self, place: int, until: Micros = END_OF_TIME) -> bool:
        """Whether a person split this contact off; a link by a person that is later than the split takes it back."""
        split = self.split_at(place, until) if place in self.splits else None
        if split is None:
            return False
        links = [at for piece in self.contacts[place].pieces for at in piece.part.links.values()]
        return all(at < split for at in links if at[0] <= until)

    def split_at(self, place: int, until: Micros) -> At | None:
        """The latest split of a contact up to a time."""
        return next((at for at in reversed(self.splits.get(place, ())) if at[0] <= until), None)

    def assemble(self, count: int, until: Micros, by_time: Iterable[tuple[int, int]]) -> JoinedSets:
        """The conversations of the first ``count`` contacts, by what was known at ``until``. ``by_time``: (contact,
        whom it continues)."""
        groups = JoinedSets(count, [place for place in self.splits if place < count and self.is_split(place, until)])
        self._link(groups, count, until)
        tokens = self.tokens if until == END_OF_TIME else tokens_of(self.contacts[:count], until) if self.tokens else []
        for token in tokens:
            for use in token.uses:
                if use.refused is None:
                    groups.join(token.issuer, use.contact, "token", f"token:{token.id}")
        for referral in self.referrals:
            apply_reference(groups, referral, count, until)
        for place, continued in by_time:
            groups.join(continued, place, "window", f"interaction:{self.contacts[continued].name}")
        return groups

    def _link(self, groups: JoinedSets, count: int, until: Micros) -> None:
        """People's links, the latest first, unless a later split of either end takes it back."""
        for at, place, end in self.links:
            if at[0] > until or place >= count or end >= count:
                continue
            splits = [self.split_at(each, until) for each in (place, end)]
            if all(split is None or split < at for split in splits):
                groups.take_back_split(max(place, end))
                groups.join(place, end, "person", f"{at[3]}#{at[4]}")

    @property
    def moments(self) -> list[tuple[Micros, int]]:
        """When people's decisions, or a token that was issued twice, may have parted what was joined, in order: (time,
        the last contact that must have begun)."""
        found = [(max(at[0], self._start(one), self._start(other)), max(one, other)) for at, one, other in self.links]
        found += [(max(at[0], self._start(place)), place) for place in self.splits for at in self.splits[place]]
        for id, issues in self.issues.items():
            if len(issues) > 1:
                told = [(at[0], place) for at, place, *_ in issues]
                told += [(at[0], place) for at, place in _uses(self.contacts, id)]
                found += [(max(time, self._start(place)), place) for time, place in told]
        return sorted(found)

    def parted(self, place: int) -> list[Micros]:
        """When a person split this contact off, or linked it again."""
        found = [at[0] for at in self.splits.get(place, ())]
        if found:
            found += [at[0] for piece in self.contacts[place].pieces for at in piece.part.links.values()]
        return found

    def known(self) -> list[tuple[Micros, int, int, int]]:
        """The edges that only ever join, in order of when they were known: (time, greater place, place, place)."""
        found: list[tuple[Micros, int, int, int]] = []
        for referral in self.referrals:
            for one, other in pairwise(sorted(referral.chain)):
                found.append((other[0], max(one[1], other[1]), one[1], other[1]))
            stars = [(star.known, star.one[1], star.other[1]) for star in referral.stars]
            found += [(known, max(one, other), one, other) for known, one, other in stars]
        for token in self.tokens:
            if len(self.issues[token.id]) == 1:
                for use in token.uses:
                    if use.refused is None:
                        known = max(use.at[0], token.issued[0], self._start(use.contact), self._start(token.issuer))
                        found.append((known, max(token.issuer, use.contact), token.issuer, use.contact))
        found.sort()
        return found

    def _start(self, place: int) -> Micros:
        return self.contacts[place].start[0]

    def ties(self) -> Mapping[int, Sequence[EarlierJoin]]:
        """Of each contact its shares in edges to contacts that began before."""
        found: dict[int, list[EarlierJoin]] = defaultdict(list)

        def tie(one: Told, other: Told) -> None:
            (own, place), (known, earlier) = (one, other) if one[1] > other[1] else (other, one)
            if earlier < place and known <= self._start(place):
                found[place].append(EarlierJoin(own, earlier, known))

        for referral in self.referrals:
            if referral.chain:
                first = min(referral.chain)
                for each in referral.chain:
                    if each is not first:
                        tie(each, first)
            for star in referral.stars:
                tie(star.one, star.other)
        for at, place, end in self.links:
            tie((at[0], place), (max(at[0], self._start(end)) if end > place else self._start(end), end))
        for issuer, user in self._presented():
            tie(issuer, user)
        return found

    def _presented(self) -> Iterator[tuple[Told, Told]]:
        """Of each use of a token that was in time: (the issuing contact, the using one). By what was known when the
        using contact began: one that another had used before then is none."""
        for id, issues in self.issues.items():
            uses = _uses(self.contacts, id)
            for at, user in uses:
                start = self._start(user)
                for issued, issuer, expires, single in issues:
                    before = single and any(other[0] <= start and other < at and who != user for other, who in uses)
                    if issuer != user and at[0] <= expires and not before:
                        yield (issued[0], issuer), (at[0], user)


def _links(contacts: Sequence[Contact]) -> list[tuple[At, int, int]]:
    """People's links, the latest first: (when, place, place of the other end). They name part ids, or as events of
    old do whole sides; an end that is not (or no longer) this customer's is passed over."""
    if not any(each.part.links for each in contacts):
        return []
    place = {text_of(piece.part.side): at for at, each in enumerate(contacts) for piece in each.pieces}
    place |= {text_of(part_id): at for at, each in enumerate(contacts) for _, part_id in each.part_ids}
    found: list[tuple[At, int, int]] = []
    for at, each in enumerate(contacts):
        for piece in each.pieces:
            for other, when in piece.part.links.items():
                end = place.get(other)
                if end is not None and end != at:
                    found.append((when, at, end))
    return sorted(found, reverse=True)


_Issue = tuple[Order, int, Micros, bool]
"""When a token was issued, in which contact, until when it counts, and whether for one use."""


def _issues(contacts: Sequence[Contact]) -> dict[str, list[_Issue]]:
    found: dict[str, list[_Issue]] = defaultdict(list)
    for place, each in enumerate(contacts):
        if each.part.tokens:
            for piece in each.pieces:
                for id, (at, (expires, single)) in piece.part.tokens.items():
                    found[id].append((order_of(piece.part, at), place, expires, single))
    return found


def _uses(contacts: Sequence[Contact], id: str) -> list[tuple[Order, int]]:
    found = ((each.part, place, each.part.token_uses.get(id)) for place, each in enumerate(contacts))
    return [(order_of(part, at), place) for part, place, at in found if at is not None]
