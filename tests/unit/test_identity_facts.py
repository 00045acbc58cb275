"""Test what single events say about who is who."""

from __future__ import annotations

from typing import Any

import pytest

from cx_context.reference_definition import resolve_owner
from cx_events.codec import decode
from cx_events.envelope import Data, Draft, Identifier, IdentityDecision, Participant, Weight
from cx_events.errors import Refused
from cx_events.facts import Fact
from cx_events.ids import IdSpace, text_of
from cx_events.stamp import stamp
from cx_identity.attribution import Attribution, standing_attribution
from cx_identity.candidates import candidate_id
from cx_identity.decisions import decision_of
from cx_identity.evidence import NO_LINKS, links_of
from cx_identity.model import Decision, evidence_of, strongest_evidence
from cx_identity.rules import Rules, RulesChange, rules_in_force

IDS = IdSpace("acme", b"a lasting secret of the tenant")
SOURCE = "//acme.example/desk"
EMAIL = Identifier(kind="email", value="ana@example.com")
COOKIE = Identifier(kind="cookie", value="c-7")
CRM = Identifier(kind="crm", value="1001")
ALONE = IDS.interaction("c")
ANA = IDS.profile("email", "", "ana@example.com")
PHONE = Identifier(kind="phone", value="+12025550101")
ACCOUNT = Identifier(kind="account", value="a-1")
CALLER = IDS.profile("phone", "", "+12025550101")
SEVEN = IDS.profile("cookie", "", "c-7")
RECORDED = 1_700_000_000_000_000


def fact(type: str = "cx.message.received.v1", id: str = "m-1", recorded: int = RECORDED, **data: Any) -> Fact:
    stamped = stamp(Draft(type=type, id=id, data=Data(**data)), source=SOURCE, recorded=recorded, ids=IDS)
    return Fact(decode(stamped.raw), stamped.raw, IDS)


def customer(*identifiers: Identifier) -> list[Participant]:
    return [Participant(role="customer", identifiers=list(identifiers))]


def weighed(identifier: Identifier, weight: Weight) -> Identifier:
    return Identifier(kind=identifier.kind, value=identifier.value, weight=weight)


def flagged(identifier: Identifier) -> Identifier:
    return Identifier(kind=identifier.kind, value=identifier.value, verified=True)


def decided(what: str, id: str = "d-1", recorded: int = RECORDED, **identity: Any) -> Any:
    return decision_of(
        fact(f"cx.identity.{what}.v1", id, recorded, identity=IdentityDecision(**identity), reason="she said so"), IDS
    )


def test_an_event_without_a_customer_names_nobody():
    agent = Participant(role="agent", identifiers=[EMAIL, COOKIE])
    assert links_of(fact(participants=[agent]), IDS) is NO_LINKS


def test_one_identifier_is_one_profile_and_no_edge():
    named = links_of(fact(participants=customer(EMAIL)), IDS)
    (profile,) = named.profiles
    assert (profile.id, profile.kind, profile.scope, profile.value) == (ANA, "email", "", "ana@example.com")
    assert profile.first_recorded == RECORDED
    assert named.edges == ()


def test_each_pair_of_a_customers_identifiers_is_tied():
    named = links_of(fact(participants=customer(EMAIL, COOKIE, CRM)), IDS)
    assert len(named.profiles) == 3
    assert len(named.edges) == 3
    for edge in named.edges:
        assert edge.a < edge.b
        assert (edge.claimed, edge.claimed_rule) == ((RECORDED, SOURCE, "m-1"), "seen-together")
        assert not edge.firm


def test_two_customers_in_one_conference_are_never_tied():
    conference = [*customer(EMAIL), *customer(COOKIE)]
    named = links_of(fact(participants=conference), IDS)
    assert [profile.id for profile in named.profiles] == [ANA]
    assert named.edges == ()


def test_a_withheld_number_is_no_profile():
    named = links_of(fact(participants=customer(Identifier(kind="phone", value="anonymous"), EMAIL)), IDS)
    assert [profile.id for profile in named.profiles] == [ANA]


def test_the_same_identifier_twice_is_one_profile():
    named = links_of(fact(participants=customer(EMAIL, flagged(EMAIL))), IDS)
    assert [profile.id for profile in named.profiles] == [ANA]
    assert named.edges == ()


@pytest.mark.parametrize(
    ("one", "other", "pair"),
    [
        ("proved", "proved", "proved"),
        ("proved", "asserted", "asserted"),
        ("asserted", "claimed", "claimed"),
        ("proved", "claimed", "claimed"),
    ],
)
def test_a_pair_has_the_lesser_weight_of_its_ends(one: Weight, other: Weight, pair: Weight):
    (edge,) = links_of(fact(participants=customer(weighed(EMAIL, one), weighed(PHONE, other))), IDS).edges
    assert strongest_evidence(edge).weight == pair
    assert len(evidence_of(edge)) == 1


def test_a_login_proves_its_identifiers_except_the_cookie():
    login = fact("cx.identity.verified.v1", participants=customer(EMAIL, PHONE, COOKIE), evidence="login")
    by_pair = {frozenset((edge.a, edge.b)): strongest_evidence(edge) for edge in links_of(login, IDS).edges}
    assert by_pair[frozenset((ANA, CALLER))] == ("proved", (RECORDED, SOURCE, "m-1"), "login")
    assert by_pair[frozenset((ANA, SEVEN))] == ("claimed", (RECORDED, SOURCE, "m-1"), "seen-together")


def test_a_login_with_flags_proves_only_flagged_identifiers():
    login = fact("cx.identity.verified.v1", participants=customer(flagged(CRM), EMAIL), evidence="login")
    (edge,) = links_of(login, IDS).edges
    assert strongest_evidence(edge).weight == "claimed"
    assert {profile.kind: profile.attested for profile in links_of(login, IDS).profiles} == {
        "crm": True,
        "email": False,
    }


def test_facts_of_a_crm_are_asserted_by_their_evidence():
    import_ = fact("cx.customer.attributes_changed.v1", links=[(CRM, EMAIL), (CRM, CRM)], evidence="crm")
    named = links_of(import_, IDS)
    assert {profile.kind for profile in named.profiles} == {"crm", "email"}
    (edge,) = named.edges
    assert strongest_evidence(edge) == ("asserted", (RECORDED, SOURCE, "m-1"), "crm")


def test_proofs_and_asserted_crm_ids_or_accounts_attest():
    attested = {
        (identifier.kind, weight): links_of(fact(participants=customer(weighed(identifier, weight))), IDS)
        .profiles[0]
        .attested
        for identifier in (CRM, ACCOUNT, EMAIL)
        for weight in ("proved", "asserted", "claimed")
    }
    assert {name for name, is_attested in attested.items() if is_attested} == {
        ("crm", "proved"),
        ("crm", "asserted"),
        ("account", "proved"),
        ("account", "asserted"),
        ("email", "proved"),
    }


def test_a_link_with_an_unusable_identifier_ties_nothing():
    named = links_of(fact(links=[(EMAIL, Identifier(kind="phone", value="unknown"))], evidence="crm"), IDS)
    assert named.profiles == ()
    assert named.edges == ()


def test_an_assertions_evidence_is_the_rule_of_its_pairs():
    said = fact("cx.identity.asserted.v1", participants=customer(EMAIL, CRM), evidence="crm")
    (edge,) = links_of(said, IDS).edges
    assert edge.asserted_rule == "crm"


def test_evidence_of_links_differs_from_seen_together():
    both = fact(participants=customer(EMAIL, COOKIE), links=[(EMAIL, CRM)], evidence="crm")
    rules = {frozenset((edge.a, edge.b)): strongest_evidence(edge).rule for edge in links_of(both, IDS).edges}
    assert rules[frozenset((ANA, SEVEN))] == "seen-together"
    assert rules[frozenset((ANA, IDS.profile("crm", "", "1001")))] == "crm"


def test_the_order_of_identifiers_in_an_event_changes_nothing():
    forth = links_of(fact(participants=customer(EMAIL, COOKIE, CRM), links=[(CRM, EMAIL)], evidence="crm"), IDS)
    back = links_of(fact(participants=customer(CRM, COOKIE, EMAIL), links=[(EMAIL, CRM)], evidence="crm"), IDS)
    assert set(forth.profiles) == set(back.profiles)
    assert set(forth.edges) == set(back.edges)


def test_an_event_that_decides_nothing_is_no_decision():
    assert decision_of(fact(participants=customer(EMAIL)), IDS) is None


def test_a_merge_names_two_profiles_in_either_order():
    one = decided("merged", a=text_of(ANA), b=text_of(SEVEN))
    other = decided("merged", a=text_of(SEVEN), b=text_of(ANA))
    assert one == other
    assert (one.kind, {one.a, one.b}, one.reason) == ("merge", {ANA, SEVEN}, "she said so")
    assert one.name == f"{SOURCE}#d-1"


def test_an_unmerge_withdraws_a_decision_or_parts_a_pair():
    withdrawal = decided("unmerged", decision=f"{SOURCE}#d-1")
    assert (withdrawal.kind, withdrawal.withdraws, withdrawal.a) == ("withdraw", f"{SOURCE}#d-1", b"")
    apart = decided("unmerged", a=text_of(ANA), b=text_of(SEVEN))
    assert (apart.kind, {apart.a, apart.b}) == ("apart", {ANA, SEVEN})


def test_a_dismissal_names_the_identifier_of_its_candidate():
    dismissal = decided("candidate_dismissed", candidate=text_of(candidate_id(SEVEN)))
    assert (dismissal.kind, dismissal.a, dismissal.b) == ("dismiss", SEVEN, SEVEN)


def test_a_candidate_id_leads_back_to_its_identifier():
    assert candidate_id(SEVEN) != SEVEN
    assert candidate_id(candidate_id(SEVEN)) == SEVEN
    assert text_of(candidate_id(SEVEN))[14] == "8"


def test_an_attribution_names_a_profile_or_nobody():
    given = decided("attributed", interaction="acme-calls/CA1", profile=text_of(ANA))
    assert isinstance(given, Attribution)
    assert (given.interaction, given.profile) == (IDS.interaction("acme-calls/CA1"), ANA)
    assert decided("attributed", interaction="acme-calls/CA1").profile is None


def test_the_latest_attribution_that_is_not_withdrawn_counts():
    first = decided("attributed", "first", 1, interaction="c", profile=text_of(ANA))
    second = decided("attributed", "second", 2, interaction="c", profile=text_of(SEVEN))
    undone = decided("unmerged", "undone", 3, decision=f"{SOURCE}#second")
    redone = decided("unmerged", "redone", 4, decision=f"{SOURCE}#undone")

    def profile(*withdrawals):
        standing = standing_attribution([second, first], withdrawals)
        return standing and standing.profile

    assert profile() == SEVEN
    assert profile(undone) == ANA
    assert profile(redone, undone) == SEVEN
    assert standing_attribution([]) is None


def owner(named, *attributions):
    """Return the owner of an interaction that is a customer of its own where it stands alone, as ALONE."""
    return resolve_owner(ALONE, standing_attribution(attributions), named, {}, ())


def test_unnamed_events_follow_their_interactions_only_profile():
    assert owner([ANA, ANA]) == ANA
    assert owner([ANA, SEVEN]) == ALONE
    assert owner([]) == ALONE


def test_an_attribution_outranks_the_profiles_that_events_name():
    word = decided("attributed", interaction="c", profile=text_of(SEVEN))
    alone = decided("attributed", "later", RECORDED + 1, interaction="c")
    assert resolve_owner(ALONE, word, [ANA], {SEVEN: SEVEN}, ()) == SEVEN
    assert owner([ANA], word, alone) == ALONE


def test_changed_rules_hold_until_changed_again_or_withdrawn():
    first = decided("rules_changed", "r1", 1, rules={"shared_after": {"phone": 3}})
    second = decided("rules_changed", "r2", 2, rules={"exclusive": []})
    undone = decided("unmerged", "u", 3, decision=f"{SOURCE}#r2")
    assert isinstance(first, RulesChange)
    configured = Rules({})
    assert rules_in_force([], [], configured) is configured
    assert rules_in_force([second, first], [], configured) == second.rules
    assert rules_in_force([second, first], [undone], configured).shared_after == {"phone": 3}


@pytest.mark.parametrize(
    ("what", "identity", "named"),
    [
        ("merged", {"a": text_of(ANA)}, "identity.b is missing"),
        ("merged", {"a": text_of(ANA), "b": "ana"}, "identity.b: 'ana' is not an id"),
        ("merged", {"a": text_of(ANA), "b": text_of(ANA)}, "the same profile"),
        ("unmerged", {}, "identity.a is missing"),
        ("unmerged", {"decision": "d-1"}, "expected SOURCE#ID, not 'd-1'"),
        ("unmerged", {"decision": "s#1", "a": text_of(ANA), "b": text_of(SEVEN)}, "say one of the two"),
        ("attributed", {"profile": text_of(ANA)}, "identity.interaction"),
        ("candidate_dismissed", {}, "identity.candidate is missing"),
        ("rules_changed", {}, "identity.rules is missing"),
    ],
)
def test_an_incomplete_decision_is_refused_naming_the_field(what, identity, named):
    with pytest.raises(Refused, match=named) as refused:
        decided(what, **identity)
    assert refused.value.reason == "bad-decision"


def test_a_decision_without_its_data_is_refused():
    with pytest.raises(Refused, match=r"needs data\.identity"):
        decision_of(fact("cx.identity.merged.v1"), IDS)


def test_decisions_are_known_by_their_event():
    merge = decided("merged", a=text_of(ANA), b=text_of(SEVEN))
    assert isinstance(merge, Decision)
    assert merge.key == fact("cx.identity.merged.v1", "d-1").key
