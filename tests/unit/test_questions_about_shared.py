"""A claim that isn't tried, since an end of it is shared, is a question at both customers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.identity_graphs import Step, graph_of, histories, rules

from cx_context.document import context_body
from cx_context.reference_definition import define
from cx_context.sections.candidates import CLAIMS_COUNTED, CLAIMS_SHOWN
from cx_events.facts import Fact
from cx_events.ids import NodeId, text_of
from cx_events.testing.builders import ACME, HOUR, SECOND, START, a_decision, an_event, fact_of
from cx_identity.candidates import candidate_id, is_withheld, withheld_claims
from cx_identity.linking import is_active
from cx_identity.resolution import resolve
from cx_identity.rules import DEFAULT, Rules

PHONE = "+4930901820"
ANA, BEN = "ana@example.com", "ben@example.com"
COUNTED: dict[str, Any] = {"weight": "claimed"}


def typed(id: str, second: int = 0, **identifiers: str) -> Fact:
    return fact_of(an_event(id=id, interaction=id, at=START + second * SECOND, **identifiers, **COUNTED))


def customer_of(facts: Sequence[Fact], kind: str, value: str, by: Rules = DEFAULT) -> dict[str, Any]:
    whole = define(facts, ACME, by)
    body = context_body(whole.known[whole.customer_of[ACME.profile(kind, "", value)]], HOUR)
    return dict(body["customer"])


def landline() -> list[Fact]:
    return [typed("ana", 0, email=ANA, phone=PHONE), typed("ben", 1, email=BEN, phone=PHONE)]


def test_a_shared_landline_is_a_question_in_three_contexts() -> None:
    facts = landline()
    for who, event in ((ANA, "ana"), (BEN, "ben")):
        found = customer_of(facts, "email", who)
        (question,) = found["candidates"]
        assert (question["identifier"]["value"], question["other"]["value"]) == (PHONE, who)
        assert (question["yours"], question["reason"], question["evidence"]["id"]) == ("other", "shared", event)
        assert found["candidates_total"] == 1
    own = customer_of(facts, "phone", PHONE)
    assert [each["evidence"]["id"] for each in own["candidates"]] == ["ben", "ana"]


def dismissed(identifier: NodeId) -> Fact:
    type, data = "cx.identity.candidate_dismissed.v1", {"identity": {"candidate": text_of(candidate_id(identifier))}}
    return fact_of(a_decision(type, id="d", about=identifier, at=START + HOUR, data=data))


def test_a_dismissal_settles_the_identifier_in_every_context() -> None:
    facts = [*landline(), dismissed(ACME.profile("phone", "", PHONE))]
    for kind, value in (("email", ANA), ("email", BEN), ("phone", PHONE)):
        found = customer_of(facts, kind, value)
        assert (found["candidates"], found["candidates_total"]) == ([], 0)


def test_a_context_shows_the_latest_questions() -> None:
    facts = [typed(f"e-{n}", n, email=ANA, cookie=f"c-{n}") for n in range(CLAIMS_COUNTED + 10)]
    found = customer_of(facts, "email", ANA)
    assert [each["evidence"]["id"] for each in found["candidates"]] == [
        f"e-{CLAIMS_COUNTED + 9 - n}" for n in range(CLAIMS_SHOWN)
    ]
    assert found["candidates_total"] == CLAIMS_COUNTED
    (question,) = customer_of(facts, "cookie", "c-7")["candidates"]
    assert (question["yours"], question["reason"]) == ("identifier", "shared")


@settings(max_examples=200, deadline=None)
@given(histories(), rules(), st.randoms())
def test_untried_claims_between_two_customers_are_withheld(steps: Sequence[Step], by: Rules, random: Any) -> None:
    graph = graph_of(steps)
    resolution = resolve(graph, by)
    found = withheld_claims(graph, resolution.shared, resolution.customer_of, frozenset(), by)
    tried = {(one.a, one.b) for one in resolution.refusals}
    for one in found:
        assert resolution.customer_of[one.a] != resolution.customer_of[one.b]
        assert (one.a, one.b) not in tried
    expected = {
        (edge.a, edge.b)
        for edge in graph.edges
        if not edge.firm
        and not is_active(edge, resolution.shared)
        and all(by.may_link(graph.profiles[end]) for end in (edge.a, edge.b))
        and resolution.customer_of[edge.a] != resolution.customer_of[edge.b]
    }
    assert {(one.a, one.b) for one in found} == expected
    assert all(is_withheld(edge, resolution.shared) for edge in graph.edges if (edge.a, edge.b) in expected)
    random.shuffle(steps := list(steps))
    again = graph_of(steps)
    other = resolve(again, by)
    also = withheld_claims(again, other.shared, other.customer_of, frozenset(), by)
    assert {(one.a, one.b): one for one in also} == {(one.a, one.b): one for one in found}
