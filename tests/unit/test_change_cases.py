"""What is new as a whole is resolved without reading, and everything comes out as the whole graph says."""

from __future__ import annotations

from collections.abc import Callable, Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples
from tests.unit.identity_graphs import Node, Seen, Step, decided, decision, graph_of, histories, rules
from tests.unit.test_identity_scope import Store, attested_otherwise, marks_of

from cx_identity.change_cases import ChangeCases, change_cases
from cx_identity.model import Edge, Graph, Profile
from cx_identity.resolution import resolve
from cx_identity.rules import Rules

many = examples(250)
Cases = Callable[[set[bytes], Collection[Edge], dict[bytes, Profile]], ChangeCases]


class SortingStore(Store):
    """A store that resolves what is new as a whole without reading, and the rest by a scope."""

    def __init__(self, by: Rules, sparing: bool, cases: Cases = change_cases) -> None:
        super().__init__(by, sparing)
        self.cases = cases
        self.resolved_as_new: set[bytes] = set()

    def take(self, batch: list[Step]) -> None:
        before, known = {(e.a, e.b): e for e in self.graph.edges}, self.graph.profiles
        self.steps += batch
        self.graph = graph = graph_of(self.steps)
        edges = [edge for edge in graph.edges if before.get((edge.a, edge.b)) != edge]
        self.changed = {(edge.a, edge.b) for edge in edges}
        affected = {id for id in known if graph.profiles[id] != known[id]}
        affected |= {end for pair in self.changed for end in pair}
        named = {node for d in graph.decisions for node in (d.a, d.b)}
        affected |= named & (graph.profiles.keys() - known.keys())
        for d in decided(batch):
            affected |= self.named_by(d)
        new = {id: one for id, one in graph.profiles.items() if id not in known and id not in named}
        cases = self.cases(affected, edges, new)
        self.resolve_new(cases.new)
        for id in new.keys() - affected:
            self.resolve_new(Graph({id: new[id]}))
        self.recompute(set(cases.reaching), attested=attested_otherwise(known, graph.profiles))

    def resolve_new(self, graph: Graph) -> None:
        resolution = resolve(graph, self.by)
        self.resolved_as_new |= graph.profiles.keys()
        self.customer_of |= resolution.customer_of
        self.core_of |= resolution.core_of
        self.join_reasons |= resolution.join_reasons
        for name, found in marks_of(resolution).items():
            self.marks[name] |= found
        self.questions |= {(r.a, r.b): r for r in resolution.refusals if r.is_question}


@many
@given(histories(), rules(), st.booleans(), st.data())
def test_resolving_what_is_new_apart_equals_resolving_everything(steps, by, sparing, data):
    store = SortingStore(by, sparing)
    while steps:
        size = data.draw(st.integers(1, 5))
        batch, steps = steps[:size], steps[size:]
        store.take(batch)
        store.agrees_with_the_whole()


@many
@given(histories(), rules(), st.data())
def test_new_components_touch_nothing_that_was_known(steps, by, data):
    size = data.draw(st.integers(0, len(steps)))
    store = SortingStore(by, sparing=False)
    store.take(steps[:size])
    known = set(store.graph.profiles)
    store.resolved_as_new.clear()
    store.take(steps[size:])
    assert store.resolved_as_new.isdisjoint(known)
    for edge in store.graph.edges:
        assert (edge.a in store.resolved_as_new) == (edge.b in store.resolved_as_new)


ANA, COOKIE, PHONE = Node("email", "ana@example.com"), Node("cookie", "c-1"), Node("phone", "+12025550101")
BEN = Node("email", "ben@example.com")


def test_a_first_contact_is_resolved_without_reading():
    store = SortingStore(Rules({}), sparing=True)
    store.take([Seen(1, "e1", (ANA, COOKIE)), Seen(2, "e2", (ANA, PHONE)), Seen(3, "e3", (BEN,))])
    assert store.reads == []
    assert store.customer_of == {ANA.id: ANA.id, COOKIE.id: ANA.id, PHONE.id: ANA.id, BEN.id: BEN.id}


def test_a_tie_to_somebody_known_is_no_new_component():
    store = SortingStore(Rules({}), sparing=True)
    store.take([Seen(1, "e1", (ANA,))])
    store.take([Seen(2, "e2", (ANA, COOKIE)), Seen(3, "e3", (COOKIE, PHONE))])
    assert store.reads == [frozenset({ANA.id, COOKIE.id, PHONE.id})]
    store.agrees_with_the_whole()


def blind_to_known(affected, edges, new):
    """Call every new profile new as a whole, whatever it is tied to."""
    within = [edge for edge in edges if edge.a in new and edge.b in new]
    return ChangeCases(Graph({id: new[id] for id in affected & new.keys()}, within), frozenset(), {})


def blind_to_new(affected, edges, new):
    """Forget what is new as a whole."""
    return ChangeCases(Graph({}), frozenset(affected - new.keys()), {})


@pytest.mark.parametrize(
    ("cases", "batches"),
    [
        (blind_to_known, [[Seen(1, "e1", (ANA,))], [Seen(2, "e2", (ANA, COOKIE)), Seen(3, "e3", (COOKIE, PHONE))]]),
        (blind_to_new, [[Seen(1, "e1", (ANA, COOKIE))]]),
    ],
)
def test_a_wrong_case_is_caught(cases: Cases, batches: list[list[Step]]):
    store = SortingStore(Rules({}), sparing=True, cases=cases)
    with pytest.raises((AssertionError, KeyError)):
        for batch in batches:
            store.take(batch)
            store.agrees_with_the_whole()


def test_a_profile_that_a_decision_awaits_is_not_new():
    store = SortingStore(Rules({}), sparing=True)
    store.take([Seen(1, "e1", (ANA,)), decision(2, "m", "merge", ANA.id, BEN.id)])
    store.take([Seen(3, "e2", (BEN, COOKIE))])
    assert store.customer_of == {ANA.id: ANA.id, BEN.id: ANA.id, COOKIE.id: ANA.id}
    store.agrees_with_the_whole()
