"""The benchmarks' pure parts: what is measured, and how ratios come about."""

from __future__ import annotations

import os
import socket
from collections import Counter
from zlib import crc32

import pytest
from tests.bench.benchmarks import main
from tests.bench.measure import cpu_seconds, listener_on
from tests.bench.report import Result, compared
from tests.bench.servers import servers
from tests.bench.workload import IDS, PARTITIONS, Workload, make_workload

from cx_context.definition import define
from cx_events.codec import decode
from cx_events.errors import Refused
from cx_events.facts import Fact
from cx_events.timestamps import parse_time
from cx_identity.rules import DEFAULT
from cx_runtime.settings import Settings


@pytest.fixture(scope="module")
def workload() -> Workload:
    return make_workload(5_000)


def test_the_same_events_come_out_every_time_and_others_from_another_seed(workload: Workload) -> None:
    assert make_workload(5_000) == workload
    assert make_workload(5_000, seed=5).records != workload.records


def test_events_are_of_the_size_and_spread_that_the_benchmarks_promise(workload: Workload) -> None:
    assert 600 < workload.mean_bytes < 700
    events = [decode(value) for _, value in workload.records]
    sent = Counter(event.id for event in events)
    assert len(sent) == workload.events == 5_000
    assert 25 < sum(count > 1 for count in sent.values()) < 90
    late = [parse_time(e.recordedtime) - parse_time(e.time) for e in events if e.time != e.recordedtime]
    assert 25 < len(late) < 90
    assert min(late) >= 60_000_000
    by_partition = Counter(crc32(key) % PARTITIONS for key, _ in workload.records)
    assert min(by_partition.values()) > 5_000 / PARTITIONS / 2


def test_a_third_of_the_customers_have_three_identifiers_on_three_partitions(workload: Workload) -> None:
    partitions: dict[str, set[int]] = {}
    for key, value in workload.records:
        customer = decode(value).data.interaction.split("-")[1]
        partitions.setdefault(customer, set()).add(crc32(key) % PARTITIONS)
    assert len(partitions["0"]) == 3
    assert all(len(found) == 1 for customer, found in partitions.items() if int(customer) % 3)


def test_the_hot_customer_has_the_share_asked_for() -> None:
    hot = make_workload(2_000, hot_share=0.3)
    of_hot = sum(b'"interaction":"chat-0-' in value for _, value in hot.records)
    assert 0.27 < of_hot / len(hot.records) < 0.36


def test_the_expected_customers_are_those_of_the_definition() -> None:
    some = make_workload(1_500)
    facts = {fact.key: fact for fact in (Fact(decode(value), value, IDS) for _, value in some.records)}
    whole = define(facts.values(), IDS, DEFAULT)
    assert len(whole.customer_of) == some.profiles
    assert len(set(whole.customer_of.values())) == some.customers


def result(rate: float, application: float = 1.0, broker: float | None = 1.0) -> Result:
    return Result(1_000, 1_000 / rate, {"application": application, "postgres": 2.0, "broker": broker})


def test_a_ratio_is_the_median_of_pairs_measured_together() -> None:
    ours, theirs = [result(300), result(100), result(400)], [result(1000), result(200), result(1000)]
    report = compared(0.3, ours, theirs, ("hub", "floor"))
    assert (report["ratios"], report["ratio"], report["met"]) == ([0.3, 0.5, 0.4], 0.4, True)
    assert report["spread"] == pytest.approx(0.5)
    assert report["hub"]["events_per_second"] == 300
    assert report["hub"]["cpu_seconds_per_100k"]["total"] == 400.0


def test_a_total_is_not_told_where_a_part_of_it_is_unknown() -> None:
    report = compared(0.3, [result(1, broker=None)], [result(10)], ("hub", "floor"))
    assert report["hub"]["cpu_seconds_per_100k"]["broker"] is None
    assert report["hub"]["cpu_seconds_per_100k"]["total"] is None
    assert report["met"] is False


def test_cpu_seconds_grow_while_a_process_works_and_are_unknown_without_one() -> None:
    before = cpu_seconds(os.getpid())
    while (after := cpu_seconds(os.getpid())) == before:
        sum(range(100_000))
    assert before is not None
    assert after is not None
    assert after > before
    assert cpu_seconds(None) is None


def test_the_process_behind_a_port_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert listener_on("127.0.0.1", port) == os.getpid()
    assert listener_on("127.0.0.1", port) is None
    assert listener_on("kafka.example.com", port) is None


def test_a_benchmark_that_there_is_not_is_named() -> None:
    with pytest.raises(Refused, match="'faster' is none of projector_vs_floor"):
        main(["faster"])


def test_rounds_must_be_counted() -> None:
    with pytest.raises(Refused, match="rounds"):
        main(rounds=0)


@pytest.mark.parametrize(
    "given", [{"log_url": "sqlite:////tmp/log.db"}, {"store_url": "sqlite+aiosqlite:////tmp/store.db"}]
)
def test_the_benchmarks_refuse_parts_that_they_do_not_measure(given: dict[str, str]) -> None:
    with pytest.raises(Refused, match="the benchmarks need"), servers(Settings(**given)):
        raise AssertionError("not to be reached")
