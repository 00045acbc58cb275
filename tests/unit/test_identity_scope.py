"""What is resolved again after a change is exactly what the change can affect."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples
from tests.unit.identity_graphs import SOURCE, Node, Seen, Step, decided, decision, graph_of, histories, rules

from cx_identity.affected_scope import AffectedScope
from cx_identity.graph_slice import GraphSlice, ResolvedProfile
from cx_identity.model import Edge, Graph, Profile, sum_edges
from cx_identity.outcome import Refusal, Resolution
from cx_identity.resolution import resolve
from cx_identity.rules import Rules

many = examples(150)


class Store:
    """A store in a dict: takes facts in batches, reads slices, and keeps what scopes decided."""

    def __init__(self, by: Rules, sparing: bool) -> None:
        self.by = by
        self.sparing = sparing
        self.steps: list[Step] = []
        self.graph = Graph({})
        self.customer_of: dict[bytes, bytes] = {}
        self.core_of: dict[bytes, bytes] = {}
        self.join_reasons: dict = {}
        self.marks: dict[str, set[bytes]] = {"shared": set(), "firm": set(), "ambiguous": set(), "claimed": set()}
        self.marks["decided"] = set()
        self.questions: dict[tuple[bytes, bytes], Refusal] = {}
        self.reads: list[frozenset[bytes]] = []

    def apply(self, batch: list[Step]) -> Resolution:
        before = {(e.a, e.b): e for e in self.graph.edges}
        known = self.graph.profiles
        self.steps += batch
        self.graph = graph_of(self.steps)
        dirty = {id for id, profile in self.graph.profiles.items() if known.get(id) != profile}
        attested = attested_otherwise(known, self.graph.profiles)
        self.changed = {(e.a, e.b) for e in self.graph.edges if before.get((e.a, e.b)) != e}
        dirty |= {end for pair in self.changed for end in pair}
        for d in decided(batch):
            dirty |= self.named_by(d)
        return self.recompute(dirty, attested=attested)

    def named_by(self, d) -> set[bytes]:
        seen = set()
        while d is not None and d.kind == "withdraw" and d.name not in seen:
            seen.add(d.name)
            d = next((other for other in self.graph.decisions if other.name == d.withdraws), None)
        return set() if d is None or d.kind == "withdraw" else {d.a, d.b}

    def read(self, wanted: frozenset[bytes], stays: bool) -> GraphSlice:
        self.reads.append(wanted)
        stays_shared = self.marks["shared"] & wanted if stays else set()

        def spared(edge: Edge, end: bytes) -> bool:
            if end not in wanted:
                return True
            if not self.by.may_link(self.graph.profiles[end]):
                return True
            if end not in stays_shared or (edge.a, edge.b) in self.changed:
                return False
            return edge.proved is None if end in self.marks["firm"] else not edge.firm

        near = [e for e in self.graph.edges if e.a in wanted or e.b in wanted]
        if self.sparing:
            near = [e for e in near if not (spared(e, e.a) and spared(e, e.b))]
        ids = {end for e in near for end in (e.a, e.b)} | (wanted & self.graph.profiles.keys())
        told = [d for d in self.graph.decisions if d.kind != "withdraw" and (d.a in wanted or d.b in wanted)]
        names = {d.name for d in told}
        while more := [d for d in self.graph.decisions if d.withdraws in names and d not in told]:
            told += more
            names |= {d.name for d in more}
        customers = {self.customer_of.get(id, id) for id in wanted}
        return GraphSlice(
            {id: self.graph.profiles[id] for id in ids},
            near,
            told,
            {id: self.placed(id) for id in ids if id in self.customer_of},
            {one: [id for id, of in self.customer_of.items() if of == one] for one in customers},
            stays_shared,
        )

    def placed(self, id: bytes) -> ResolvedProfile:
        shared, firm, decided = (id in self.marks[name] for name in ("shared", "firm", "decided"))
        return ResolvedProfile(self.customer_of[id], self.core_of[id], shared, firm, decided)

    def recompute(self, dirty: set[bytes], stays: bool = True, attested: set[bytes] = frozenset()) -> Resolution:
        scope = AffectedScope(dirty, self.by, attested=attested)
        resolution = None
        while resolution is None:
            while wanted := scope.profiles_to_read():
                scope.add(self.read(wanted, stays and self.sparing))
            resolution = scope.resolution()
        nodes = scope.nodes
        assert resolution.customer_of.keys() == nodes | scope.border
        for id in nodes:
            self.customer_of[id] = resolution.customer_of[id]
            self.core_of[id] = resolution.core_of[id]
            self.join_reasons.pop(id, None)
        self.join_reasons |= {id: joined for id, joined in resolution.join_reasons.items() if id in nodes}
        for name, found in marks_of(resolution).items():
            self.marks[name] = (self.marks[name] - nodes) | (found & nodes)
        self.questions = {p: r for p, r in self.questions.items() if p[0] not in nodes and p[1] not in nodes}
        self.questions |= {(r.a, r.b): r for r in scope.refused_claims(resolution)}
        return resolution

    def forget(self, ids: set[bytes]) -> None:
        for id in ids:
            self.customer_of.pop(id)
            self.core_of.pop(id)
            self.join_reasons.pop(id, None)
            for found in self.marks.values():
                found.discard(id)
            self.questions = {p: r for p, r in self.questions.items() if id not in p}

    def agrees_with_the_whole(self) -> None:
        whole = resolve(self.graph, self.by)
        assert self.customer_of == whole.customer_of
        assert self.core_of == whole.core_of
        assert self.join_reasons == whole.join_reasons
        assert self.marks == {name: found & whole.customer_of.keys() for name, found in marks_of(whole).items()}
        assert self.questions == {(r.a, r.b): r for r in whole.refusals if r.is_question}


def attested_otherwise(before: Mapping[bytes, Profile], now: Mapping[bytes, Profile]) -> set[bytes]:
    """Return the profiles that are attested now and were not, or the reverse."""
    was, are = ({id for id, profile in some.items() if profile.attested} for some in (before, now))
    return was ^ are


def marks_of(resolution: Resolution) -> dict[str, set[bytes]]:
    return {
        "shared": set(resolution.shared.counting_all),
        "firm": set(resolution.shared.counting_firm),
        "ambiguous": set(resolution.ambiguous),
        "claimed": set(resolution.claimed),
        "decided": set(resolution.decided),
    }


@many
@given(histories(), rules(), st.booleans(), st.data())
def test_resolving_changes_by_batch_equals_resolving_everything(steps, by, sparing, data):
    store = Store(by, sparing)
    while steps:
        size = data.draw(st.integers(1, 4))
        batch, steps = steps[:size], steps[size:]
        store.apply(batch)
        store.agrees_with_the_whole()


@many
@given(histories(), rules(), rules())
def test_a_scope_of_everything_equals_resolving_everything(steps, old, new):
    store = Store(old, sparing=False)
    store.apply(steps)
    store.by = new
    store.recompute(set(store.graph.profiles), stays=False)
    store.agrees_with_the_whole()


@many
@given(histories(), rules(), st.data())
def test_an_edge_that_a_better_copy_lacks_vanishes(steps, by, data):
    """The fact that counts may change for one that says less; its profiles are dirty and nothing is spared."""
    store = Store(by, sparing=False)
    store.apply(steps)
    gone = data.draw(st.sampled_from([s for s in steps if isinstance(s, Seen)]))
    less = Seen(gone.recorded, gone.id, gone.nodes[:1])
    kept = [step for step in steps if step is not gone] + [less]
    still = graph_of(kept).profiles.keys()
    vanished = {node.id for node in gone.nodes} - still
    attested = attested_otherwise(store.graph.profiles, graph_of(kept).profiles)
    store.steps, store.graph = kept, graph_of(kept)
    store.recompute({node.id for node in gone.nodes}, stays=False, attested=attested)
    store.forget(vanished)
    store.agrees_with_the_whole()


def test_a_new_address_at_a_switchboard_reads_no_others():
    by = Rules({"phone": 1})
    desk = Node("phone", "+12025550100")
    store = Store(by, sparing=True)
    store.apply([Seen(at, f"e{at}", (desk, Node("email", f"p{at}@example.com")), "asserted") for at in range(50)])
    store.reads.clear()
    newcomer = Node("email", "new@example.com")
    resolution = store.apply([Seen(99, "e99", (desk, newcomer), "asserted")])
    assert resolution.customer_of == {desk.id: desk.id, newcomer.id: newcomer.id}
    assert store.reads == [frozenset({desk.id, newcomer.id})]
    store.agrees_with_the_whole()


def test_a_customer_near_a_switchboard_reads_none_of_it():
    store = Store(Rules({"phone": 1}), sparing=True)
    desk, ana, cookie = Node("phone", "+12025550100"), Node("email", "ana@example.com"), Node("cookie", "c-1")
    store.apply(
        [Seen(1, "e1", (desk, ana), "asserted"), Seen(2, "e2", (desk, Node("email", "ben@example.com")), "asserted")]
    )
    store.reads.clear()
    resolution = store.apply([Seen(3, "e3", (ana, cookie), "asserted")])
    assert resolution.customer_of == {ana.id: ana.id, cookie.id: ana.id}
    assert store.reads == [frozenset({ana.id, cookie.id})]


def test_a_phone_that_turns_shared_parts_its_people():
    by = Rules({"phone": 1})
    ana, ben, phone = Node("email", "ana@example.com"), Node("email", "ben@example.com"), Node("phone", "+12025550101")
    cookie = Node("cookie", "c-1")
    store = Store(by, sparing=True)
    store.apply([Seen(1, "e1", (ana, phone), "asserted"), Seen(2, "e2", (phone, cookie), "asserted")])
    assert len(set(store.customer_of.values())) == 1
    resolution = store.apply([Seen(3, "e3", (ben, phone), "asserted")])
    assert resolution.customer_of.keys() == {ana.id, ben.id, phone.id, cookie.id}
    assert len(set(store.customer_of.values())) == 4


def test_a_decision_waits_until_its_profile_is_named():
    by = Rules({})
    ana, ben = Node("email", "ana@example.com"), Node("email", "ben@example.com")
    store = Store(by, sparing=True)
    merge = decision(1, "m", "merge", ana.id, ben.id)
    store.apply([merge, Seen(2, "e1", (ana,), "asserted")])
    assert store.customer_of == {ana.id: ana.id}
    store.apply([Seen(3, "e2", (ben,), "asserted")])
    assert store.customer_of == {ana.id: ana.id, ben.id: ana.id}


def test_a_withdrawal_may_arrive_before_its_decision():
    by = Rules({})
    ana, ben = Node("email", "ana@example.com"), Node("email", "ben@example.com")
    store = Store(by, sparing=True)
    store.apply([Seen(1, "e1", (ana,), "asserted"), Seen(2, "e2", (ben,), "asserted")])
    store.apply([decision(5, "w", "withdraw", withdraws=f"{SOURCE}#m")])
    store.apply([decision(4, "m", "merge", ana.id, ben.id)])
    assert store.customer_of == {ana.id: ana.id, ben.id: ben.id}


def test_a_scope_of_nothing_wants_nothing():
    scope = AffectedScope((), Rules({}))
    assert not scope.profiles_to_read()
    assert resolve(scope.graph(), Rules({})).customer_of == {}


def test_sums_of_mentions_do_not_depend_on_order():
    early, late = (1, SOURCE, "a"), (2, SOURCE, "b")
    one = Edge(b"a", b"b", asserted=late, asserted_rule="crm")
    other = Edge(b"a", b"b", proved=late, asserted=early, proved_rule="login", asserted_rule="seen-together")
    both = Edge(b"a", b"b", proved=late, asserted=early, proved_rule="login", asserted_rule="seen-together")
    assert sum_edges(one, other) == sum_edges(other, one) == both
    twice = Edge(b"a", b"b", asserted=early, asserted_rule="crm")
    assert sum_edges(other, twice).asserted_rule == sum_edges(twice, other).asserted_rule == "crm"
