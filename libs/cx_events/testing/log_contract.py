"""Hold a log to its contract. For another implementation, subclass and provide the fixture that each class names:

class TestMyLog(LogContract):
    @pytest.fixture
    def make_log(self, tmp_path): return lambda partitions=4: MyLog(tmp_path, partitions)
"""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from cx_events.errors import Fatal, Refused
from cx_events.log import (
    CONTEXT_CHANGES,
    DEAD_LETTERS,
    INTERACTIONS,
    STORES,
    Log,
    Partition,
)
from cx_events.log.port import MAX_RECORD_BYTES, TOPICS
from cx_events.testing.log_helpers import (
    MakeLog,
    from_start,
    record,
    take,
)
from cx_events.testing.log_reading_contract import LogReadingContract


class LogContract(LogReadingContract):
    """Appending, partitions and offsets, besides all that readers do. Provide ``make_log``, see ``LogFixtures``."""

    async def test_records_of_one_key_share_a_partition_in_order(self, log: Log) -> None:
        for n in range(5):
            await log.append([record(f"key-{k}", f"{k}:{n}") for k in range(20)])
        reader = await from_start(log)
        found = await take(reader, 100, max_records=7)
        for k in range(20):
            mine = [r for r in found if r.key == f"key-{k}".encode()]
            assert [r.value.decode() for r in mine] == [f"{k}:{n}" for n in range(5)]
            assert len({r.partition for r in mine}) == 1
        assert len({r.partition for r in found}) > 1
        await reader.close()

    async def test_a_trace_goes_with_its_record(self, log: Log) -> None:
        trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        await log.append([record("k", "1")._replace(traceparent=trace), record("k", "2"), record("k", "3")])
        await log.append([record("k", "4"), record("k", "5")._replace(traceparent=trace)])
        reader = await from_start(log)
        found = await take(reader, 5)
        assert [(r.value, r.traceparent) for r in found] == [
            (b"1", trace),
            (b"2", ""),
            (b"3", ""),
            (b"4", ""),
            (b"5", trace),
        ]
        await reader.close()

    async def test_records_say_what_they_hold(self, log: Log) -> None:
        trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        change = '{"tenant":"acme","customer":"c-1","version":7,"merged_into":"c-2"}'
        await log.append([record("k", "{}")._replace(traceparent=trace), record("k", "{}")])
        await log.append([record("k", "{}", DEAD_LETTERS), record("k", "{}", STORES)])
        await log.append([record("k", change, CONTEXT_CHANGES), record("k", "no change", CONTEXT_CHANGES)])
        await log.append([record("k", "{}")._replace(headers=[("content-type", b"text/plain"), ("odd", b"\xff\x00")])])
        event = ("content-type", b"application/cloudevents+json")
        assert await self._headers(log, INTERACTIONS, 3) == [
            [event, ("traceparent", trace.encode())],
            [event],
            [("content-type", b"text/plain"), ("odd", b"\xff\x00")],
        ]
        assert await self._headers(log, DEAD_LETTERS, 1) == [[("content-type", b"application/json")]]
        assert await self._headers(log, STORES, 1) == [[("content-type", b"application/json")]]
        changed, unreadable = await self._headers(log, CONTEXT_CHANGES, 2)
        assert dict(changed) == {
            "content-type": b"application/json",
            "ce_specversion": b"1.0",
            "ce_id": b"c-1/7/c-2",
            "ce_source": b"//throughline/acme/contexts",
            "ce_type": b"cx.context.changed.v1",
            "ce_subject": b"c-1",
            "ce_tenantid": b"acme",
        }
        assert unreadable == []

    async def test_a_notice_of_an_overdue_wait_says_so(self, log: Log) -> None:
        notice = '{"tenant":"acme","customer":"c-1","version":0,"overdue":{"id":"k-1/7/billing","queue":"billing"}}'
        await log.append([record("k", notice, CONTEXT_CHANGES)])
        ((*headers,),) = await self._headers(log, CONTEXT_CHANGES, 1)
        named = {name: value for name, value in headers if name in ("ce_id", "ce_source", "ce_type", "ce_subject")}
        assert named == {
            "ce_id": b"k-1/7/billing",
            "ce_source": b"//throughline/acme/waits",
            "ce_type": b"cx.wait.overdue.v1",
            "ce_subject": b"c-1",
        }

    async def _headers(self, log: Log, topic: str, count: int) -> list[list[tuple[str, bytes]]]:
        reader = await from_start(log, topic)
        found = [list(each.headers) for each in await take(reader, count)]
        await reader.close()
        return found

    async def test_the_largest_record_fits_and_no_larger_one(self, log: Log) -> None:
        noise = bytes(range(256)) * (MAX_RECORD_BYTES // 256)
        await log.append([record("", noise), record("", "after")])
        with pytest.raises(Refused) as refusal:
            await log.append([record("", "with it"), record("k", noise)])
        assert refusal.value.reason == "too-large"
        await log.append([record("", "last")])
        reader = await from_start(log)
        assert [r.value for r in await take(reader, 3)] == [noise, b"after", b"last"]
        await reader.close()

    async def test_an_unknown_topic_is_refused_everywhere(self, log: Log) -> None:
        with pytest.raises(Refused, match="unknown-topic"):
            await log.append([record("k", "v"), record("k", "v", "cx.elsewhere")])
        with pytest.raises(Refused, match="unknown-topic"):
            await log.partitions("cx.elsewhere")
        with pytest.raises(Refused, match="unknown-topic"):
            await log.end_offsets("cx.elsewhere")
        reader = log.reader()
        with pytest.raises(Refused, match="unknown-topic"):
            reader.assign({Partition("cx.elsewhere", 0): 0})
        await reader.close()
        assert set((await log.end_offsets(INTERACTIONS)).values()) == {0}

    async def test_end_offsets_tell_where_the_next_record_lands(self, log: Log) -> None:
        assert await log.end_offsets(CONTEXT_CHANGES) == {0: 0, 1: 0, 2: 0, 3: 0}
        first = await log.append([record(f"k{n}", topic=CONTEXT_CHANGES) for n in range(10)])
        ends = await log.end_offsets(CONTEXT_CHANGES)
        counted = Counter(at.partition for at in first)
        assert all(ends[number] >= counted[number] for number in range(4))
        (then,) = await log.append([record("k3", topic=CONTEXT_CHANGES)])
        assert then.offset == ends[then.partition]
        assert (await log.end_offsets(CONTEXT_CHANGES))[then.partition] == then.offset + 1

    async def test_records_and_offsets_outlive_the_log_object(self, log: Log, make_log: MakeLog) -> None:
        given = await log.append([record(f"k{n}", str(n)) for n in range(20)])
        await log.stop()
        again = make_log(partitions=4)
        await again.start()
        reader = await from_start(again)
        found = await take(reader, 20)
        assert {(r.partition, r.offset): r.value for r in found} == {
            (at.partition, at.offset): str(n).encode() for n, at in enumerate(given)
        }
        later = await again.append([record("k7", "later")])
        assert later[0].partition == given[7].partition
        assert later[0].offset > given[7].offset
        await reader.close()
        await again.stop()

    async def test_the_number_of_partitions_never_changes(self, log: Log, make_log: MakeLog) -> None:
        for partitions in (1, 16):
            again = make_log(partitions=partitions)
            await again.start()
            assert [await again.partitions(topic) for topic in TOPICS] == [4, 4, 4, 1]
            await again.stop()

    async def test_logs_that_start_at_once_agree(self, make_log: MakeLog) -> None:
        logs = [make_log(partitions=n + 1) for n in range(4)]
        await asyncio.gather(*(log.start() for log in logs))
        counts = {await log.partitions(INTERACTIONS) for log in logs}
        assert len(counts) == 1
        places = [(await log.append([record("same")]))[0] for log in logs]
        assert len({at.partition for at in places}) == 1
        await asyncio.gather(*(log.stop() for log in logs))

    async def test_appending_no_records_does_nothing(self, log: Log) -> None:
        assert await log.append([]) == []

    async def test_stopping_finishes_appends_under_way(self, log: Log, make_log: MakeLog) -> None:
        under_way = [asyncio.create_task(log.append([record(f"k{n}", str(n))])) for n in range(50)]
        await asyncio.sleep(0)
        await log.stop()
        offsets = [at for given in await asyncio.gather(*under_way) for at in given]
        assert len(set(offsets)) == 50
        again = make_log(partitions=4)
        await again.start()
        assert sum((await again.end_offsets(INTERACTIONS)).values()) == 50
        await again.stop()

    async def test_a_stopped_log_is_fatal(self, log: Log) -> None:
        await log.stop()
        with pytest.raises(Fatal, match="stopped"):
            await log.append([record("k", "v")])
