"""References that several contacts of one customer share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from cx_context.parts.values import hash_name, shorten_name
from cx_context.threading.contacts import Contact, contacts_by_name, latest_at
from cx_context.threading.continuity_tokens import END_OF_TIME
from cx_context.threading.joined_sets import JoinedSets
from cx_events.timestamps import Micros

MATTER_KINDS = frozenset({"order", "case"})
"""References that name what the contact is about; the others name what it answers."""

Told = tuple[Micros, int]
"""Since when a contact is known to have a share in an edge, and its place."""


class Star(NamedTuple):
    """An edge between two contacts alone: the time and place of each."""

    one: Told
    other: Told

    @property
    def known(self) -> Micros:
        return max(self.one[0], self.other[0])


class Referral(NamedTuple):
    """What one reference joins: all of a ``chain``, which is in order of place, and the ``stars``."""

    kind: str
    value: str
    chain: Sequence[Told]
    stars: Sequence[Star] = ()


def referrals_of(contacts: Sequence[Contact]) -> list[Referral]:
    """The references that more than one contact has a share in, in order of kind and value."""
    holders: dict[str, list[Told]] = defaultdict(list)
    quotes = endless = False
    for place, each in enumerate(contacts):
        part = each.part
        if part.references:
            start = each.start[0]
            for key, time in part.references.items():
                holders[key].append((time if time > start else start, place))
        if "voice" in part.channels:
            for name in _names_of_call(each.name):
                of = holders[f"call\n{name}"]
                if of and of[-1][1] == place:
                    of.pop()
                of.append((each.start[0], place))
        if part.endless is not None:
            endless = True
            quotes = quotes or bool(part.quoted)
    by_name = any(key.startswith("interaction\n") for key in holders)
    found: list[Referral] = []
    names = contacts_by_name(contacts) if by_name or quotes else {}
    briefs = {shorten_name(name): places for name, places in names.items()} if by_name else {}
    for key, chain in holders.items():
        kind, _, value = key.partition("\n")
        if kind == "interaction":
            found.append(_by_name(value, chain, briefs.get(value, ()), contacts))
        elif kind == "thread" and endless:
            found.append(_by_thread(value, chain, contacts))
        elif len(chain) > 1:
            found.append(Referral(kind, value, chain))
    if quotes:
        found += _quotes(names, contacts)
    return sorted(each for each in found if len(each.chain) > 1 or each.stars)


def _by_name(value: str, chain: Sequence[Told], places: Sequence[int], contacts: Sequence[Contact]) -> Referral:
    """Whoever refers to an interaction by its name: to its contact that was latest then, else to the first."""
    if not places:
        return Referral("interaction", value, chain)
    first = places[0]
    early = [each for each in chain if each[1] < first]
    stars = []
    for each in chain:
        if each[1] > first and each[1] not in places:
            named = latest_at(places, contacts[each[1]].start, contacts)
            stars.append(Star(each, (contacts[named].start[0], named)))
    return Referral("interaction", value, [*early, (contacts[first].start[0], first)], stars)


def _by_thread(value: str, chain: Sequence[Told], contacts: Sequence[Contact]) -> Referral:
    """A thread's id may stand on every message of an endless interaction, so it doesn't join that one's stretches to
    each other: of each such interaction it means the stretch that was latest when the other contact began."""
    endless: dict[str, list[int]] = defaultdict(list)
    told = {place: each for each in chain for place in each[1:]}
    for _, place in chain:
        if contacts[place].is_endless:
            endless[contacts[place].name].append(place)
    plain = [each for each in chain if not contacts[each[1]].is_endless]
    stars: list[Star] = []
    for number, name in enumerate(sorted(endless)):
        others = [*plain, *(told[place] for other in sorted(endless)[:number] for place in endless[other])]
        meant = [told[latest_at(endless[name], contacts[place].start, contacts)] for _, place in others]
        stars += [Star(each, stretch) for each, stretch in zip(others, meant, strict=True)]
    return Referral("thread", value, plain, stars)


def _quotes(names: Mapping[str, Sequence[int]], contacts: Sequence[Contact]) -> Iterator[Referral]:
    """Messages of one stretch that quote a message of another."""
    for places in names.values():
        if len(places) < 2 or not any(contacts[place].part.quoted for place in places):
            continue
        written: dict[str, Told] = {}
        for place in places:
            for piece in contacts[place].pieces:
                for key, time in piece.part.written.items():
                    written[key] = min((time, place), written.get(key, (time, place)))
        for place in places:
            for id, time in contacts[place].part.quoted.items():
                own = written.get(hash_name(id))
                if own is not None and own[1] != place:
                    yield Referral("message", id, [], [Star((time, place), own)])


def _names_of_call(interaction: str) -> Iterable[str]:
    """By what other legs may refer to this one: its id, also as the provider alone writes it."""
    yield shorten_name(interaction)
    _, slash, bare = interaction.partition("/")
    if slash and bare:
        yield shorten_name(bare)


def apply_reference(groups: JoinedSets, referral: Referral, count: int, until: Micros) -> None:
    kind, value, chain, stars = referral
    rule = "matter" if kind in MATTER_KINDS else "token" if kind == "token" else "reference"
    evidence = f"{kind}:{value}"
    if until != END_OF_TIME:
        chain = [each for each in chain if each[0] <= until and each[1] < count]
        stars = [star for star in stars if star.known <= until and max(star.one[1], star.other[1]) < count]
    for (_, earlier), (_, place) in pairwise(chain):
        groups.join(earlier, place, rule, evidence)
    for star in stars:
        groups.join(star.other[1], star.one[1], rule, evidence)
