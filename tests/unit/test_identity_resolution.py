"""The definition of who is who, against random graphs: what must hold whatever the facts are."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import combinations

from hypothesis import assume, given
from hypothesis import strategies as st
from tests.examples import examples
from tests.unit.identity_graphs import SOURCE, Step, decided, decision, graph_of, histories, rules, ties

from cx_identity.candidates import weaker_end
from cx_identity.merge import merge_pairs
from cx_identity.model import Graph, confidence_of, strongest_evidence
from cx_identity.outcome import Resolution
from cx_identity.resolution import resolve
from cx_identity.rules import Rules
from cx_identity.shared_identifiers import find_shared, never_linking

LATER = 100

many = examples(100)


def customers(resolution: Resolution) -> set[frozenset[bytes]]:
    members = defaultdict(set)
    for profile, customer in resolution.customer_of.items():
        members[customer].add(profile)
    return {frozenset(of_one) for of_one in members.values()}


def without(resolution: Resolution, *ids: str) -> Resolution:
    """The same, but for what it says of some decisions themselves."""
    keys = {decision(0, id, "withdraw").key for id in ids}
    return replace(resolution, decisions={k: v for k, v in resolution.decisions.items() if k not in keys})


def plainly(graph: Graph, by: Rules) -> tuple[set[frozenset[bytes]], set[frozenset[bytes]]]:
    """The definition told with sets of sets, slowly, and without a line of the real one: customers, and their cores."""
    profiles = graph.profiles
    by_name = {f"{d.at[1]}#{d.at[2]}": d for d in graph.decisions}
    newest = sorted(by_name.values(), key=lambda d: d.at, reverse=True)

    def counts(d):
        return not any(
            w.kind == "withdraw"
            and by_name.get(w.withdraws) is d
            and (d.kind != "withdraw" or w.at > d.at)
            and counts(w)
            for w in newest
        )

    rank = {"crm": 0, "account": 1, "email": 2, "phone": 3, "cookie": 6}
    mute = {id for id, p in profiles.items() if not by.may_link(p)}

    def shared(counted):
        found = set()
        for id, p in profiles.items():
            tied = {e.other(id) for e in counted if id in (e.a, e.b)} - mute
            for kind in rank if id not in mute else ():
                of_kind = [other for other in tied if profiles[other].kind == kind]
                if p.kind in by.shared_after and rank[kind] <= rank[p.kind] and len(of_kind) > by.shared_after[p.kind]:
                    found.add(id)
                attested = sum(profiles[other].attested for other in of_kind)
                if kind in ("crm", "account") and rank[kind] < rank[p.kind] and attested > 1:
                    found.add(id)
        return found

    shared_by_all = shared(graph.edges)
    firmly = shared([e for e in graph.edges if e.proved or e.asserted])
    people = {frozenset({id}) for id in profiles}
    apart: list[tuple[bytes, bytes]] = []

    def of(id):
        return next(person for person in people if id in person)

    def unite(a, b):
        one, other = of(a), of(b)
        people.difference_update({one, other})
        people.add(one | other)

    def disputed(a, b):
        return any({of(u), of(v)} == {of(a), of(b)} for u, v in apart)

    named = set()
    for d in newest:
        if counts(d) and d.a in profiles and d.b in profiles:
            if d.kind == "merge" and (of(d.a) == of(d.b) or not disputed(d.a, d.b)):
                unite(d.a, d.b)
                named |= {d.a, d.b}
            if d.kind == "apart" and of(d.a) != of(d.b):
                apart.append((d.a, d.b))
                named |= {d.a, d.b}
    proved = [(0, e.proved, e.a, e.b) for e in graph.edges if e.proved]
    asserted = [
        (1, e.asserted, e.a, e.b) for e in graph.edges if e.asserted and not e.proved and not {e.a, e.b} & firmly
    ]

    def held(id, kinds):
        return {profiles[member].kind for member in of(id)} & kinds

    for _, _, a, b in sorted(proved + asserted):
        if {a, b} & mute or of(a) == of(b) or disputed(a, b):
            continue
        if not held(a, by.exclusive) & held(b, by.exclusive):
            unite(a, b)
    cores = set(people)
    known = {
        core
        for core in cores
        if len(core) > 1
        or any(profiles[id].attested and profiles[id].kind in ("crm", "account") for id in core)
        or not core.isdisjoint(named)
    }
    claims = [
        (e.claimed, e.a, e.b)
        for e in graph.edges
        if not e.proved and not e.asserted and not {e.a, e.b} & (shared_by_all | mute)
    ]
    for _, a, b in sorted(claims):
        if of(a) == of(b) or disputed(a, b):
            continue
        if held(a, by.exclusive) & held(b, by.exclusive):
            continue
        if all(any(core <= of(end) for core in known) for end in (a, b)):
            continue
        one_each = {"crm", "account", "email", "phone"}
        if not held(a, one_each) & held(b, one_each):
            unite(a, b)
    return people, cores


def cores(resolution: Resolution) -> set[frozenset[bytes]]:
    members = defaultdict(set)
    for profile, core in resolution.core_of.items():
        members[core].add(profile)
    return {frozenset(of_one) for of_one in members.values()}


@many
@given(histories(), rules())
def test_customers_are_those_of_the_definition_told_plainly(steps, by):
    graph = graph_of(steps)
    resolution = resolve(graph, by)
    assert (customers(resolution), cores(resolution)) == plainly(graph, by)


@many
@given(histories(), rules(), st.randoms(use_true_random=False))
def test_the_order_in_which_anything_is_given_changes_nothing(steps, by, random):
    told = resolve(graph_of(steps), by)
    graph = graph_of(random.sample(steps, len(steps)))
    profiles = dict(random.sample(list(graph.profiles.items()), len(graph.profiles)))
    edges = random.sample(list(graph.edges), len(graph.edges))
    assert resolve(Graph(profiles, edges, graph.decisions), by) == told


@many
@given(histories(), rules())
def test_a_customers_id_is_its_least_profile(steps, by):
    graph = graph_of(steps)
    resolution = resolve(graph, by)
    assert resolution.customer_of.keys() == graph.profiles.keys()
    for members in customers(resolution):
        least = min(members, key=lambda member: (graph.profiles[member].first_recorded, member))
        assert {resolution.customer_of[id] for id in members} == {least}


@many
@given(histories(), rules())
def test_every_member_has_an_edge_or_decision_as_reason(steps, by):
    graph = graph_of(steps)
    resolution = resolve(graph, by)
    assert set(resolution.join_reasons) == {id for id, customer in resolution.customer_of.items() if id != customer}
    sureness = {d.at[1:]: 100 for d in graph.decisions if d.kind == "merge"}
    for edge in graph.edges:
        sureness[strongest_evidence(edge).at[1:]] = max(
            confidence_of(edge), sureness.get(strongest_evidence(edge).at[1:], 0)
        )
    for id, joined in resolution.join_reasons.items():
        customer, above, steps_up = resolution.customer_of[id], joined, 0
        assert joined.confidence <= sureness[joined.evidence]
        while above.via != customer:
            assert resolution.join_reasons[above.via].confidence >= above.confidence
            above, steps_up = resolution.join_reasons[above.via], steps_up + 1
            assert steps_up < len(graph.profiles)


@many
@given(histories(), rules(), st.data())
def test_a_withdrawn_decision_leaves_no_trace(steps, by, data):
    before = resolve(graph_of(steps), by)
    ids = data.draw(
        st.lists(st.sampled_from(list(graph_of(steps).profiles)), min_size=2, max_size=2, unique=True)
        if len(graph_of(steps).profiles) > 1
        else st.nothing()
    )
    kind = data.draw(st.sampled_from(["merge", "apart"]))
    recorded, withdrawn_at = data.draw(st.tuples(st.integers(1, 12), st.integers(1, 12)))
    made = decision(recorded, "made", kind, *ids)
    undone = decision(withdrawn_at, "undone", "withdraw", withdraws=f"{SOURCE}#made")
    after = resolve(graph_of([undone, *steps, made]), by)
    assert after.decisions[made.key].state == "withdrawn"
    assert without(after, "made", "undone") == before


@many
@given(histories(), rules(), st.data())
def test_withdrawing_a_withdrawal_restores_the_decision(steps, by, data):
    graph = graph_of(steps)
    assume(len(graph.profiles) > 1)
    ids = data.draw(st.lists(st.sampled_from(list(graph.profiles)), min_size=2, max_size=2, unique=True))
    made = decision(data.draw(st.integers(1, 12)), "made", data.draw(st.sampled_from(["merge", "apart"])), *ids)
    undone = decision(13, "undone", "withdraw", withdraws=f"{SOURCE}#made")
    restored = decision(14, "restored", "withdraw", withdraws=f"{SOURCE}#undone")
    after = resolve(graph_of([*steps, restored, undone, made]), by)
    assert without(after, "undone", "restored") == resolve(graph_of([*steps, made]), by)


@many
@given(histories(), rules())
def test_a_standing_apart_keeps_a_pair_apart(steps, by):
    resolution = resolve(graph_of(steps), by)
    for d in decided(steps):
        if d.kind == "apart" and resolution.decisions[d.key].state == "stands":
            assert resolution.customer_of[d.a] != resolution.customer_of[d.b]


@many
@given(histories(), rules())
def test_a_merge_that_stands_makes_one_customer(steps, by):
    resolution = resolve(graph_of(steps), by)
    for d in decided(steps):
        if d.kind == "merge" and resolution.decisions[d.key].state == "stands":
            assert resolution.customer_of[d.a] == resolution.customer_of[d.b]


@many
@given(histories(), rules(), st.data())
def test_the_newest_decision_always_counts(steps, by, data):
    graph = graph_of(steps)
    assume(len(graph.profiles) > 1)
    a, b = data.draw(st.lists(st.sampled_from(list(graph.profiles)), min_size=2, max_size=2, unique=True))
    merged = resolve(graph_of([*steps, decision(LATER, "now", "merge", a, b)]), by)
    assert merged.customer_of[a] == merged.customer_of[b]
    parted = resolve(graph_of([*steps, decision(LATER, "now", "apart", a, b)]), by)
    assert parted.customer_of[a] != parted.customer_of[b]


@many
@given(histories(), rules())
def test_a_decision_contradicting_newer_ones_is_void(steps, by):
    resolution = resolve(graph_of(steps), by)
    void = [d for d in decided(steps) if resolution.decisions[d.key].state == "void"]
    for d in void:
        again = resolve(graph_of([step for step in steps if step is not d]), by)
        assert again.customer_of == resolution.customer_of
        assert again.join_reasons == resolution.join_reasons


@many
@given(histories(kinds=()), rules())
def test_edges_never_join_values_of_an_exclusive_kind(steps, by):
    graph = graph_of(steps)
    for members in customers(resolve(graph, by)):
        for one, other in combinations(members, 2):
            kind = graph.profiles[one].kind
            assert kind not in by.exclusive or kind != graph.profiles[other].kind


@many
@given(histories(), rules(), st.data())
def test_a_merge_joins_all_members_of_both_customers(steps, by, data):
    graph = graph_of(steps)
    resolution = resolve(graph, by)
    people = sorted(customers(resolution), key=min)
    assume(len(people) > 1)
    one, other = data.draw(st.lists(st.sampled_from(people), min_size=2, max_size=2, unique=True))
    standing = [d for d in graph.decisions if d.kind == "apart" and resolution.decisions[d.key].state == "stands"]
    pairs = merge_pairs(
        [graph.profiles[i] for i in one],
        [graph.profiles[i] for i in other],
        by,
        standing,
        core_of=resolution.core_of,
        claimed=resolution.claimed,
    )
    merges: list[Step] = [decision(LATER, f"now{at}", "merge", a, b) for at, (a, b) in enumerate(pairs)]
    merged = resolve(graph_of([*steps, *merges]), by)
    assert len({merged.customer_of[id] for id in one | other}) == 1


@many
@given(histories(), rules(), st.data())
def test_more_facts_never_end_that_an_identifier_is_shared(steps, by, data):
    some = data.draw(st.lists(st.sampled_from(steps)))
    fewer = graph_of(some)
    whole = graph_of(steps)
    few, many = (
        find_shared(graph.profiles, graph.edges, by, never_linking(graph.profiles, by)) for graph in (fewer, whole)
    )
    assert few.counting_all <= many.counting_all
    assert few.counting_firm <= many.counting_firm
    assert many.counting_firm <= many.counting_all


@many
@given(histories(), rules())
def test_never_linking_values_join_only_by_a_decision(steps, by):
    graph = graph_of([*ties(steps)])
    resolution = resolve(graph, by)
    for id, profile in graph.profiles.items():
        if not by.may_link(profile):
            assert [member for member, of in resolution.customer_of.items() if of == resolution.customer_of[id]] == [id]


@many
@given(histories(), rules())
def test_a_refused_edge_says_what_refused_it(steps, by):
    graph = graph_of(steps)
    resolution = resolve(graph, by)
    aparts = {d.name for d in graph.decisions if d.kind == "apart" and resolution.decisions[d.key].state == "stands"}
    assert len({(refusal.a, refusal.b) for refusal in resolution.refusals}) == len(resolution.refusals)
    for refusal in resolution.refusals:
        assert resolution.customer_of[refusal.a] != resolution.customer_of[refusal.b]
        named = {
            "apart": aparts,
            "exclusive": by.exclusive,
            "known": {""},
            "kind": {"crm", "account", "email", "phone"},
        }
        assert refusal.by in named[refusal.reason]
        assert refusal.claimed or refusal.reason in {"apart", "exclusive"}


@many
@given(histories(), rules())
def test_an_identifier_in_doubt_is_a_candidate_until_settled(steps, by):
    graph = graph_of(steps)
    resolution = resolve(graph, by)
    standing = [d for d in graph.decisions if resolution.decisions[d.key].state == "stands"]
    settled = {id for d in standing if d.kind in {"dismiss", "merge"} for id in (d.a, d.b)}
    doubtful = set(resolution.shared.counting_all)
    for refusal in resolution.refusals:
        if refusal.claimed and refusal.reason not in {"apart", "size"}:
            doubtful.add(weaker_end(graph.profiles[refusal.a], graph.profiles[refusal.b]))
    assert {c.identifier for c in resolution.candidates} == doubtful - settled
    for candidate in resolution.candidates:
        tied = {other for e in graph.edges for id, other in ((e.a, e.b), (e.b, e.a)) if id == candidate.identifier}
        linkable = {id for id in tied if by.may_link(graph.profiles[id])}
        assert {t.customer for t in candidate.customers} == {resolution.customer_of[id] for id in linkable}
        ranks = [(-t.confidence, -t.evidence[0], t.customer) for t in candidate.customers]
        assert ranks == sorted(ranks)
