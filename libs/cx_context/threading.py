"""Interactions into conversations, inside one customer.

Pure, and a function of the set: neither order of arrival nor clocks matter. Edges, strongest first:

1. a person's link (``cx.conversation.linked``): always, unless a later split of either end;
2. a continuity token of ours, issued for one interaction and presented in another, as ``cx_context.tokens`` judges it;
3. a shared reference: a message id, a provider's thread, a call, an order or case number, a token of other software.
   Symmetric, so a reply that arrives before its parent joins it all the same. A call is referred to by the id of its
   interaction, with or without the connection's name before it;
4. the same matter within the tenant's window: from a conversation's last activity, or from when it was resolved or
   opened again, to the interaction's start. Two matters are the same unless both are named (order or case numbers, or
   topics) and differ.

A split is a property of an interaction: it begins a conversation, so no rule joins it to anything that started before,
nor does anything else bridge it back; a later link by a person does. An interaction joins whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple

from msgspec import Struct

from cx_context.combine import brief, combine, later_register
from cx_context.model import At, Part
from cx_context.tokens import Token, tokens_of
from cx_events.ids import text_of
from cx_events.timestamps import Micros

MATTER_KINDS = frozenset({"order", "case"})
"""References that name what the contact is about; the others name what it answers."""

LOOK_BACK = 16
"""How many of the latest conversations a new interaction may continue by time."""

CONFIDENCE = {"person": 100, "token": 98, "reference": 95, "matter": 85, "window": 60}
"""In hundredths: how sure a rule makes us."""


class AnchoredPart(NamedTuple):
    """A part and the anchor that it is stored under: the id of one home's side of an interaction."""

    anchor: bytes
    part: Part


class Interaction(Struct, gc=False):
    """All of a customer's parts of one interaction, combined. ``attended_until``: its end as the window counts it: who
    comes back soon after a matter was settled comes back to it, however long the settling took."""

    name: str
    part: Part
    anchors: list[tuple[Micros, bytes]]
    start: tuple[Micros, str]
    last_activity: Micros
    attended_until: Micros


class Joined(NamedTuple):
    """Why an interaction is in its conversation. ``evidence``: the reference, decision or interaction that joins it."""

    interaction: str
    rule: str
    evidence: str
    confidence: int


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token that was issued for a conversation. ``users``: the names of the interactions of its uses."""

    token: Token
    users: tuple[str, ...]


Edges = Mapping[int, Sequence[tuple[int, str, str]]]
"""Of an interaction (its place among the customer's) those that a rule joins it to: (place, rule, evidence)."""


class Conversation(Struct, gc=False):
    """``id``: the earliest-recorded anchor. ``members`` in order of their start, at these ``places``. ``tokens``:
    issued for one of them, in order of issue.

    Of thousands a few are shown: what only showing them needs is worked out when it is asked for."""

    id: bytes
    members: list[Interaction]
    places: Sequence[int]
    edges: Edges
    tokens: list[IssuedToken] = []

    @property
    def last_activity(self) -> Micros:
        return max([member.last_activity for member in self.members])

    @property
    def aliases(self) -> list[bytes]:
        """The other anchors."""
        return sorted(anchor for member in self.members for _, anchor in member.anchors if anchor != self.id)

    @property
    def joined(self) -> list[Joined]:
        """Of each member why it is in it."""
        names = {place: member.name for place, member in zip(self.places, self.members, strict=True)}
        first = self.places[0]
        found = {first: Joined(names[first], "first", "", 100)}
        reached = [first]
        for place in reached:
            for other, rule, evidence in self.edges.get(place, ()):
                if other not in found:
                    found[other] = Joined(names[other], rule, evidence, CONFIDENCE[rule])
                    reached.append(other)
        return [found[place] for place in self.places]


def interactions_of(parts: Iterable[AnchoredPart]) -> list[Interaction]:
    """Parts grouped by interaction, in order of start; parts outside any interaction are left out.

    A part of decisions alone (its interaction's events are another customer's, or not here yet) is no interaction.
    """
    groups: dict[str, list[AnchoredPart]] = {}
    for anchored in parts:
        name = anchored.part.interaction
        if name in groups:
            groups[name].append(anchored)
        elif name:
            groups[name] = [anchored]
    found = []
    for name, group in groups.items():
        part = group[0].part if len(group) == 1 else combine(anchored.part for anchored in group)
        first = part.first
        if first is not None:
            anchors = [(anchored.part.first_recorded, anchored.anchor) for anchored in group]
            if len(anchors) > 1:
                anchors.sort()
            until = last = part.last[0] if part.last is not None else first[0]
            if part.resolved is not None:
                until = max(until, part.resolved[0][0])
            if part.reopened is not None:
                until = max(until, part.reopened[0])
            found.append(Interaction(name, part, anchors, (first[0], name), last, until))
    found.sort(key=_BY_START)
    return found


_BY_START = attrgetter("start")


def thread(interactions: Sequence[Interaction], window: Micros) -> list[Conversation]:
    """The conversations of one customer, in order of their first interaction. ``interactions`` as given by
    ``interactions_of``."""
    groups = _Groups(interactions)
    tokens = tokens_of(interactions)
    _link_by_person(interactions, groups)
    _join_by_token(tokens, groups)
    _join_by_reference(interactions, groups)
    _join_by_time(interactions, groups, window)
    found = [_conversation(interactions, members, groups) for members in groups.all()]
    if tokens:
        _tell_tokens(interactions, tokens, found)
    return found


class _Group:
    """Interactions found to be one conversation, by their indexes, and what deciding about them needs, kept as sums: a
    customer with ten thousand contacts is threaded in one pass. ``latest``: (last activity, index), and ``until``:
    when it was last attended to, over the members that ``_join_by_time`` has come to."""

    __slots__ = ("first", "latest", "members", "numbers", "splits", "topic", "until")

    def __init__(self, index: int, part: Part) -> None:
        self.members = [index]
        self.first = index
        self.latest: tuple[Micros, int] = _NEVER
        self.until: Micros = _NEVER[0]
        self.splits = 0 if part.split is None else int(_is_split(part))
        self.numbers = {reference for reference in part.references if reference[0] in MATTER_KINDS}
        self.topic = part.topic

    def absorb(self, other: _Group) -> None:
        self.members += other.members
        self.first = min(self.first, other.first)
        self.latest = max(self.latest, other.latest)
        self.until = max(self.until, other.until)
        self.splits += other.splits
        if len(self.numbers) < len(other.numbers):
            self.numbers, other.numbers = other.numbers, self.numbers
        self.numbers |= other.numbers
        if other.topic is not None:
            self.topic = later_register(self.topic, other.topic)

    def reach(self, index: int, interaction: Interaction) -> None:
        """Deciding by time has come to this member."""
        latest = (interaction.last_activity, index)
        self.latest = max(self.latest, latest)
        self.until = max(self.until, interaction.attended_until)

    def same_topic(self, other: _Group) -> bool:
        """What tells two matters apart where not both have numbers."""
        if self.topic is None or other.topic is None:
            return True
        one, another = self.topic[1].casefold(), other.topic[1].casefold()
        return not one or not another or one == another


_NEVER = (-(1 << 63), -1)


class _Groups:
    """The conversations as they grow; a split interaction is refused a place behind an earlier one."""

    def __init__(self, interactions: Sequence[Interaction]) -> None:
        self.of = [_Group(index, each.part) for index, each in enumerate(interactions)]
        self.edges: dict[int, list[tuple[int, str, str]]] = defaultdict(list)
        self.splits = {index for index, group in enumerate(self.of) if group.splits}

    def take_back_split(self, index: int) -> None:
        if index in self.splits:
            self.splits.remove(index)
            self.of[index].splits -= 1

    def join(self, one: int, other: int, rule: str, evidence: str) -> bool:
        a, b = self.of[one], self.of[other]
        if a is b:
            return False
        splits = a.splits + b.splits
        if splits and splits > (min(a.first, b.first) in self.splits):
            return False
        if len(a.members) < len(b.members):
            a, b = b, a
        for member in b.members:
            self.of[member] = a
        a.absorb(b)
        self.edges[one].append((other, rule, evidence))
        self.edges[other].append((one, rule, evidence))
        return True

    def all(self) -> list[list[int]]:
        return [sorted(group.members) for index, group in enumerate(self.of) if group.first == index]


def _is_split(part: Part) -> bool:
    """A link by a person that is later than the split takes it back."""
    return part.split is not None and all(at < part.split for at in part.links.values())


def _link_by_person(interactions: Sequence[Interaction], groups: _Groups) -> None:
    """Links name anchors. An end that is not (or no longer) this customer's is passed over."""
    if not any(each.part.links for each in interactions):
        return
    place = {text_of(anchor): index for index, each in enumerate(interactions) for _, anchor in each.anchors}
    links: list[tuple[At, int, int]] = []
    for index, each in enumerate(interactions):
        for other, at in each.part.links.items():
            end = place.get(other)
            if end is None or end == index:
                continue
            split = max((s for s in (each.part.split, interactions[end].part.split) if s is not None), default=None)
            if split is None or split < at:
                links.append((at, index, end))
    for at, index, end in sorted(links, reverse=True):
        groups.take_back_split(max(index, end))
        groups.join(index, end, "person", f"{at[3]}#{at[4]}")


def _join_by_token(tokens: Iterable[Token], groups: _Groups) -> None:
    for token in tokens:
        for use in token.uses:
            if use.refused is None:
                groups.join(token.issuer, use.interaction, "token", f"token:{token.id}")


def _tell_tokens(
    interactions: Sequence[Interaction], tokens: Iterable[Token], conversations: Iterable[Conversation]
) -> None:
    own = {member.name: conversation for conversation in conversations for member in conversation.members}
    for token in tokens:
        users = tuple(interactions[use.interaction].name for use in token.uses)
        own[interactions[token.issuer].name].tokens.append(IssuedToken(token, users))


def _join_by_reference(interactions: Sequence[Interaction], groups: _Groups) -> None:
    holders: dict[tuple[str, str], list[int]] = defaultdict(list)
    by_name = False
    for index, each in enumerate(interactions):
        for reference in each.part.references:
            holders[reference].append(index)
            if reference[0] == "interaction":
                by_name = True
        if each.part.channel is not None and each.part.channel[1] == "voice":
            for name in _names_of_call(each.name):
                if holders["call", name][-1:] != [index]:
                    holders["call", name].append(index)
    if by_name:  # mostly nobody refers to an interaction by its name, and then it need not be held
        for index, each in enumerate(interactions):
            holders["interaction", brief(each.name)].append(index)
    for (kind, value), indexes in sorted(held for held in holders.items() if len(held[1]) > 1):
        for earlier, index in pairwise(sorted(indexes) if kind == "interaction" else indexes):
            groups.join(earlier, index, _rule(kind), f"{kind}:{value}")


def _names_of_call(interaction: str) -> Iterable[str]:
    """By what other legs may refer to this one: its id, also as the provider alone writes it."""
    yield brief(interaction)
    _, slash, bare = interaction.partition("/")
    if slash and bare:
        yield brief(bare)


def _rule(kind: str) -> str:
    return "matter" if kind in MATTER_KINDS else "token" if kind == "token" else "reference"


def _join_by_time(interactions: Sequence[Interaction], groups: _Groups, window: Micros) -> None:
    """Each interaction may continue the conversation that was active last before it and has the same matter."""
    recent: list[_Group] = []
    for index, each in enumerate(interactions):
        own = groups.of[index]
        if recent and recent[0] is own:  # and stays the latest
            own.reach(index, each)
            continue
        since = each.start[0] - window
        numbers = own.numbers
        for group in recent:
            if group is own:
                break
            if group.until < since:
                continue
            if numbers and group.numbers:
                if numbers.isdisjoint(group.numbers):
                    continue
            elif not group.same_topic(own):
                continue
            member = group.latest[1]
            if groups.join(member, index, "window", f"interaction:{interactions[member].name}"):
                break
        own = groups.of[index]
        own.reach(index, each)
        # Those that stay are in order still; one that another took in is its group's no more.
        recent = [group for group in recent if group is not own and groups.of[group.first] is group]
        place = next((at for at, group in enumerate(recent) if group.latest < own.latest), len(recent))
        recent.insert(place, own)
        del recent[LOOK_BACK:]


def _conversation(interactions: Sequence[Interaction], places: list[int], groups: _Groups) -> Conversation:
    members = [interactions[place] for place in places]
    return Conversation(min([member.anchors[0] for member in members])[1], members, places, groups.edges)


def conversation_with(conversations: Iterable[Conversation], anchor: bytes) -> Conversation | None:
    """The conversation that an anchor names, by its id or an alias."""
    for conversation in conversations:
        if any(anchor == own for member in conversation.members for _, own in member.anchors):
            return conversation
    return None


def anchors_by_interaction(conversation: Conversation) -> Mapping[str, bytes]:
    """Of each member the anchor that was recorded first."""
    return {member.name: member.anchors[0][1] for member in conversation.members}
