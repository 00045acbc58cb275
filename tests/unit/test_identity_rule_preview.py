"""A change of rules tried out: who would join or part, and why."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from tests.unit.identity_graphs import Step, graph_of, histories, rules
from tests.unit.test_identity_stories import ANA, ANA_AT_WORK, BEN, CRM_1, CRM_2, PHONE, Story, profile

from cx_identity.candidates import candidate_id
from cx_identity.resolution import resolve
from cx_identity.rule_preview import CustomerChange, RulesPreview, preview_rules
from cx_identity.rule_preview_json import preview_json
from cx_identity.rules import DEFAULT, Rules


def tried(story: Story, mapping: Mapping[str, object], examples: int = 10) -> RulesPreview:
    return preview_rules(story.graph(), story.rules, Rules.parse(mapping), examples)


def reasons(change: CustomerChange) -> list[tuple[str, str, str, str]]:
    return [(t.before.state, t.before.why, t.after.state, t.after.why) for t in change.because]


def test_a_couple_joins_where_two_addresses_may_share() -> None:
    story = Story()
    story.asserted(ANA, PHONE)
    story.asserted(BEN, PHONE)
    difference = tried(story, {"shared_after": {"phone": 2}})
    (joined,) = difference.joined
    assert set(joined.others) == {profile(ANA), profile(BEN), profile(PHONE)}
    why = f"{PHONE} is tied to 2 values of kind email; more than 1 are not one person"
    assert reasons(joined) == [("shared", why, "links", "asserted by seen-together")] * 2
    counts = difference.counts
    assert (counts.customers_before, counts.customers_after, counts.joined, counts.customers_joined) == (3, 1, 1, 3)
    assert (counts.parted, counts.candidates_appear, counts.candidates_vanish) == (0, 0, 1)
    (vanished,) = difference.vanish
    assert vanished.id == candidate_id(profile(PHONE))


def test_people_part_where_no_phone_may_be_shared() -> None:
    story = Story()
    story.seen(ANA, PHONE)
    (parted,) = tried(story, {"shared_after": {"phone": 0}}).parted
    assert set(parted.others) == {profile(ANA), profile(PHONE)}
    ((before, _, after, why),) = reasons(parted)
    assert (before, after) == ("links", "shared")
    assert why == f"{PHONE} is tied to 1 values of kind email; more than 0 are not one person"


@pytest.mark.parametrize(
    ("mapping", "state", "why"),
    [
        ({"never_link": ["email:*@work.example.com"]}, "never-links", f"{ANA_AT_WORK} never links"),
        ({"exclusive": ["email"]}, "refused", "on both sides stand values of the exclusive kind email"),
    ],
)
def test_the_guard_that_would_part_two_is_named(mapping: Mapping[str, object], state: str, why: str) -> None:
    story = Story()
    story.asserted(ANA, ANA_AT_WORK)
    (parted,) = tried(story, mapping).parted
    assert reasons(parted) == [("links", "asserted by seen-together", state, why)]


def test_two_crm_ids_join_where_nothing_is_exclusive() -> None:
    story = Story()
    story.proved(CRM_1, ANA)
    story.proved(CRM_2, ANA)
    (joined,) = tried(story, {"exclusive": []}).joined
    ((before, why, after, _),) = reasons(joined)
    assert (before, why, after) == ("refused", "on both sides stand values of the exclusive kind crm", "links")


def test_a_persons_decision_outranks_the_rules_that_are_tried() -> None:
    story = Story()
    story.merge(ANA, PHONE)
    story.seen(ANA, PHONE)
    story.seen(ANA, BEN)
    story.apart(ANA, BEN)
    difference = tried(story, {"shared_after": {"phone": 0}, "exclusive": []})
    assert (difference.joined, difference.parted) == ([], [])


def test_examples_are_bounded_and_counts_are_not() -> None:
    story = Story()
    for number in range(30):
        story.seen(f"email:p{number}@example.com", f"phone:+120255501{number:02}")
    difference = tried(story, {"shared_after": {"phone": 0}}, examples=3)
    assert (len(difference.parted), difference.counts.parted, len(difference.appear)) == (3, 30, 3)
    assert (difference.counts.candidates_appear, difference.counts.customers_parted) == (30, 60)
    json = preview_json(difference, story.graph().profiles)
    assert [set(one["from"]) for one in json["parted"]] == [{"profile", "kind", "value"}] * 3


@given(steps=histories(), before=rules(), after=rules())
def test_counts_and_changes_are_those_of_the_two_partitions(steps: list[Step], before: Rules, after: Rules) -> None:
    graph = graph_of(steps)
    difference = preview_rules(graph, before, after, examples=1000)
    was, now = (_partition(resolve(graph, by).customer_of) for by in (before, after))
    joined = {whole for whole in now if sum(part <= whole or bool(part & whole) for part in was) > 1}
    parted = {whole for whole in was if sum(bool(part & whole) for part in now) > 1}
    assert (difference.counts.joined, len(difference.joined)) == (len(joined), len(joined))
    assert (difference.counts.parted, len(difference.parted)) == (len(parted), len(parted))
    assert {next(whole for whole in now if change.one in whole) for change in difference.joined} == joined
    assert {next(whole for whole in was if change.one in whole) for change in difference.parted} == parted
    assert {change.profiles for change in difference.joined} == {len(whole) for whole in joined}
    for change in (*difference.joined, *difference.parted):
        assert change.because
        assert all("links" in (turned.before.state, turned.after.state) for turned in change.because)
        assert all(turned.before.state != turned.after.state for turned in change.because)
    back = preview_rules(graph, after, before, examples=1000)
    assert {change.one for change in back.parted} == {change.one for change in difference.joined}
    preview_json(difference, graph.profiles)


def _partition(customer_of: Mapping[bytes, bytes]) -> set[frozenset[bytes]]:
    members: dict[bytes, set[bytes]] = {}
    for profile_, customer in customer_of.items():
        members.setdefault(customer, set()).add(profile_)
    return {frozenset(of_one) for of_one in members.values()}


def test_the_rules_in_force_change_nothing() -> None:
    story = Story()
    story.seen(ANA, PHONE)
    difference = tried(story, DEFAULT.as_mapping())
    assert (difference.joined, difference.parted, difference.appear, difference.vanish) == ([], [], [], [])
