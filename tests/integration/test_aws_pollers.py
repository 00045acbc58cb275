"""Queues and streams of AWS, read by a keeper on a real log and store: what only they can do to us."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from tests.aggregated_records import aggregated, sealed
from tests.aws_server import (
    STREAM,
    AwsVendor,
    BothServers,
    contact_event,
    queue_serving,
    refusal,
    stream_serving,
)
from tests.http_vendor import serving
from tests.patience import PATIENCE
from tests.polled import POLLED, Polled, polled, until
from tests.stores import sqlite_store

from cx_channels.pollers.aws.cursor import read_cursor
from cx_channels.pollers.backoff import Pauses
from cx_channels.pollers.keeper import PollerKeeper
from cx_channels.pollers.report import PollerReport
from cx_context.store import open_store
from cx_events.blob.folder import FolderBlobs
from cx_events.log.sqlite import SqliteLog

pytestmark = pytest.mark.clock


@asynccontextmanager
async def reading(vendor: AwsVendor, folder: Path) -> AsyncIterator[Polled]:
    log, store, blobs = SqliteLog(folder / "log.db", 3), open_store(sqlite_store(folder)), FolderBlobs(folder / "blobs")
    for part in (log, store, blobs):
        await part.start()
    try:
        async with polled(vendor, log, store, blobs) as at:
            yield at
    finally:
        for part in (blobs, store, log):
            await part.stop()


def report(keeper: PollerKeeper) -> PollerReport:
    return keeper.running[POLLED].report if POLLED in keeper.running else PollerReport()


# --- SQS --------------------------------------------------------------------------------------------------------------


async def test_a_message_is_deleted_after_its_event_is_durable(tmp_path: Path) -> None:
    async with queue_serving() as queue, reading(queue, tmp_path) as at:
        at.log.broken = True
        queue.say(1)
        async with at.polling() as keeper:
            await until(lambda: report(keeper).state == "waiting")
            # It stays hidden for as long as the log does not take it, so that nobody else gets it.
            await until(lambda: queue.asked_for("ChangeMessageVisibilityBatch") >= 3)
            assert [each.receives for each in queue.messages.values()] == [1]
            assert not await at.events()
            at.log.broken = False
            await at.arrived([1])
            await until(lambda: not queue.messages)
        assert queue.asked_for("DeleteMessageBatch") == 1


async def test_what_no_adapter_reads_is_a_dead_letter(tmp_path: Path) -> None:
    async with queue_serving() as queue, reading(queue, tmp_path) as at:
        queue.send("no JSON")
        queue.send('{"source": "aws.other", "detail-type": "Something"}')
        queue.say(3)
        async with at.polling():
            await at.arrived([3])
            await until(lambda: not queue.messages)
        assert sorted(each.reason.partition(":")[0] for each in await at.letters()) == ["malformed", "unknown-kind"]


async def test_a_message_that_comes_for_ever_ends(tmp_path: Path) -> None:
    async with queue_serving(receives=3) as queue, reading(queue, tmp_path) as at:
        id = queue.send(contact_event(1).decode())
        queue.messages[id].receives = 3
        queue.say(2)
        async with at.polling():
            await at.arrived([2])
            await until(lambda: not queue.messages)
        (letter,) = await at.letters()
        assert letter.reason == "received-too-often"
        assert "4 times" in letter.detail


async def test_a_queue_that_is_not_there_is_a_refusal(tmp_path: Path) -> None:
    async with queue_serving() as queue, reading(queue, tmp_path) as at:
        queue.next_answers = [refusal("QueueDoesNotExist", "The specified queue does not exist.")]
        async with at.polling(refusals=Pauses(3600.0, 3600.0)) as keeper:
            await until(lambda: report(keeper).state == "refused")
            assert report(keeper).reason == "not-there"
            assert "The specified queue does not exist." in report(keeper).detail


# --- Kinesis ----------------------------------------------------------------------------------------------------------


async def test_shards_are_split_and_merged_without_loss(tmp_path: Path) -> None:
    async with stream_serving(since="beginning") as stream, reading(stream, tmp_path) as at:
        for number in range(1, 5):
            stream.say(number)
        two = list(stream.shards)
        async with at.polling():
            await at.arrived(range(1, 5))
            (one,) = stream.replace(*two, by=1)
            stream.say(5)
            await at.arrived(range(1, 6))
            stream.replace(one, by=3)
            for number in range(6, 9):
                stream.say(number)
            await at.arrived(range(1, 9))
        places = read_cursor(await at.cursor()).streams[STREAM]
        assert [id for id, place in places.items() if place.done] == [*two, one]
        before = stream.asked_for("GetRecords")
        for old in (*two, one):  # nothing is kept of them
            del stream.shards[old]
        async with at.polling() as keeper:
            await until(lambda: stream.asked_for("GetRecords") >= before + 3)
            assert not report(keeper).failed_at
        assert len(await at.events()) == 8


async def test_shards_that_are_listed_late_are_read(tmp_path: Path) -> None:
    async with stream_serving(since="beginning") as stream, reading(stream, tmp_path) as at:
        two = list(stream.shards)
        stream.unlisted = set(stream.replace(*two, by=2))
        for number in (1, 2):
            stream.say(number)
        async with at.polling() as keeper:
            before = stream.asked_for("ListShards")
            await until(lambda: stream.asked_for("ListShards") >= before + 6)
            assert not await at.events()
            stream.unlisted = set()
            await at.arrived([1, 2])
            assert not report(keeper).failed_at
        places = read_cursor(await at.cursor()).streams[STREAM]
        assert [id for id, place in places.items() if place.done] == two


async def test_aggregated_records_are_taken_apart(tmp_path: Path) -> None:
    async with stream_serving(since="beginning") as stream, reading(stream, tmp_path) as at:
        stream.put(aggregated(contact_event(1), contact_event(2), b"no JSON"))
        stream.put(sealed(b"\x1a\x7f"))
        stream.put(contact_event(3))
        async with at.polling():
            await at.arrived([1, 2, 3])
            async with asyncio.timeout(PATIENCE):
                while len(await at.letters()) < 2:
                    await asyncio.sleep(0.05)
        details = sorted(each.detail for each in await at.letters())
        assert "can't be read: it breaks off" in details[0]


async def test_the_order_within_a_key_survives_a_split(tmp_path: Path) -> None:
    async with stream_serving(since="beginning") as stream, reading(stream, tmp_path) as at:
        (one,) = stream.replace(*stream.shards, by=1)
        for number in range(1, 8):
            stream.say(number)
        (child,) = stream.replace(one, by=1)
        stream.say(8)
        asked: list[str] = []
        async with at.polling():
            await at.arrived(range(1, 9))
            asked += [
                msgspec.json.decode(each.body)["ShardIterator"].partition("/")[0]
                for each in stream.got
                if each.headers["x-amz-target"].endswith("GetRecords")
            ]
        assert asked.index(child) > max(at for at, shard in enumerate(asked) if shard == one)


async def test_an_iterator_that_expired_is_made_anew(tmp_path: Path) -> None:
    async with stream_serving(since="beginning") as stream, reading(stream, tmp_path) as at:
        stream.say(1)
        async with at.polling() as keeper:
            await at.arrived([1])
            stream.expire()
            stream.say(2)
            stream.say(3)
            await at.arrived([1, 2, 3])
            assert not report(keeper).failed_at
        assert len(await at.events()) == 3


async def test_throttling_is_waited_out_and_told(tmp_path: Path) -> None:
    async with stream_serving(since="beginning") as stream, reading(stream, tmp_path) as at:
        stream.throttles = 4
        stream.say(1)
        async with at.polling() as keeper:
            await at.arrived([1])
            assert not report(keeper).failed_at
            stream.throttles = 1_000_000
            await until(lambda: report(keeper).reason == "throttled")
            stream.throttles = 0
            stream.say(2)
            await at.arrived([1, 2])


async def test_what_a_stream_no_longer_keeps_is_told(tmp_path: Path) -> None:
    async with stream_serving(since="beginning") as stream, reading(stream, tmp_path) as at:
        stream.say(2)
        async with at.polling():
            await at.arrived([2])
        stream.hours = 0  # all that was there
        for number in (4, 6):
            stream.say(number)
        shard = stream.shards["shardId-000000000000"]
        shard.first = 2
        await asyncio.sleep(1.1)  # the place in the cursor is of whole seconds
        async with at.polling() as keeper:
            await until(lambda: report(keeper).reason == "gap")
            assert "shardId-000000000000 was not read for so long" in report(keeper).detail
            await at.arrived([2, 6])


async def test_a_stream_that_was_made_anew_is_read_anew(tmp_path: Path) -> None:
    async with stream_serving(since="beginning") as stream, reading(stream, tmp_path) as at:
        for number in (2, 4):
            stream.say(number)
        async with at.polling():
            await at.arrived([2, 4])
        stream.shards["shardId-000000000000"].records.clear()
        async with at.polling() as keeper:
            await until(lambda: report(keeper).reason == "gap")
            assert "its place is unknown" in report(keeper).detail
            stream.say(8)
            await at.arrived([2, 4, 8])


async def test_now_begins_after_what_lies_there(tmp_path: Path) -> None:
    async with stream_serving() as stream, reading(stream, tmp_path) as at:
        stream.shards["shardId-000000000000"].records.append((1.0, contact_event(1)))
        async with at.polling():
            await until(lambda: stream.asked_for("GetRecords") >= 2)
        stream.say(2)  # while nobody reads
        async with at.polling():
            await at.arrived([2])


# --- both -------------------------------------------------------------------------------------------------------------


async def test_queues_and_streams_are_read_beside_each_other(tmp_path: Path) -> None:
    async with queue_serving() as queue, stream_serving(since="beginning") as stream:
        both = BothServers(queue, stream)
        async with serving(both) as port:
            both.settings = {**queue.settings, **stream.settings, "endpoint": f"http://127.0.0.1:{port}"}
            both.settings["session_token"] = queue.token = stream.token = "a-session's+token/"
            async with reading(both, tmp_path) as at:
                queue.say(1)
                stream.say(2)
                async with at.polling():
                    await at.arrived([1, 2])
                    await until(lambda: not queue.messages)
                assert list(read_cursor(await at.cursor()).streams) == [STREAM]
