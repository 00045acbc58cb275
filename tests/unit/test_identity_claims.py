"""A claim is not a proof: what claims may do, and what they never do, in any order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples
from tests.unit.identity_graphs import KINDS, Node, Seen, Step, graph_of, histories, rules
from tests.unit.test_identity_scope import Store
from tests.unit.test_identity_stories import ANA, ANA_AT_WORK, BEN, COOKIE, CRM_1, CRM_2, PHONE, Story, profile

from cx_identity.guarded_groups import MOST_CORES
from cx_identity.merge import merge_pairs
from cx_identity.model import Graph, makes_known
from cx_identity.outcome import Resolution
from cx_identity.resolution import resolve
from cx_identity.rules import DEFAULT, Rules
from cx_identity.shared_identifiers import MOST_NEIGHBOURS

LATER = 100
ACCOUNT_1, ACCOUNT_2 = "account:1", "account:2"

many = examples(100)


def known_cores(graph: Graph, resolution: Resolution) -> set[bytes]:
    """Return the cores that stand for a known person, told from the definition's words."""
    members: dict[bytes, list[bytes]] = {}
    for id, core in resolution.core_of.items():
        members.setdefault(core, []).append(id)
    return {
        core
        for core, ids in members.items()
        if len(ids) > 1 or any(makes_known(graph.profiles[id]) for id in ids) or not resolution.decided.isdisjoint(ids)
    }


def together(customer_of: Mapping[bytes, bytes]) -> set[tuple[bytes, bytes]]:
    """Return all pairs of profiles that are one customer's."""
    return {(a, b) for a, one in customer_of.items() for b, other in customer_of.items() if a < b and one == other}


@many
@given(histories(), rules())
def test_leaving_claims_out_changes_no_core(steps: Sequence[Step], by: Rules) -> None:
    graph = graph_of(steps)
    firm = [edge for edge in graph.edges if edge.firm]
    without = resolve(Graph(graph.profiles, firm, graph.decisions), by)
    assert resolve(graph, by).core_of == without.core_of


@many
@given(histories(), rules())
def test_a_customer_has_at_most_one_known_core(steps: Sequence[Step], by: Rules) -> None:
    graph = graph_of(steps)
    resolution = resolve(graph, by)
    customers = [resolution.customer_of[core] for core in known_cores(graph, resolution)]
    assert len(customers) == len(set(customers))


@many
@given(histories(), rules(), st.data())
def test_a_later_claim_parts_no_core(steps: Sequence[Step], by: Rules, data: st.DataObject) -> None:
    nodes = sorted({node for step in steps if isinstance(step, Seen) for node in step.nodes}, key=lambda node: node.id)
    named = data.draw(st.lists(st.sampled_from([*nodes, Node("email", "new")]), min_size=1, max_size=3, unique=True))
    before = resolve(graph_of(steps), by)
    after = resolve(graph_of([*steps, Seen(LATER, "later", tuple(named))]), by)
    assert {id: after.core_of[id] for id in before.core_of} == before.core_of
    newly_shared = after.shared.counting_all - before.shared.counting_all
    assert newly_shared <= {node.id for node in named}
    if not newly_shared:
        assert together(before.customer_of) <= together(after.customer_of)


@many
@given(histories(), rules(), st.data())
def test_a_lone_proof_parts_nobody(steps: Sequence[Step], by: Rules, data: st.DataObject) -> None:
    nodes = {node for step in steps if isinstance(step, Seen) for node in step.nodes if node.kind in ("email", "phone")}
    node = data.draw(st.sampled_from(sorted(nodes, key=lambda node: node.id)) if nodes else st.nothing())
    proof = Seen(LATER, "proof", (node,), data.draw(st.sampled_from(["proved", "asserted"])))
    assert resolve(graph_of([*steps, proof]), by).customer_of == resolve(graph_of(steps), by).customer_of


@many
@given(histories(kinds=()), rules())
def test_claims_alone_never_bring_two_addresses_together(steps: Sequence[Step], by: Rules) -> None:
    claims = [Seen(step.recorded, step.id, step.nodes) for step in steps if isinstance(step, Seen)]
    resolution = resolve(graph_of(claims), by)
    for kind in set(KINDS) - {"cookie"}:
        customers = [of for id, of in resolution.customer_of.items() if graph_of(claims).profiles[id].kind == kind]
        assert len(customers) == len(set(customers))


@many
@given(histories(), rules())
def test_a_claimed_member_lies_outside_its_customers_known_core(steps: Sequence[Step], by: Rules) -> None:
    graph = graph_of(steps)
    resolution = resolve(graph, by)
    known = {resolution.customer_of[core]: core for core in known_cores(graph, resolution)}
    for id, customer in resolution.customer_of.items():
        stream_id = known.get(customer, resolution.core_of[customer])
        assert (id in resolution.claimed) == (resolution.core_of[id] != stream_id)


# The table: what was said, in any order, and who there is.


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_typed_values_an_aligned_mail_and_attested_call_join(
    order: tuple[int, ...],
) -> None:
    story = Story()
    steps = [lambda: story.seen(ANA, PHONE), lambda: story.proved(ANA), lambda: story.asserted(PHONE)]
    for at in order:
        steps[at]()
    assert story.one_customer(ANA, PHONE)
    assert story.resolution().candidates == []


def test_two_accounts_on_one_device_are_two_customers() -> None:
    story = Story()
    story.login(ACCOUNT_1, COOKIE)
    story.login(ACCOUNT_2, COOKIE)
    assert story.all_apart(ACCOUNT_1, ACCOUNT_2, COOKIE)
    assert profile(COOKIE) in story.resolution().ambiguous


def test_a_landline_that_two_people_type_is_a_candidate() -> None:
    story = Story()
    story.seen(ANA, PHONE)
    story.seen(BEN, PHONE)
    assert story.all_apart(ANA, BEN, PHONE)
    (candidate,) = story.resolution().candidates
    assert {tied.customer for tied in candidate.customers} == {profile(ANA), profile(BEN)}


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_strangers_typing_a_proved_address_leave_it_its_owners(
    order: tuple[int, ...],
) -> None:
    story = Story()
    steps = [lambda: story.proved(ANA), *(lambda n=n: story.seen(ANA, f"account:stranger-{n}") for n in range(3))]
    for at in order:
        steps[at]()
    after = story.resolution()
    assert profile(ANA) in after.shared.counting_all
    assert profile(ANA) not in after.ambiguous
    assert story.all_apart(ANA, *(f"account:stranger-{n}" for n in range(3)))


def test_typed_cookies_leave_a_proved_account_its_owners() -> None:
    story = Story()
    story.proved(ACCOUNT_1)
    for number in range(MOST_NEIGHBOURS + 1):
        story.seen(ACCOUNT_1, f"cookie:stranger-{number}")
    assert profile(ACCOUNT_1) not in story.resolution().ambiguous


def test_an_attested_call_from_a_shared_landline_names_nobody() -> None:
    story = Story()
    story.asserted(PHONE)
    story.seen(ANA, PHONE)
    story.seen(BEN, PHONE)
    assert profile(PHONE) in story.resolution().ambiguous


def test_an_address_asserted_for_two_people_belongs_to_neither() -> None:
    story = Story()
    story.asserted(CRM_1, ANA)
    story.asserted(CRM_2, ANA)
    story.proved(ANA)
    assert profile(ANA) in story.resolution().ambiguous


def test_a_typed_number_stays_with_its_crm_customer() -> None:
    story = Story()
    story.asserted(CRM_1, ANA, PHONE)
    before = story.resolution()
    story.seen(PHONE, "email:junk@example.com")
    after = story.resolution()
    assert story.one_customer(CRM_1, ANA, PHONE)
    assert story.all_apart(ANA, "email:junk@example.com")
    assert profile(PHONE) not in after.ambiguous
    assert {id: after.core_of[id] for id in before.core_of} == before.core_of
    (candidate,) = after.candidates
    assert candidate.identifier == profile(PHONE)
    assert {tied.customer for tied in candidate.customers} == {
        after.customer_of[profile(ANA)],
        profile("email:junk@example.com"),
    }


def test_a_chain_of_600_chats_joins_no_two_addresses() -> None:
    story = Story()
    for number in range(300):
        story.seen(f"cookie:c-{number}", f"email:p{number}@example.com")
        story.seen(f"cookie:c-{number}", f"email:p{number + 1}@example.com")
    assert story.all_apart(*(f"email:p{number}@example.com" for number in range(301)))


def test_a_typed_account_joins_its_first_login() -> None:
    story = Story()
    story.seen(COOKIE, ACCOUNT_1)
    assert story.one_customer(COOKIE, ACCOUNT_1)
    story.login(ACCOUNT_1, COOKIE)
    assert story.one_customer(COOKIE, ACCOUNT_1)


def test_a_stranger_typing_an_account_stays_outside_its_core() -> None:
    story = Story()
    story.seen("email:stranger@example.com", ACCOUNT_1)
    assert story.one_customer("email:stranger@example.com", ACCOUNT_1)
    story.login(ACCOUNT_1, ANA)
    assert story.one_customer(ACCOUNT_1, ANA)
    assert story.all_apart("email:stranger@example.com", ANA)


def test_a_stranger_typing_an_address_joins_as_a_claim() -> None:
    story = Story()
    story.login(ACCOUNT_1, ANA)
    story.seen("cookie:stranger", ANA)
    assert story.one_customer("cookie:stranger", ANA)
    assert story.resolution().claimed == {profile("cookie:stranger")}


def test_a_known_stranger_typing_an_address_is_a_candidate() -> None:
    story = Story()
    story.login(ACCOUNT_1, ANA)
    story.proved(ACCOUNT_2)
    story.seen(ACCOUNT_2, ANA)
    assert story.all_apart(ACCOUNT_1, ACCOUNT_2)
    resolution = story.resolution()
    assert story.one_customer(ACCOUNT_1, ANA)
    (candidate,) = resolution.candidates
    assert candidate.identifier == profile(ANA)
    assert {tied.customer for tied in candidate.customers} == {
        resolution.customer_of[profile(ACCOUNT_1)],
        profile(ACCOUNT_2),
    }


def test_a_claim_between_known_people_becomes_a_candidate() -> None:
    story = Story()
    story.login(ACCOUNT_1, PHONE)
    story.asserted(CRM_1, ANA)
    story.seen(PHONE, ANA)
    assert story.all_apart(ACCOUNT_1, CRM_1)
    (refusal,) = story.resolution().refusals
    assert (refusal.reason, refusal.is_question) == ("known", True)
    (candidate,) = story.resolution().candidates
    assert candidate.identifier == profile(PHONE)


def test_a_claim_between_people_kept_apart_is_no_question() -> None:
    story = Story()
    story.login(ACCOUNT_1, PHONE)
    story.asserted(CRM_1, ANA)
    story.seen(PHONE, ANA)
    story.apart(PHONE, ANA)
    assert story.resolution().candidates == []


def test_a_merge_includes_what_was_typed_in_either_customer() -> None:
    story = Story()
    other_phone = "phone:+12025550102"
    story.seen(ANA, PHONE)
    story.seen(BEN, other_phone)
    resolution, profiles = story.resolution(), story.graph().profiles
    one, other = ([profiles[profile(name)] for name in names] for names in ((ANA, PHONE), (BEN, other_phone)))
    for a, b in merge_pairs(one, other, story.rules, core_of=resolution.core_of, claimed=resolution.claimed):
        story.merge_profiles(a, b)
    assert story.one_customer(ANA, PHONE, BEN, other_phone)


def test_a_second_mail_address_is_a_candidate_not_joined() -> None:
    story = Story()
    story.seen(ANA, COOKIE)
    story.seen(ANA_AT_WORK, COOKIE)
    assert story.all_apart(ANA, ANA_AT_WORK)
    (candidate,) = story.resolution().candidates
    assert candidate.identifier == profile(COOKIE)


# Bounds: a stranger can claim as often as he likes.


def test_claims_beside_too_many_cookies_stop_linking() -> None:
    story = Story()
    story.login(ACCOUNT_1, ANA)
    for number in range(MOST_NEIGHBOURS + 1):
        story.seen(ANA, f"cookie:c-{number}")
    resolution = story.resolution()
    assert profile(ANA) in resolution.shared.counting_all
    assert profile(ANA) not in resolution.ambiguous
    assert story.one_customer(ACCOUNT_1, ANA)
    assert resolution.claimed == frozenset()


def test_claims_unite_a_bounded_number_of_cores() -> None:
    story = Story(Rules({}))
    for number in range(MOST_CORES + 5):
        story.seen(f"cookie:c-{number}", f"cookie:c-{number + 1}")
    resolution = story.resolution()
    sizes = [list(resolution.customer_of.values()).count(one) for one in set(resolution.customer_of.values())]
    assert sorted(sizes) == [6, MOST_CORES]
    assert [(refusal.reason, refusal.is_question) for refusal in resolution.refusals] == [("size", False)]


def test_extending_a_chain_of_claims_reads_few_profiles() -> None:
    store = Store(DEFAULT, sparing=True)
    length = 10_000
    chain = [
        Seen(at, f"e{at}", (Node("cookie", f"c-{at // 2}"), Node("email", f"p{(at + 1) // 2}@example.com")))
        for at in range(length)
    ]
    store.apply(list(chain))
    store.reads.clear()
    store.apply(
        [Seen(length, "more", (Node("cookie", f"c-{length // 2}"), Node("email", f"p{length // 2}@example.com")))]
    )
    assert sum(map(len, store.reads)) < 20
    store.reads.clear()
    # A third address makes a cookie in the middle shared: what hung on it is resolved again, and what lies beside that.
    store.apply([Seen(length + 1, "third", (Node("cookie", f"c-{length // 4}"), Node("email", "third@example.com")))])
    assert sum(map(len, store.reads)) < 50
