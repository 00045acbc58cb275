"""Random histories of identity for property tests: dense small graphs, so that the guards get in each other's way.

A history is a list of steps, each what one event would say; its order is the order of arrival, which must not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import combinations

from hypothesis import strategies as st

from cx_events.envelope import Weight
from cx_events.ids import event_key
from cx_events.weights import weaker
from cx_identity.model import (
    STRONG_KINDS,
    Decision,
    DecisionKind,
    Edge,
    Graph,
    Profile,
    WeightedEvidence,
    make_edge,
    sum_edges,
    sum_profiles,
)
from cx_identity.rules import Rules

SOURCE = "//acme.example/crm"
KINDS = ("crm", "account", "email", "email", "phone", "phone", "cookie")
WEIGHTS: tuple[Weight, ...] = ("proved", "asserted", "claimed", "claimed", "claimed")
DECISIONS: tuple[DecisionKind, ...] = ("merge", "merge", "apart", "apart", "withdraw", "dismiss")


@dataclass(frozen=True)
class Node:
    kind: str
    value: str

    @property
    def id(self) -> bytes:
        return blake2b(f"{self.kind}:{self.value}".encode(), digest_size=16).digest()


@dataclass(frozen=True)
class Seen:
    """Some profiles named by one event, each pair of them tied. ``weight``: of all of them, or of each."""

    recorded: int
    id: str
    nodes: tuple[Node, ...]
    weight: Weight | tuple[Weight, ...] = "claimed"

    def weights(self) -> Mapping[Node, Weight]:
        given = (self.weight,) * len(self.nodes) if isinstance(self.weight, str) else self.weight
        return {
            node: "claimed" if node.kind == "cookie" else weight for node, weight in zip(self.nodes, given, strict=True)
        }

    def profiles(self) -> Iterable[Profile]:
        return [
            Profile(
                node.id, node.kind, "", node.value, self.recorded, node.kind in STRONG_KINDS and weight != "claimed"
            )
            for node, weight in self.weights().items()
        ]

    def edges(self) -> Iterable[Edge]:
        weights = self.weights()
        for one, other in combinations(weights, 2):
            weight = weaker(weights[one], weights[other])
            yield make_edge(one.id, other.id, WeightedEvidence(weight, (self.recorded, SOURCE, self.id), weight))


Step = Seen | Decision


def ties(steps: Iterable[Step]) -> Iterable[Seen]:
    return (step for step in steps if isinstance(step, Seen))


def decided(steps: Iterable[Step]) -> list[Decision]:
    return [step for step in steps if isinstance(step, Decision)]


def graph_of(steps: Sequence[Step]) -> Graph:
    """The whole graph of a history."""
    profiles: dict[bytes, Profile] = {}
    edges: dict[tuple[bytes, bytes], Edge] = {}
    for seen in ties(steps):
        for profile in seen.profiles():
            known = profiles.get(profile.id)
            profiles[profile.id] = profile if known is None else sum_profiles(known, profile)
        for edge in seen.edges():
            tied = edges.get((edge.a, edge.b))
            edges[edge.a, edge.b] = edge if tied is None else sum_edges(tied, edge)
    return Graph(profiles, list(edges.values()), decided(steps))


def rules() -> st.SearchStrategy[Rules]:
    return st.builds(
        Rules,
        shared_after=st.fixed_dictionaries(
            {}, optional={"phone": st.integers(1, 2), "email": st.integers(1, 2), "cookie": st.integers(1, 2)}
        ),
        exclusive=st.sampled_from([frozenset(), frozenset({"crm"}), frozenset({"crm", "account"})]),
        never_link=st.sampled_from([(), (), ("email:n1",), ("phone:*", "crm:n0")]),
    )


def decision(recorded: int, id: str, kind: DecisionKind, *ids: bytes, withdraws: str = "") -> Decision:
    a, b = sorted(ids) if ids else (b"", b"")
    return Decision(event_key("acme", SOURCE, id), (recorded, SOURCE, id), kind, a, b, withdraws)


@st.composite
def histories(draw: st.DrawFn, kinds: Sequence[DecisionKind] = DECISIONS) -> list[Step]:
    """Up to ten identifiers, fourteen events that name some, six decisions; recorded times repeat in no order.

    Decisions may name identifiers that no event has, and withdrawals anything that is decided, each other too.
    """
    recorded = st.integers(1, 12)
    nodes = [
        Node(kind, f"n{at}") for at, kind in enumerate(draw(st.lists(st.sampled_from(KINDS), min_size=3, max_size=10)))
    ]
    node = st.sampled_from(nodes)
    steps: list[Step] = []
    for at in range(draw(st.integers(1, 14))):
        named = tuple(draw(st.lists(node, min_size=1, max_size=3, unique=True)))
        weights = tuple(draw(st.sampled_from(WEIGHTS)) for _ in named)
        steps.append(Seen(draw(recorded), f"e{at}", named, weights))
    many = draw(st.integers(0, 6)) if kinds else 0
    for at in range(many):
        kind, when, (one, other) = draw(st.sampled_from(kinds)), draw(recorded), draw(st.tuples(node, node))
        if kind == "withdraw":
            target = draw(st.integers(0, many - 1))
            steps.append(decision(when, f"d{at}", kind, withdraws=f"{SOURCE}#d{target}"))
        elif kind == "dismiss":
            steps.append(decision(when, f"d{at}", kind, one.id, one.id))
        elif one != other:
            steps.append(decision(when, f"d{at}", kind, one.id, other.id))
    return draw(st.permutations(steps))
