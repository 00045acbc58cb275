"""A refusal of consent holds until its own profile, or somebody proved, grants again; a claim grants nothing."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_context.fold import new_part
from cx_context.fold_faults import part_of
from cx_context.parts.merge import combine
from cx_context.reference_definition import define_bodies
from cx_context.sections.consents import Purpose, in_force
from cx_events.envelope import Identifier, Weight
from cx_events.facts import Fact
from cx_events.ids import NodeId, text_of
from cx_events.testing.builders import ACME, DAY, HOUR, START, a_decision, a_fact, fact_of
from cx_events.weights import PROVED, weight_rank
from cx_identity.rules import DEFAULT

WINDOW = 72 * HOUR
MAIL, PHONE, ACCOUNT = ("email", "ana@example.com"), ("phone", "+15550100123"), ("account", "ana-1")
WEIGHTS: tuple[Weight, ...] = ("proved", "asserted", "claimed")


def consent(hour: int, who: tuple[str, str] | None, weight: Weight, granted: bool, **data: Any) -> Fact:
    people = [Identifier(kind=who[0], value=who[1], weight=weight)] if who else []
    said = {"purpose": "marketing", "granted": granted}
    return a_fact("cx.consent.changed.v1", id=f"c-{hour}", at=START + hour * HOUR, identifiers=people, data={
        "consent": said, **data})  # fmt: skip


def profile(who: tuple[str, str]) -> NodeId:
    return ACME.profile(who[0], "", who[1])


def joined(a: tuple[str, str], b: tuple[str, str], hour: int = 500) -> Fact:
    data = {"identity": {"a": text_of(profile(a)), "b": text_of(profile(b))}, "reason": "same person"}
    about, at = ACME.tenant_node(), START + hour * HOUR
    return fact_of(a_decision("cx.identity.merged.v1", id=f"merge-{hour}", about=about, at=at, data=data))


def parted(decision: Fact) -> Fact:
    named = f"{decision.event.source}#{decision.event.id}"
    data = {"identity": {"decision": named}, "reason": "two people"}
    about = ACME.tenant_node()
    return fact_of(a_decision("cx.identity.unmerged.v1", id="unmerge", about=about, at=START + 30 * DAY, data=data))


def granted(who: tuple[str, str], *facts: Fact) -> bool | None:
    """Whether marketing is granted to this profile's customer; None where nothing is said of it."""
    for body in define_bodies(facts, ACME, DEFAULT, WINDOW).values():
        if text_of(profile(who)) in (body["customer"]["id"], *body["customer"]["aliases"]):
            said: dict[str, bool] = {each["purpose"]: each["granted"] for each in body["customer"]["consent"]}
            return said.get("marketing")
    raise AssertionError(f"nobody knows {who}")


@pytest.mark.parametrize("later", [MAIL, PHONE])
def test_a_refusal_survives_a_merge_until_the_unmerge(later: tuple[str, str]) -> None:
    refuses, grants = (2, 1) if later == MAIL else (1, 2)
    facts = [consent(refuses, MAIL, "asserted", False), consent(grants, PHONE, "asserted", True)]
    assert (granted(MAIL, *facts), granted(PHONE, *facts)) == (False, True)
    merge = joined(MAIL, PHONE)
    assert granted(MAIL, *facts, merge) is False
    apart = [*facts, merge, parted(merge)]
    assert (granted(MAIL, *apart), granted(PHONE, *apart)) == (False, True)


def test_a_consent_is_withdrawn_by_its_own_profile() -> None:
    facts = [consent(1, MAIL, "asserted", False), consent(2, PHONE, "asserted", True), joined(MAIL, PHONE)]
    assert granted(MAIL, *facts, consent(3, MAIL, "asserted", True)) is True
    assert granted(MAIL, *facts, consent(0, MAIL, "asserted", True)) is False


def test_a_refusal_is_withdrawn_by_a_proved_account() -> None:
    facts = [consent(1, MAIL, "asserted", False), joined(MAIL, ACCOUNT)]
    assert granted(MAIL, *facts, consent(2, ACCOUNT, "asserted", True)) is False
    assert granted(MAIL, *facts, consent(2, ACCOUNT, "proved", True)) is True
    assert granted(MAIL, *facts, consent(0, ACCOUNT, "proved", True)) is False


def test_a_statement_counts_for_each_profile_it_names() -> None:
    both = [Identifier(kind=kind, value=value, weight="asserted") for kind, value in (MAIL, ACCOUNT)]
    said = {"consent": {"purpose": "marketing", "granted": True}}
    grants = a_fact("cx.consent.changed.v1", id="c-9", at=START + 9 * HOUR, identifiers=both, data=said)
    assert granted(MAIL, consent(1, MAIL, "asserted", False), grants) is True


def test_a_claimed_consent_grants_nothing() -> None:
    assert granted(MAIL, consent(1, MAIL, "claimed", True)) is None
    refused = consent(1, MAIL, "proved", False)
    assert granted(MAIL, refused, consent(2, MAIL, "claimed", True)) is False
    assert granted(MAIL, consent(1, MAIL, "claimed", False), consent(2, MAIL, "claimed", True)) is False


def test_an_asserted_grant_does_not_override_a_proved_refusal() -> None:
    refused = consent(1, MAIL, "proved", False)
    assert granted(MAIL, refused, consent(2, MAIL, "asserted", True)) is False
    assert granted(MAIL, refused, consent(2, MAIL, "proved", True)) is True


def test_a_refusal_counts_at_any_weight() -> None:
    facts = [consent(1, MAIL, "proved", True), consent(2, MAIL, "claimed", False)]
    assert granted(MAIL, *facts) is False
    assert granted(MAIL, *facts, consent(3, MAIL, "asserted", True)) is True


def test_a_consent_without_a_customer_grants_nothing() -> None:
    call = {"interaction": "call-1", "channel": "voice"}
    rings = a_fact("cx.interaction.started.v1", id="r", interaction="call-1", channel="voice", phone=PHONE[1])
    assert granted(PHONE, rings, consent(1, None, "proved", True, **call)) is None
    assert granted(PHONE, rings, consent(1, None, "proved", False, **call)) is False


def test_a_purposes_name_may_hold_line_breaks() -> None:
    said = {"purpose": "news\nand offers", "channel": "a\nb", "granted": True}
    fact = a_fact("cx.consent.changed.v1", id="c", email=MAIL[1], verified=True, data={"consent": said})
    assert in_force([new_part(fact)]) == [(Purpose("news and offers", "a b"), True)]


_statements = st.lists(
    st.tuples(
        st.sampled_from((MAIL, PHONE, ACCOUNT)),
        st.sampled_from(WEIGHTS),
        st.booleans(),
        st.sampled_from(("", "call-1")),
    ),
    min_size=1,
    max_size=8,
)


@given(_statements, st.integers(0, 2**32))
def test_consent_is_the_same_in_any_order_and_grouping(
    said: list[tuple[tuple[str, str], Weight, bool, str]], seed: int
) -> None:
    facts = [
        consent(hour, who, weight, grants, interaction=contact)
        for hour, (who, weight, grants, contact) in enumerate(said)
    ]
    dice = random.Random(seed)
    by_part: dict[bytes, list[Fact]] = {}
    for fact in dice.sample(facts, len(facts)):
        by_part.setdefault(fact.part_id, []).append(fact)
    parts = [part_of(group) for group in by_part.values()]
    expected = _as_said(said)
    assert dict(in_force(parts)).get(Purpose("marketing", "")) is expected
    if all(not contact for *_, contact in said):
        assert dict(in_force([combine(parts)])).get(Purpose("marketing", "")) is expected


def _as_said(said: list[tuple[tuple[str, str], Weight, bool, str]]) -> bool | None:
    """The rule, over whole statements in order of time."""
    grants = [at for at, (_, weight, grants, _) in enumerate(said) if grants and weight != "claimed"]
    refusals = [at for at, (*_, grants, _) in enumerate(said) if not grants]

    def takes_back(grant: int, refusal: int) -> bool:
        who, weight, *_ = said[grant]
        whose, its_weight, *_ = said[refusal]
        may = weight == PROVED or (who == whose and weight_rank(weight) <= weight_rank(its_weight))
        return grant > refusal and may

    if not grants and not refusals:
        return None
    return bool(grants) and all(any(takes_back(grant, refusal) for grant in grants) for refusal in refusals)


@pytest.mark.parametrize("purpose", ["Marketing", " marketing", "MARKETING\u200b"])
def test_a_refusal_holds_however_its_purpose_is_written(purpose: str) -> None:
    said = {"consent": {"purpose": purpose, "granted": False}}
    email = [Identifier(kind=MAIL[0], value=MAIL[1], weight="claimed")]
    refused = a_fact("cx.consent.changed.v1", id="c-9", at=START + 9 * HOUR, identifiers=email, data=said)
    assert granted(MAIL, consent(1, MAIL, "proved", True), refused) is False
