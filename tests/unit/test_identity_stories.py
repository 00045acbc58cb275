"""Test who is who, told as people would: from events to customers."""

from __future__ import annotations

from itertools import count
from typing import Any

from cx_events.codec import decode
from cx_events.envelope import Data, Draft, Identifier, IdentityDecision, Participant, Weight
from cx_events.facts import Fact
from cx_events.ids import IdSpace, text_of
from cx_events.stamp import stamp
from cx_identity.candidates import candidate_id
from cx_identity.decisions import decision_of
from cx_identity.evidence import links_of
from cx_identity.explanation import Explanation, explain_customer
from cx_identity.merge import merge_pairs
from cx_identity.model import Decision, Graph, sum_edges, sum_profiles
from cx_identity.outcome import Resolution
from cx_identity.resolution import resolve
from cx_identity.rules import DEFAULT, Rules

SOURCE = "//acme.example/story"
IDS = IdSpace("acme", b"a lasting secret of the tenant")

ANA, ANA_AT_WORK, BEN = "email:ana@example.com", "email:ana@work.example.com", "email:ben@example.com"
PHONE, COOKIE = "phone:+12025550101", "cookie:c-7"
CRM_1, CRM_2 = "crm:1", "crm:2"


def profile(name: str) -> bytes:
    kind, _, value = name.partition(":")
    return IDS.profile(kind, "", value)


def identifier(name: str, weight: Weight = "claimed") -> Identifier:
    kind, _, value = name.partition(":")
    return Identifier(kind=kind, value=value, weight=weight)


class Story:
    """Events as they come, a second apart; each step returns its name, ``SOURCE#ID``."""

    def __init__(self, rules: Rules = DEFAULT) -> None:
        self.rules = rules
        self.facts: list[Fact] = []
        self.numbers = count(1)

    def tell(self, type: str, **data: Any) -> str:
        number = next(self.numbers)
        draft = Draft(type=type, id=str(number), data=Data(**data))
        stamped = stamp(draft, source=SOURCE, recorded=1_700_000_000_000_000 + number * 1_000_000, ids=IDS)
        self.facts.append(Fact(decode(stamped.raw), stamped.raw, IDS))
        return f"{SOURCE}#{number}"

    def seen(self, *names: str, type: str = "cx.message.received.v1") -> str:
        return self.tell(type, participants=[Participant(role="customer", identifiers=[*map(identifier, names)])])

    def proved(self, *names: str) -> str:
        return self.weighed("proved", *names)

    def asserted(self, *names: str) -> str:
        return self.weighed("asserted", *names)

    def weighed(self, weight: Weight, *names: str) -> str:
        """Tell an event that names some, all of one weight."""
        who = [Participant(role="customer", identifiers=[identifier(name, weight) for name in names])]
        return self.tell("cx.message.received.v1", participants=who)

    def login(self, *names: str) -> str:
        who = [Participant(role="customer", identifiers=[identifier(name, "proved") for name in names])]
        return self.tell("cx.identity.verified.v1", participants=who, evidence="login")

    def merge(self, a: str, b: str) -> str:
        return self.merge_profiles(profile(a), profile(b))

    def merge_profiles(self, a: bytes, b: bytes) -> str:
        return self.tell("cx.identity.merged.v1", identity=IdentityDecision(a=text_of(a), b=text_of(b)))

    def apart(self, a: str, b: str) -> str:
        pair = IdentityDecision(a=text_of(profile(a)), b=text_of(profile(b)))
        return self.tell("cx.identity.unmerged.v1", identity=pair)

    def withdraw(self, decision: str) -> str:
        return self.tell("cx.identity.unmerged.v1", identity=IdentityDecision(decision=decision))

    def dismiss(self, name: str) -> str:
        id = text_of(candidate_id(profile(name)))
        return self.tell("cx.identity.candidate_dismissed.v1", identity=IdentityDecision(candidate=id))

    def graph(self) -> Graph:
        profiles: dict = {}
        edges: dict = {}
        decisions = []
        for fact in self.facts:
            named = links_of(fact, IDS)
            for mention in named.profiles:
                profiles[mention.id] = sum_profiles(profiles.get(mention.id, mention), mention)
            for edge in named.edges:
                edges[edge.a, edge.b] = sum_edges(edges.get((edge.a, edge.b), edge), edge)
            decision = decision_of(fact, IDS)
            if isinstance(decision, Decision):
                decisions.append(decision)
        return Graph(profiles, list(edges.values()), decisions)

    def resolution(self) -> Resolution:
        return resolve(self.graph(), self.rules)

    def one_customer(self, *names: str) -> bool:
        customer_of = self.resolution().customer_of
        return len({customer_of[profile(name)] for name in names}) == 1

    def all_apart(self, *names: str) -> bool:
        customer_of = self.resolution().customer_of
        return len({customer_of[profile(name)] for name in names}) == len(names)

    def explained(self, name: str) -> Explanation:
        resolution = self.resolution()
        return explain_customer(resolution.customer_of[profile(name)], self.graph(), resolution, self.rules)


def test_a_form_naming_both_joins_chat_and_call():
    story = Story()
    story.seen(ANA, COOKIE)
    story.seen(ANA, PHONE)
    assert story.one_customer(ANA, COOKIE, PHONE)


def test_members_say_how_they_joined_the_first_identifier():
    story = Story()
    first = story.seen(COOKIE)
    story.seen(COOKIE, ANA)
    login = story.login(ANA, PHONE)
    resolution = story.resolution()
    assert resolution.customer_of[profile(PHONE)] == profile(COOKIE)
    joined = resolution.join_reasons[profile(PHONE)]
    assert (joined.rule, "#".join(joined.evidence), joined.via) == ("login", login, profile(ANA))
    assert (joined.confidence, resolution.join_reasons[profile(ANA)].confidence) == (50, 50)
    assert resolution.claimed == {profile(COOKIE)}
    assert first not in {"#".join(j.evidence) for j in resolution.join_reasons.values()}


def test_confidence_is_that_of_the_kind_of_evidence():
    story = Story()
    story.seen(ANA)
    story.login(ANA, PHONE)
    story.tell(
        "cx.customer.fact.v1", links=[(identifier(ANA, "asserted"), identifier(CRM_1, "asserted"))], evidence="crm"
    )
    story.merge(ANA, COOKIE)
    story.seen(COOKIE)
    joined = story.resolution().join_reasons
    assert [joined[profile(name)].confidence for name in (PHONE, CRM_1, COOKIE)] == [95, 90, 100]


def test_a_familys_phone_joins_nobody_and_is_a_candidate():
    story = Story()
    story.seen(ANA, PHONE)
    story.seen(BEN, PHONE)
    assert story.all_apart(ANA, BEN, PHONE)
    (candidate,) = story.resolution().candidates
    assert candidate.id == candidate_id(profile(PHONE))
    assert [tied.customer for tied in candidate.customers] == [profile(BEN), profile(ANA)]
    assert candidate.reason == "tied to 2 values of kind email; more than 1 are not one person"


def test_a_login_with_a_shared_phone_joins_it():
    story = Story()
    story.seen(ANA, PHONE)
    story.seen(BEN, PHONE)
    story.login(BEN, PHONE)
    assert story.one_customer(BEN, PHONE)
    assert story.all_apart(ANA, BEN)
    (candidate,) = story.resolution().candidates
    assert [(tied.customer, tied.rule) for tied in candidate.customers] == [
        (profile(PHONE), "login"),
        (profile(ANA), "seen-together"),
    ]


def test_withdrawing_a_dismissal_restores_the_candidate():
    story = Story()
    story.seen(ANA, PHONE)
    story.seen(BEN, PHONE)
    dismissal = story.dismiss(PHONE)
    assert story.resolution().candidates == []
    assert story.all_apart(ANA, BEN, PHONE)
    story.withdraw(dismissal)
    assert len(story.resolution().candidates) == 1


def test_withdrawing_a_merge_restores_the_shared_phones_candidate():
    story = Story()
    story.seen(ANA, PHONE)
    story.seen(BEN, PHONE)
    merge = story.merge(PHONE, ANA)
    assert story.resolution().candidates == []
    assert story.one_customer(ANA, PHONE)
    assert story.all_apart(ANA, BEN)
    story.withdraw(merge)
    assert len(story.resolution().candidates) == 1


def test_crm_id_account_and_address_make_one_person():
    story = Story()
    story.seen(PHONE, ANA, CRM_1, "account:ana")
    assert story.one_customer(PHONE, ANA, CRM_1, "account:ana")


def test_six_cookies_make_nobody_shared():
    story = Story()
    for number in range(6):
        story.seen(PHONE, ANA, f"cookie:c-{number}")
    assert story.resolution().shared.counting_all == frozenset()
    assert story.one_customer(PHONE, ANA, *(f"cookie:c-{number}" for number in range(6)))


def test_a_switchboard_joins_none_of_its_hundred_callers():
    story = Story()
    callers = [f"email:p{number}@example.com" for number in range(100)]
    for caller in callers:
        story.seen(caller, PHONE)
    assert story.all_apart(*callers, PHONE)
    assert len(story.resolution().candidates[0].customers) == 100


SWITCHBOARD, INAS, JOS = "phone:+12025550100", "phone:+12025550100;ext=5", "phone:+12025550100;ext=7"


def test_two_extensions_and_their_switchboard_are_three_customers():
    story = Story()
    story.seen("phone:+1 202 555 0100 ext. 5", ANA)
    story.seen("phone:+1 (202) 555-0100 x5")
    story.seen("phone:+1 202 555 0100 ext. 7", BEN)
    story.seen(SWITCHBOARD)
    assert story.one_customer(INAS, ANA)
    assert story.one_customer(JOS, BEN)
    assert story.all_apart(INAS, JOS, SWITCHBOARD)
    assert story.resolution().shared.counting_all == frozenset()


def test_a_crms_switchboard_with_two_extensions_is_shared():
    story = Story()
    story.asserted(CRM_1, INAS, SWITCHBOARD)
    assert story.one_customer(CRM_1, INAS, SWITCHBOARD)
    story.asserted(CRM_2, JOS, SWITCHBOARD)
    assert story.one_customer(CRM_1, INAS)
    assert story.one_customer(CRM_2, JOS)
    assert story.all_apart(CRM_1, CRM_2, SWITCHBOARD)
    assert story.resolution().shared.counting_firm == {profile(SWITCHBOARD)}


def test_an_extension_of_two_people_is_shared():
    story = Story()
    story.seen(INAS, ANA)
    story.seen(INAS, BEN)
    assert story.all_apart(INAS, ANA, BEN)


def test_two_crm_ids_at_one_address_never_merge():
    story = Story()
    story.seen(CRM_1, ANA)
    second = story.seen(CRM_2, ANA)
    assert story.one_customer(CRM_1, ANA)
    assert story.all_apart(CRM_1, CRM_2)
    (refusal,) = story.resolution().refusals
    assert (refusal.reason, refusal.by, "#".join(refusal.evidence)) == ("exclusive", "crm", second)


def test_a_person_can_merge_two_crm_ids():
    story = Story()
    story.seen(CRM_1)
    story.seen(CRM_1, ANA)
    story.seen(CRM_2, ANA)
    merge = story.merge(CRM_1, CRM_2)
    assert story.one_customer(CRM_1, CRM_2, ANA)
    joined = story.resolution().join_reasons[profile(CRM_2)]
    assert (joined.rule, "#".join(joined.evidence), joined.confidence) == ("person", merge, 100)
    assert story.resolution().refusals == []


def test_merges_must_name_values_of_exclusive_kinds():
    story = Story()
    other_phone = "phone:+12025550102"
    story.asserted(CRM_1, PHONE)
    story.asserted(CRM_2, other_phone)
    by_phone = story.merge(PHONE, other_phone)
    assert story.all_apart(CRM_1, CRM_2)
    story.withdraw(by_phone)
    profiles = story.graph().profiles
    one, other = ([profiles[profile(name)] for name in names] for names in ((CRM_1, PHONE), (CRM_2, other_phone)))
    cores = story.resolution().core_of
    pairs = merge_pairs(one, other, story.rules, core_of=cores, claimed=())
    assert pairs == [(profile(CRM_1), profile(CRM_2))]
    story.merge(CRM_1, CRM_2)
    assert story.one_customer(CRM_1, PHONE, CRM_2, other_phone)


def test_a_login_outranks_an_earlier_assertion():
    story = Story()
    story.asserted(CRM_1, ANA)
    story.login(CRM_2, ANA)
    assert story.one_customer(CRM_2, ANA)
    assert story.all_apart(CRM_1, CRM_2)


def test_a_vendors_no_reply_address_joins_nobody():
    story = Story(Rules.parse({"never_link": ["email:noreply@*"]}))
    story.seen("email:noreply@example.com", PHONE)
    story.seen("email:noreply@example.com", COOKIE)
    assert story.all_apart("email:noreply@example.com", PHONE, COOKIE)
    assert story.resolution().candidates == []


def test_an_unmerge_leaves_no_trace_of_the_merge():
    story = Story()
    story.seen(ANA)
    story.seen(BEN)
    merge = story.merge(ANA, BEN)
    assert story.one_customer(ANA, BEN)
    story.withdraw(merge)
    assert story.all_apart(ANA, BEN)
    assert story.resolution().join_reasons == {}


def test_withdrawing_a_merge_does_not_part_what_edges_join():
    story = Story()
    story.seen(ANA, PHONE)
    story.withdraw(story.merge(ANA, PHONE))
    assert story.one_customer(ANA, PHONE)


def test_an_apart_holds_until_a_later_decision():
    story = Story()
    story.seen(ANA, COOKIE)
    story.apart(ANA, COOKIE)
    assert story.all_apart(ANA, COOKIE)
    story.login(ANA, COOKIE)
    story.seen(ANA, PHONE)
    story.seen(PHONE, COOKIE)
    assert story.all_apart(ANA, COOKIE)
    story.merge(ANA, COOKIE)
    assert story.one_customer(ANA, COOKIE, PHONE)


def test_a_later_apart_voids_an_indirect_merge():
    story = Story()
    for name in (ANA, BEN, ANA_AT_WORK):
        story.seen(name)
    first = story.merge(ANA, BEN)
    story.merge(BEN, ANA_AT_WORK)
    apart = story.apart(ANA, ANA_AT_WORK)
    assert story.one_customer(BEN, ANA_AT_WORK)
    assert story.all_apart(ANA, BEN)
    void = next(view for view in story.explained(ANA).decisions if view.decision.name == first)
    assert (void.status.state, void.status.by) == ("void", apart)


def test_two_withdrawals_cannot_annul_each_other():
    story = Story()
    story.seen(ANA)
    story.seen(BEN)
    merge = story.merge(ANA, BEN)
    story.withdraw(f"{SOURCE}#5")
    story.withdraw(f"{SOURCE}#4")
    assert merge == f"{SOURCE}#3"
    assert story.one_customer(ANA, BEN)
    story.withdraw(merge)
    assert story.all_apart(ANA, BEN)


def test_a_withdrawal_that_names_a_newer_withdrawal_changes_nothing():
    story = Story()
    story.seen(ANA)
    story.seen(BEN)
    merge = story.merge(ANA, BEN)
    story.withdraw(f"{SOURCE}#5")
    newer = story.withdraw(merge)
    assert newer == f"{SOURCE}#5"
    assert story.all_apart(ANA, BEN)
    states = {view.decision.name: view.status.state for view in story.explained(ANA).decisions}
    assert (states[merge], states[newer]) == ("withdrawn", "stands")


def test_an_explanation_lists_edges_that_did_not_link():
    story = Story(Rules.parse({"never_link": ["email:noreply@*"]}))
    story.seen(ANA, CRM_1)
    story.seen(ANA, CRM_2)
    story.seen(ANA, PHONE)
    story.seen(BEN, PHONE)
    story.seen(ANA, "email:noreply@example.com")
    merge = story.merge(ANA, BEN)
    withdrawal = story.withdraw(merge)
    told = story.explained(ANA)
    assert [view.profile.id for view in told.profiles] == sorted([profile(ANA), profile(CRM_1)])
    assert [view.join_reason is None for view in told.profiles].count(True) == 1
    states = {view.edge.a if view.edge.b == profile(ANA) else view.edge.b: view.state for view in told.edges}
    assert states == {
        profile(CRM_1): "links",
        profile(CRM_2): "refused",
        profile(PHONE): "shared",
        profile("email:noreply@example.com"): "never-links",
    }
    assert [(view.decision.name, view.status.state, view.status.by) for view in told.decisions] == [
        (withdrawal, "stands", ""),
        (merge, "withdrawn", withdrawal),
    ]
