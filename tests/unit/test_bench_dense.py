"""The events of a hub's first weeks, and the pure parts of the profile over them."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.bench.dense_workload import make_dense_workload
from tests.bench.hubs.profiled import Profile
from tests.bench.profile_dense import folded, told, total
from tests.bench.report import Result
from tests.bench.sampling import by_function, sampled
from tests.bench.statements import Spent, short
from tests.bench.workload import IDS, Workload

from cx_context.reference_definition import define
from cx_events.codec import decode
from cx_events.facts import Fact
from cx_identity.rules import DEFAULT


@pytest.fixture(scope="module")
def workload() -> Workload:
    return make_dense_workload(4_000)


def test_dense_events_are_the_same_every_time(workload: Workload) -> None:
    assert make_dense_workload(4_000) == workload
    assert make_dense_workload(4_000, seed=15).records != workload.records


def test_everybody_has_some_four_identifiers(workload: Workload) -> None:
    assert 3 < workload.profiles / workload.customers < 5
    assert workload.events / workload.customers == pytest.approx(10, rel=0.2)
    assert 700 < workload.mean_bytes < 1000


def test_one_dense_event_in_a_hundred_comes_twice(workload: Workload) -> None:
    sent = Counter(decode(value).id for _, value in workload.records)
    assert len(sent) == workload.events == 4_000
    assert 20 < sum(count > 1 for count in sent.values()) < 80


def test_dense_customers_are_those_of_the_definition(workload: Workload) -> None:
    facts = {fact.key: fact for fact in (Fact(decode(value), value, IDS) for _, value in workload.records)}
    whole = define(facts.values(), IDS, DEFAULT)
    assert len(whole.customer_of) == workload.profiles
    assert len(set(whole.customer_of.values())) == workload.customers
    assert Counter(fact.stream_id for fact in facts.values()) == workload.people


def test_mail_alone_leaves_the_same_events(workload: Workload) -> None:
    alone = make_dense_workload(4_000, mail_only=True)
    assert (alone.customers, alone.profiles) == (workload.customers, workload.customers)
    assert alone.people == workload.people
    assert [key for key, _ in alone.records] == [key for key, _ in workload.records]
    known, plain = ([decode(value).data for _, value in each.records] for each in (workload, alone))
    for one, other in zip(known, plain, strict=True):
        one.participants = other.participants
        assert one == other


def test_a_statement_is_told_on_one_line() -> None:
    sql = """
        SELECT a FROM t
        WHERE id = ANY(ARRAY(SELECT substr($1::bytea, at, 16) FROM generate_series(1, length($1::bytea), 16) AS at))
    """
    assert short(sql) == "SELECT a FROM t WHERE id = ANY(ids($1))"


def test_samples_are_told_by_function_and_stack() -> None:
    stacks = Counter({("a", "b"): 2, ("a", "b", "a"): 1, ("c",): 4, (): 1})
    own, whole = by_function(stacks)
    assert own == {"b": 2, "a": 1, "c": 4}
    assert whole == {"a": 3, "b": 3, "c": 4}
    assert folded(Profile(0, 0, {}, [(("a", "b"), 2), (("c",), 4)])) == "a;b 2\nc 4\n"


def test_a_busy_function_is_sampled() -> None:
    def spin() -> int:
        return sum(number % 7 for number in range(1_000_000))

    with sampled(0.001) as stacks:
        while not stacks:
            spin()
    assert any("spin" in name for stack in stacks for name in stack)


def test_two_workers_profiles_add_up() -> None:
    one = Profile(10, 1, {"BEGIN": Spent(1, 0.5, 0.1)}, [(("a",), 1)])
    other = Profile(30, 2, {"BEGIN": Spent(2, 1.0, 0.3), "COMMIT": Spent(1, 1.0, 0.2)}, [(("a",), 2), (("b",), 1)])
    both = total([one, other])
    assert (both.applied, both.batches, both.statements["BEGIN"].calls) == (40, 3, 3)
    assert dict(both.stacks) == {("a",): 3, ("b",): 1}
    text = told(Result(100_000, 10.0, {"application": 5.0, "postgres": None, "broker": 0.1}), both, 5)
    assert "application 5.00, broker 0.10" in text
    assert "  0.400   500.00   1.00  BEGIN" in text
    assert "75.0%  a" in text
