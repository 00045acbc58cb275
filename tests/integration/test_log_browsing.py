"""The log is browsed newest or oldest record first, by place, time and filter, within bounds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from cx_events.errors import Refused
from cx_events.log import DEAD_LETTERS, INTERACTIONS, Log, Record
from cx_events.log.sqlite import SqliteLog
from cx_events.testing.builders import ACME, an_event
from cx_ops.log_browsing import windows
from cx_ops.log_browsing.cursors import PagePlace, decode_cursor, encode_cursor
from cx_ops.log_browsing.filters import RecordFilter
from cx_ops.log_browsing.lines import line_of
from cx_ops.log_browsing.pages import LogPage, PageLimits, follow, read_page
from cx_ops.log_browsing.records import BrowsedRecord
from cx_ops.log_browsing.seeking import Seek
from cx_ops.log_browsing.walk import Order

PARTITIONS = 4


@pytest.fixture(params=["sqlite", pytest.param("kafka", marks=pytest.mark.kafka)])
def closed_log(request: pytest.FixtureRequest, tmp_path: Path) -> Log:
    if request.param == "kafka":
        made: Log = request.getfixturevalue("kafka_log")(partitions=PARTITIONS)
        return made
    return SqliteLog(tmp_path / "log.db", PARTITIONS)


@pytest.fixture
async def log(closed_log: Log) -> AsyncIterator[Log]:
    await closed_log.start()
    yield closed_log
    await closed_log.stop()


async def append(
    log: Log, count: int, *, key: str = "", value: Callable[[int], bytes] = lambda n: b'{"n":%d}' % n
) -> None:
    """Records one after another, so that the log's time tells their order, over all partitions or with one key."""
    for number in range(count):
        await log.append([Record(INTERACTIONS, (key or f"key-{number}").encode(), value(number))])
        await asyncio.sleep(0.002)


def everything(record: BrowsedRecord) -> bool:
    return True


def numbers(page: LogPage) -> list[int]:
    return [record.member("n") for record in page.records]


async def a_page(log: Log, most: int, order: Order = "newest", **seek: int) -> LogPage:
    return await read_page(log, INTERACTIONS, Seek(order=order, **seek), everything, PageLimits(most))  # type: ignore[arg-type]


@pytest.mark.parametrize("most", [1, 3, 7, 30])
async def test_the_newest_records_come_first_across_partitions(log: Log, most: int) -> None:
    await append(log, 20)
    page = await a_page(log, most)
    assert numbers(page) == list(range(19, -1, -1))[:most]
    assert page.is_last == (most > 20)


@pytest.mark.parametrize("order", ["newest", "oldest"])
async def test_pages_follow_each_other_without_gap_or_repetition(log: Log, order: Order) -> None:
    await append(log, 23)
    found: list[int] = []
    places = None
    while True:
        page = await read_page(log, INTERACTIONS, Seek(order=order, places=places), everything, PageLimits(5))
        assert len(page.records) <= 5
        found += numbers(page)
        if page.is_last:
            break
        cursor = encode_cursor(PagePlace(INTERACTIONS, order, page.places))
        places = decode_cursor(cursor, INTERACTIONS, order)
    assert found == (list(range(22, -1, -1)) if order == "newest" else list(range(23)))


async def test_what_comes_meanwhile_is_on_no_earlier_page(log: Log) -> None:
    await append(log, 6)
    first = await a_page(log, 3)
    await append(log, 4, value=lambda n: b'{"n":%d}' % (n + 100))
    second = await read_page(log, INTERACTIONS, Seek(places=first.places), everything, PageLimits(10))
    assert numbers(first) + numbers(second) == [5, 4, 3, 2, 1, 0]


async def test_reading_begins_at_a_time_or_ends_before_it(log: Log) -> None:
    await append(log, 12)
    whole = await a_page(log, 20, "oldest")
    at = whole.records[5].record.timestamp
    assert numbers(await a_page(log, 20, "oldest", since=at)) == list(range(5, 12))
    assert numbers(await a_page(log, 20, "newest", until=at)) == [4, 3, 2, 1, 0]
    assert numbers(await a_page(log, 20, "oldest", since=at + 60_000)) == []


async def test_reading_begins_at_an_offset_in_both_directions(log: Log) -> None:
    await append(log, 9, key="one")
    partition = (await a_page(log, 1)).records[0].record.partition
    assert numbers(await a_page(log, 3, "oldest", partition=partition, offset=4)) == [4, 5, 6]
    assert numbers(await a_page(log, 3, "newest", partition=partition, offset=4)) == [4, 3, 2]


@pytest.mark.parametrize(
    ("seek", "reason"),
    [
        ({"partition": 9}, "unknown-partition"),
        ({"partition": 0, "offset": 99}, "no-such-offset"),
        ({"offset": 1}, "bad-range"),
        ({"since": 5, "until": 5}, "bad-range"),
    ],
)
async def test_a_place_that_is_not_there_is_refused(log: Log, seek: dict[str, int], reason: str) -> None:
    with pytest.raises(Refused) as refused:
        await a_page(log, 1, **seek)
    assert refused.value.reason == reason


async def test_an_unknown_topic_is_refused(log: Log) -> None:
    with pytest.raises(Refused) as refused:
        await read_page(log, "cx.nothing", Seek(), everything, PageLimits(1))
    assert refused.value.reason == "unknown-topic"


async def test_a_page_looks_at_no_more_than_it_may(log: Log) -> None:
    await append(log, 12)
    page = await read_page(log, INTERACTIONS, Seek(), lambda _: False, PageLimits(5, scanned=4))
    assert (page.scanned, page.records, page.is_last) == (4, [], False)
    rest = await read_page(log, INTERACTIONS, Seek(places=page.places), everything, PageLimits(50))
    assert numbers(rest) == list(range(7, -1, -1))


async def test_a_page_holds_no_more_bytes_than_it_may(log: Log) -> None:
    large = b'{"n":%d,"text":"' + b"x" * 1000 + b'"}'
    await append(log, 5, value=lambda n: large % n)
    page = await read_page(log, INTERACTIONS, Seek(), everything, PageLimits(5, size=2_500))
    assert numbers(page) == [4, 3]
    rest = await read_page(log, INTERACTIONS, Seek(places=page.places), everything, PageLimits(5, size=1))
    assert numbers(rest) == [2]


@pytest.mark.parametrize("order", ["newest", "oldest"])
async def test_large_records_are_loaded_a_few_at_once(log: Log, order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cx_ops.log_browsing.walk.MOST_BYTES", PARTITIONS * 2_500)
    held: list[int] = []
    read = windows.read_windows

    async def counted(*given: object, **named: object) -> object:
        found = await read(*given, **named)  # type: ignore[arg-type]
        held.append(max(each.size for each in found.values()))
        return found

    monkeypatch.setattr("cx_ops.log_browsing.walk.read_windows", counted)
    large = b'{"n":%d,"text":"' + b"x" * 1000 + b'"}'
    await append(log, 15, key="one", value=lambda n: large % n)
    expected = list(range(15)) if order == "oldest" else list(range(14, -1, -1))
    assert numbers(await a_page(log, 20, order)) == expected
    assert max(held) <= 2_500


async def test_following_begins_where_the_page_ended(log: Log) -> None:
    await append(log, 5)
    page = await a_page(log, 2)
    await append(log, 3, value=lambda n: b'{"n":%d}' % (n + 100))
    coming: list[int] = []
    async for records in follow(log, INTERACTIONS, page.ends):
        coming += [record.member("n") for record in records]
        if len(coming) == 3:
            break
    assert sorted(coming) == [100, 101, 102]


async def test_records_are_picked_by_what_they_say(log: Log) -> None:
    events = [
        an_event(id="m-1", email="ana@example.com", interaction="chat-1", text="Where is my PARCEL?"),
        an_event("cx.conversation.note.v1", id="n-1", interaction="chat-1", data={"note": "called back"}),
        an_event(
            id="m-2",
            email="ben@example.com",
            interaction="chat-2",
            text="hello",
            source="//throughline/acme/connections/shop",
        ),
    ]
    for event in events:
        await log.append([Record(INTERACTIONS, event.key, event.raw)])
    await log.append([Record(INTERACTIONS, b"k", b"no JSON, but a parcel")])

    async def found(**wanted: str) -> list[str]:
        page = await read_page(log, INTERACTIONS, Seek(order="oldest"), RecordFilter(**wanted).matches, PageLimits(9))
        return [record.text("id") for record in page.records]

    assert await found(type="cx.message") == ["m-1", "m-2"]
    assert await found(type="cx.*.note.v1") == ["n-1"]
    assert await found(interaction="chat-1", type="cx.message.") == ["m-1"]
    assert await found(text="parcel") == ["m-1", ""]
    assert await found(connection="shop") == ["m-2"]
    assert await found(source=events[0].source, id="n-1") == ["n-1"]
    assert await found(key=events[2].key.decode()) == ["m-2"]
    assert await found(tenant="other") == []
    assert await found(tenant=ACME.tenant, text="HELLO") == ["m-2"]


@pytest.mark.parametrize(
    "value",
    [
        b'{"type":"cx.message.received.v1","data":{"message":{"text":"one\\ntwo\\u001b[2J\\u202eevil"}}}',
        b"no JSON\n\x1b[31mred",
        b"\xff\xfe",
        b'{"data":7,"type":[]}',
        b"",
    ],
)
async def test_a_line_is_one_line_and_steers_no_terminal(log: Log, value: bytes) -> None:
    for topic in (INTERACTIONS, DEAD_LETTERS):
        await log.append([Record(topic, b"k", value)])
        page = await read_page(log, topic, Seek(), everything, PageLimits(1))
        line = line_of(page.records[0])
        assert line.isprintable()
