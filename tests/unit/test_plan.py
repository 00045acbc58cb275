"""Test what the projector plans to change, from a batch's new events and what its cache knows."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_context.parts.event_kinds import makes_part
from cx_context.parts.model import Part
from cx_events.facts import Fact
from cx_events.ids import IdSpace
from cx_events.log import INTERACTIONS, LogRecord
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, SECOND, START, an_event
from cx_events.testing.histories import histories
from cx_identity.decisions import ATTRIBUTED, MERGED, RULES_CHANGED, UNMERGED
from cx_identity.evidence import links_of, sum_links
from cx_identity.first_mentions import (
    ATTESTED,
    NAMED,
    Mention,
    MentionKey,
    first_edges,
    mentions_in,
    pareto_front,
)
from cx_projectors.cache import ProjectionCache
from cx_projectors.plan import TenantPlan, plan_batch
from cx_projectors.records import Batch, read_batch

OTHER = IdSpace("other", b"another example key")
ANA = ACME.profile("email", "", "ana@example.com")
BEN = ACME.profile("email", "", "ben@example.com")


def read(*events: StampedEvent) -> Batch:
    records = [LogRecord(INTERACTIONS, 0, at, event.key, event.raw, 0) for at, event in enumerate(events)]
    return read_batch(records, {"acme": ACME, "other": OTHER}.get)


def planned(*events: StampedEvent, cache: ProjectionCache | None = None) -> list[TenantPlan]:
    """The plans of a batch whose events are all new."""
    batch = read(*events)
    return plan_batch(batch, batch.events.keys(), cache or ProjectionCache())


def message(number: int = 1, interaction: str = "chat-1", ids: IdSpace = ACME) -> StampedEvent:
    return an_event(
        id=f"m-{number}", email="ana@example.com", interaction=interaction, at=START + number * SECOND, ids=ids
    )


def decision(type: str, identity: dict[str, object], id: str = "d") -> StampedEvent:
    return an_event(type, id=id, data={"identity": identity})


def text(node: bytes) -> str:
    digits = node.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def ids_in(plan: TenantPlan) -> list[Sequence[str]]:
    """The event ids of each part."""
    return [[fact.event.id for fact in facts] for facts in plan.parts.values()]


def test_a_new_event_is_folded_and_mentions_its_profile() -> None:
    (plan,) = planned(message())
    assert (plan.tenant, ids_in(plan)) == ("acme", [["m-1"]])
    assert plan.new_interactions == {ACME.interaction("chat-1")}
    assert [key for key in plan.mentions if key[0] == NAMED] == [(NAMED, ANA, ANA)]
    assert plan.profiles[ANA].value == "ana@example.com"
    assert not (plan.link_events or plan.decisions or plan.attributions or plan.rule_changes)
    assert not plan.may_change_rules


def test_events_of_one_part_are_planned_together() -> None:
    (plan,) = planned(message(1), message(2), message(3, "chat-2"))
    assert ids_in(plan) == [["m-1", "m-2"], ["m-3"]]


def test_an_event_stored_already_is_not_planned() -> None:
    batch = read(message(1), message(2))
    (plan,) = plan_batch(batch, {key for key, event in batch.events.items() if event.fact.event.id == "m-2"},
                         ProjectionCache())  # fmt: skip
    assert ids_in(plan) == [["m-2"]]
    assert plan_batch(batch, set(), ProjectionCache()) == []


def test_a_copy_within_the_batch_is_planned_once() -> None:
    (plan,) = planned(message(), message())
    assert ids_in(plan) == [["m-1"]]


def test_what_the_cache_knows_is_not_planned() -> None:
    (fact,) = next(iter(planned(message(2))[0].parts.values()))
    cache = ProjectionCache()
    cache.parts[fact.part_id] = Part()
    earlier = Mention(START, (START, "//acme.example/chat", "m-0"), "", b"")
    cache.add({(kind, ANA, ANA): [earlier] for kind in (NAMED, ATTESTED)}, [])
    (plan,) = planned(message(2), cache=cache)
    assert ids_in(plan) == [["m-2"]]
    assert not (plan.new_interactions or plan.mentions or plan.profiles)


def test_an_event_earlier_than_the_cache_knows_is_mentioned() -> None:
    cache = ProjectionCache()
    later = START + 60 * SECOND
    cache.add({(NAMED, ANA, ANA): [Mention(later, (later, "//acme.example/chat", "m-9"), "", b"")]}, [])
    (plan,) = planned(message(), cache=cache)
    assert (NAMED, ANA, ANA) in plan.mentions


@given(histories(), st.integers(1, 5))
def test_plans_mention_all_that_comes_first_in_any_batches(history: list[StampedEvent], size: int) -> None:
    """What a cache knows is left out, and nothing else: the first mentions are those of all facts."""
    cache = ProjectionCache()
    known: dict[MentionKey, list[Mention]] = {}
    applied: dict[bytes, Fact] = {}
    for at in range(0, len(history), size):
        batch = read(*history[at : at + size])
        new = batch.events.keys() - applied.keys()
        applied |= {key: batch.events[key].fact for key in new}
        for plan in plan_batch(batch, new, cache):
            found = {key: pareto_front([*known.get(key, ()), *steps]) for key, steps in plan.mentions.items()}
            known |= found
            cache.add(found, plan.new_interactions)
    expected: dict[MentionKey, list[Mention]] = {}
    links = [(fact, links_of(fact, ACME)) for fact in applied.values() if makes_part(fact.event.type)]
    for fact, named in links:
        for key, step in mentions_in(named.profiles, named.edges, fact):
            expected.setdefault(key, []).append(step)
    assert known == {key: pareto_front(steps) for key, steps in expected.items()}
    _, edges = sum_links(named for _, named in links)
    assert {(edge.a, edge.b): edge for edge in first_edges(known)} == edges


def test_identifiers_of_one_person_are_tied() -> None:
    (plan,) = planned(an_event(id="e", email="ana@example.com", phone="+15550100101", interaction="chat-1"))
    phone = ACME.profile("phone", "", "+15550100101")
    assert plan.profiles.keys() == {ANA, phone}
    assert any(key[1:] == (min(ANA, phone), max(ANA, phone)) for key in plan.mentions if key[0] != NAMED)


def test_a_decision_is_in_no_part() -> None:
    (plan,) = planned(decision(MERGED, {"a": text(ANA), "b": text(BEN)}))
    (merge,) = plan.decisions
    assert (merge.kind, {merge.a, merge.b}) == ("merge", {ANA, BEN})
    assert plan.effective.keys() == {merge.key}
    assert not (plan.parts or plan.mentions or plan.new_interactions or plan.may_change_rules)


def test_a_withdrawal_may_change_the_rules() -> None:
    (plan,) = planned(decision(UNMERGED, {"decision": "//throughline/acme/decisions#1"}))
    assert plan.withdrawals == plan.decisions != []
    assert plan.may_change_rules


def test_an_attribution_names_its_interaction() -> None:
    (plan,) = planned(decision(ATTRIBUTED, {"interaction": "chat-1", "profile": text(ANA)}))
    (attribution,) = plan.attributions
    assert (attribution.interaction, attribution.profile) == (ACME.interaction("chat-1"), ANA)
    assert not plan.decisions


def test_a_change_of_rules_is_planned() -> None:
    (plan,) = planned(decision(RULES_CHANGED, {"rules": {"exclusive": ["crm"]}}))
    assert len(plan.rule_changes) == 1
    assert plan.may_change_rules


def test_a_decision_that_decides_nothing_changes_nothing() -> None:
    batch = read(decision(MERGED, {"a": "not an id", "b": text(BEN)}))
    (event,) = batch.events.values()
    assert event.problem is not None and event.left_out is None
    (plan,) = plan_batch(batch, batch.events.keys(), ProjectionCache())
    assert plan == TenantPlan("acme")


def test_an_unfoldable_event_is_not_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cx_identity.decisions.parse_node_id", lambda text: 1 // 0)
    batch = read(decision(MERGED, {"a": text(ANA), "b": text(BEN)}), message())
    assert [event.left_out for event in batch.events.values()] == ["unfoldable", None]
    (plan,) = plan_batch(batch, batch.events.keys(), ProjectionCache())
    assert not plan.decisions
    assert ids_in(plan) == [["m-1"]]


def test_links_that_raise_leave_their_event_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("cx_identity.evidence.make_edge", explode)
    batch = read(an_event(id="e", email="ana@example.com", phone="+15550100101"))
    (event,) = batch.events.values()
    assert (event.left_out, event.problem) == ("unfoldable", "not folded: ZeroDivisionError in explode")
    assert event.stream_id == ACME.tenant_node()
    assert plan_batch(batch, batch.events.keys(), ProjectionCache()) == []


def test_each_tenant_has_a_plan_in_order_of_names() -> None:
    plans = planned(message(1, ids=OTHER), message(1), message(2, ids=OTHER))
    assert [(plan.tenant, ids_in(plan)) for plan in plans] == [("acme", [["m-1"]]), ("other", [["m-1", "m-2"]])]
    assert plans[0].mentions.keys().isdisjoint(plans[1].mentions)


def test_a_profile_named_from_elsewhere_is_a_link_event() -> None:
    """Two people of one pair that ``data.links`` ties: neither need be the event's own stream."""
    pair = [{"kind": "email", "value": "ana@example.com"}, {"kind": "email", "value": "ben@example.com"}]
    event = an_event(
        "cx.identity.asserted.v1", id="a", interaction="chat-1", data={"links": [pair], "evidence": "crm"}
    )  # fmt: skip
    (plan,) = planned(event)
    assert {profile for profile, _ in plan.link_events} == {ANA, BEN}
    assert any({a, b} == {ANA, BEN} for _, a, b in plan.mentions)
