"""Find references that several of a customer's contacts share: message ids, threads, calls, orders, cases.

References are symmetric: a reply that arrives before its parent joins it all the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from cx_context.parts.values import hash_name, shorten_name
from cx_context.threading.contact_model import Contact, contacts_by_name, latest_contact_at
from cx_context.threading.joined_sets import JoinedSets
from cx_events.timestamps import END_OF_TIME, Micros

MATTER_KINDS = frozenset({"order", "case"})
"""Kinds of reference that name what a contact is about; the others name what it answers."""

KnownContact = tuple[Micros, int]
"""(since when a contact is known to share a reference, its place among the customer's contacts)."""


class PairJoin(NamedTuple):
    """A join of two contacts alone: since when each is known to share the reference, and its place."""

    one: KnownContact
    other: KnownContact

    @property
    def known(self) -> Micros:
        """When both are known."""
        return max(self.one[0], self.other[0])


class SharedReference(NamedTuple):
    """The contacts that one reference joins: all of ``chain``, in order of place, and the two of each of ``pairs``."""

    kind: str
    value: str
    chain: Sequence[KnownContact]
    pairs: Sequence[PairJoin] = ()


def shared_references_of(contacts: Sequence[Contact]) -> list[SharedReference]:
    """Return the references that more than one contact shares, in order of kind and value."""
    holders: dict[str, list[KnownContact]] = defaultdict(list)
    quotes = endless = False
    for place, each in enumerate(contacts):
        part = each.part
        if part.references:
            start = each.start[0]
            for key, time in part.references.items():
                holders[key].append((time if time > start else start, place))
        if "voice" in part.channels:
            for name in names_of_call(each.name):
                of = holders[f"call\n{name}"]
                if of and of[-1][1] == place:
                    of.pop()
                of.append((each.start[0], place))
        if part.endless_since is not None:
            endless = True
            quotes = quotes or bool(part.quote_times)
    by_name = any(key.startswith("interaction\n") for key in holders)
    references: list[SharedReference] = []
    names = contacts_by_name(contacts) if by_name or quotes else {}
    briefs = {shorten_name(name): places for name, places in names.items()} if by_name else {}
    for key, chain in holders.items():
        kind, _, value = key.partition("\n")
        if kind == "interaction":
            references.append(_by_name(value, chain, briefs.get(value, ()), contacts))
        elif kind == "thread" and endless:
            references.append(_by_thread(value, chain, contacts))
        elif len(chain) > 1:
            references.append(SharedReference(kind, value, chain))
    if quotes:
        references += _quotes(names, contacts)
    return sorted(each for each in references if len(each.chain) > 1 or each.pairs)


def _by_name(
    value: str, chain: Sequence[KnownContact], places: Sequence[int], contacts: Sequence[Contact]
) -> SharedReference:
    """Join the contacts that refer to an interaction by its name, each to the interaction's contact that was latest
    then.

    Those that began before all of its contacts are joined to the first.
    """
    if not places:
        return SharedReference("interaction", value, chain)
    first = places[0]
    early = [each for each in chain if each[1] < first]
    pairs = []
    for each in chain:
        if each[1] > first and each[1] not in places:
            named = latest_contact_at(places, contacts[each[1]].start, contacts)
            pairs.append(PairJoin(each, (contacts[named].start[0], named)))
    return SharedReference("interaction", value, [*early, (contacts[first].start[0], first)], pairs)


def _by_thread(value: str, chain: Sequence[KnownContact], contacts: Sequence[Contact]) -> SharedReference:
    """Join the contacts that name a thread's id.

    The id may stand on every message of an endless interaction, so it must not join that interaction's stretches to
    each other. Of each such interaction it means the stretch that was latest when the other contact began.
    """
    endless: dict[str, list[int]] = defaultdict(list)
    known = {place: each for each in chain for place in each[1:]}
    for _, place in chain:
        if contacts[place].is_endless:
            endless[contacts[place].name].append(place)
    plain = [each for each in chain if not contacts[each[1]].is_endless]
    pairs: list[PairJoin] = []
    for number, name in enumerate(sorted(endless)):
        others = [*plain, *(known[place] for other in sorted(endless)[:number] for place in endless[other])]
        meant = [known[latest_contact_at(endless[name], contacts[place].start, contacts)] for _, place in others]
        pairs += [PairJoin(each, stretch) for each, stretch in zip(others, meant, strict=True)]
    return SharedReference("thread", value, plain, pairs)


def _quotes(names: Mapping[str, Sequence[int]], contacts: Sequence[Contact]) -> Iterator[SharedReference]:
    """Yield the joins of a message in one stretch that quotes a message of another."""
    for places in names.values():
        if len(places) < 2 or not any(contacts[place].part.quote_times for place in places):
            continue
        written: dict[str, KnownContact] = {}
        for place in places:
            for piece in contacts[place].pieces:
                for key, time in piece.part.message_times.items():
                    written[key] = min((time, place), written.get(key, (time, place)))
        for place in places:
            for id, time in contacts[place].part.quote_times.items():
                own = written.get(hash_name(id))
                if own is not None and own[1] != place:
                    yield SharedReference("message", id, [], [PairJoin((time, place), own)])


def names_of_call(interaction: str) -> Iterable[str]:
    """Yield the values by which other legs may refer to this call: its id, also without the connection's name."""
    yield shorten_name(interaction)
    _, slash, bare = interaction.partition("/")
    if slash and bare:
        yield shorten_name(bare)


def apply_reference(groups: JoinedSets, referral: SharedReference, count: int, until: Micros) -> None:
    """Join the contacts that share a reference, by what was known at ``until`` of the first ``count`` contacts."""
    kind, value, chain, pairs = referral
    rule = "matter" if kind in MATTER_KINDS else "token" if kind == "token" else "reference"
    evidence = f"{kind}:{value}"
    if until != END_OF_TIME:
        chain = [each for each in chain if each[0] <= until and each[1] < count]
        pairs = [pair for pair in pairs if pair.known <= until and max(pair.one[1], pair.other[1]) < count]
    for (_, earlier), (_, place) in pairwise(chain):
        groups.join(earlier, place, rule, evidence)
    for pair in pairs:
        groups.join(pair.other[1], pair.one[1], rule, evidence)
