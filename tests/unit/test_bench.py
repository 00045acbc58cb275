"""The benchmarks' pure parts: what is measured, and how ratios come about."""

from __future__ import annotations

import os
import socket
from collections import Counter
from zlib import crc32

import msgspec
import pytest
from tests.bench import requests
from tests.bench.benchmarks import main
from tests.bench.load import Wire
from tests.bench.measure import cpu_seconds, listener_on
from tests.bench.report import Result, compared, cpu_per_event, percentile, rounded, scaling, side, slower
from tests.bench.servers import servers
from tests.bench.workload import IDS, PARTITIONS, Workload, make_workload

from cx_channels.kit.twilio_signature import verify
from cx_channels.provider import Connection, Request
from cx_context.reference_definition import define
from cx_events.client_events import accept
from cx_events.codec import decode
from cx_events.errors import Refused
from cx_events.facts import Fact
from cx_events.timestamps import parse_time
from cx_identity.rules import DEFAULT
from cx_runtime.settings import Settings


@pytest.fixture(scope="module")
def workload() -> Workload:
    return make_workload(5_000)


def test_a_workload_is_repeatable_and_differs_by_seed(workload: Workload) -> None:
    assert make_workload(5_000) == workload
    assert make_workload(5_000, seed=5).records != workload.records


def test_events_have_the_size_and_spread_promised_for_benchmarks(workload: Workload) -> None:
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


def test_a_third_of_the_customers_span_three_partitions(workload: Workload) -> None:
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


def test_a_total_with_an_unknown_part_is_unknown() -> None:
    report = compared(0.3, [result(1, broker=None)], [result(10)], ("hub", "floor"))
    assert report["hub"]["cpu_seconds_per_100k"]["broker"] is None
    assert report["hub"]["cpu_seconds_per_100k"]["total"] is None
    assert report["met"] is False


def test_an_upper_bound_is_met_from_below() -> None:
    ours, theirs = [result(100, application=5.0)], [result(100, application=1.0)]
    report = compared(3.0, ours, theirs, ("hub", "floor"), worth=cpu_per_event, at_most=True)
    assert (report["ratio"], report["met"]) == (2.0, True)
    assert compared(1.9, ours, theirs, ("hub", "floor"), worth=cpu_per_event, at_most=True)["met"] is False


def test_a_value_unknown_on_one_side_has_no_ratio() -> None:
    report = compared(3.0, [result(1, broker=None)], [result(1)], ("hub", "floor"), worth=cpu_per_event, at_most=True)
    assert (report["ratio"], report["met"], report["ratios"]) == (None, None, [])


def latencies(p50: float, p99: float) -> Result:
    return Result(1_000, 1.0, {"application": 1.0}, requests=1_000, p50=p50, p99=p99)


def test_of_latencies_the_worse_ratio_counts() -> None:
    report = slower(1.4, [latencies(1.2, 30.0)], [latencies(1.0, 20.0)], ("hub", "floor"))
    assert (report["of"], report["ratio"], report["met"]) == ("p99", 1.5, False)
    assert (report["p50"]["ratio"], report["p99"]["ratio"]) == (1.2, 1.5)
    assert slower(1.4, [latencies(1.2, 20.0)], [latencies(1.0, 20.0)], ("hub", "floor"))["met"] is True


def test_a_small_ratio_keeps_three_digits() -> None:
    assert [rounded(value) for value in (1.23456, 0.12345, 0.012345, 0.00012345)] == [1.235, 0.123, 0.0123, 0.000123]


def test_customers_in_turn_have_as_many_events_each() -> None:
    some = make_workload(600, customers=30, in_turn=True)
    events = {event.id: event for event in (decode(value) for _, value in some.records)}
    assert set(Counter(event.data.interaction.split("-")[1] for event in events.values()).values()) == {20}


def test_two_workers_on_busy_cores_have_scaled_enough() -> None:
    cores = float(os.cpu_count() or 1)
    one = [Result(1_000, 1.0, {"application": 0.9})]
    idle, busy = ([Result(1_000, 1.0, {"application": cores * share})] for share in (0.5, 0.95))
    names = ("two", "one")
    assert scaling(1.5, idle, one, names)["met"] is False
    assert scaling(1.5, busy, one, names)["met"] is True
    assert scaling(1.5, busy, one, names)["cores_busy_share"] == 0.95


def test_a_side_reports_server_cost_and_client_load() -> None:
    run = Result(1_000, 2.0, {"application": 1.0}, requests=10, client_cpu=0.5, p50=1.0, p99=9.0)
    told = side([run])
    assert told["server_cpu_us_per_request"] == 100_000.0
    assert (told["requests_per_second"], told["client_cores_busy"]) == (5, 0.25)
    assert (told["p50_ms"], told["p99_ms"]) == (1.0, 9.0)


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(number) for number in range(1, 101)]
    assert [percentile(values, share) for share in (0.5, 0.99, 1.0)] == [50.0, 99.0, 100.0]
    assert percentile([7.0], 0.99) == 7.0


def test_webhooks_are_signed_as_the_provider_signs_them() -> None:
    first, second = requests.webhooks(2)
    assert requests.call_sid(first) != requests.call_sid(second)
    head, _, body = first.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    request = Request(body=body, url=requests.PUBLIC_URL + requests.HOOK, headers=headers)
    connection = Connection("bench-calls", "acme", "voice/twilio", (requests.TOKEN,))
    verify(request, connection)
    assert headers["content-length"] == str(len(body))


def test_events_of_the_benchmark_client_are_acceptable_and_realistic(workload: Workload) -> None:
    sent = list(requests.client_events(workload.records[:200]))
    for event in sent:
        accept(msgspec.json.decode(event), ids=IDS, recorded=parse_time("2026-11-22T12:00:00Z"))
    assert [len(event) for event in sent] == [len(value) for _, value in workload.records[:200]]


def test_batches_hold_whole_hundreds() -> None:
    events = [b'{"id":"%d"}' % number for number in range(250)]
    found = requests.batches(events, "key")
    assert [len(msgspec.json.decode(requests.body_of(each))) for each in found] == [100, 100]


class Heard(Wire):
    def __init__(self) -> None:
        super().__init__()
        self.answers: list[bytes] = []

    def answered(self, answer: bytes) -> None:
        self.answers.append(answer)


@pytest.mark.parametrize("size", [1, 7, 40, 1000])
@pytest.mark.parametrize(
    "answer", [b'HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{"a":\r\n\r\n1}', b"HTTP/1.1 204 No Content\r\n\r\n"]
)
def test_answers_are_read_whole_however_they_are_cut(answer: bytes, size: int) -> None:
    wire = Heard()
    for _ in range(3):
        for at in range(0, len(answer), size):
            wire.data_received(answer[at : at + size])
    assert wire.answers == [answer] * 3


def test_cpu_seconds_grow_with_work_and_need_a_process() -> None:
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


def test_an_unknown_benchmark_is_named() -> None:
    with pytest.raises(Refused, match="'faster' is none of projector_vs_floor"):
        main(["faster"])


def test_there_must_be_a_round() -> None:
    with pytest.raises(Refused, match="rounds"):
        main(rounds=0)


@pytest.mark.parametrize(
    "given", [{"log_url": "sqlite:////tmp/log.db"}, {"store_url": "sqlite+aiosqlite:////tmp/store.db"}]
)
def test_the_benchmarks_refuse_parts_that_they_do_not_measure(given: dict[str, str]) -> None:
    with pytest.raises(Refused, match="the benchmarks need"), servers(Settings(**given)):
        raise AssertionError("not to be reached")
