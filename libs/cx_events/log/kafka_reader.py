"""Read the log on Kafka from offsets that the caller keeps."""

# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import CorruptRecordException, KafkaError, OffsetOutOfRangeError

from cx_events.cancellation import close_within, guard_cancellation, start_closing
from cx_events.errors import Fatal, TryLater
from cx_events.log.declarations import MAX_MESSAGE_BYTES
from cx_events.log.headers import TRACEPARENT
from cx_events.log.kafka_access import Access, told_by
from cx_events.log.port import TOPICS, LogRecord, Partition, check_topic, ends_of

_CONNECT_SECONDS = 2.2
_CLOSE_SECONDS = 5.0
_LONG_POLL_MS = 250
_REQUEST_MS = 3_000
_SILENCE_SECONDS = 3.0
"""The broker answers every long poll, so a longer silence means that it is gone."""


class KafkaReader:
    """A reader of the topics whose names begin with ``prefix`` on the brokers.

    ``partitions``: how many partitions a topic has (``Log.partitions``), which also makes missing topics.
    """

    def __init__(
        self,
        servers: str,
        access: Access,
        prefix: str,
        partitions: Callable[[str], Awaitable[int]],
        known: Collection[str] = TOPICS,
    ) -> None:
        self._servers = servers
        self._access = access
        self._prefix = prefix
        self._known = known
        self._partitions = partitions
        self._offsets: dict[Partition, int] = {}
        self._assigned = False
        self._consumer: AIOKafkaConsumer | None = None
        self._fetched: deque[LogRecord] = deque()
        """Fetched and not returned yet; their offsets don't count as read."""
        self._last_poll = 0
        self._answered_at = 0.0

    def assign(self, offsets: Mapping[Partition, int]) -> None:
        for partition in offsets:
            check_topic(partition.topic, self._known)
        self._offsets = dict(offsets)
        self._fetched.clear()
        self._assigned = False

    async def read(self, max_records: int, *, max_bytes: int = 16 << 20, wait: float = 0.5) -> list[LogRecord]:
        if not self._offsets:
            await asyncio.sleep(wait)
            return []
        if not self._fetched:
            await self._fetch(max_records, wait)
        records: list[LogRecord] = []
        while self._fetched and len(records) < max_records:
            max_bytes -= len(self._fetched[0].value)
            if max_bytes < 0 and records:
                break
            records.append(self._fetched.popleft())
        self._offsets |= ends_of(records)
        return records

    async def close(self) -> None:
        await self._disconnect()

    async def _fetch(self, max_records: int, wait: float) -> None:
        consumer = await self._ready()
        offsets = self._offsets
        try:
            with guard_cancellation("a read of the log"):
                batches = await consumer.getmany(timeout_ms=int(wait * 1000), max_records=max_records)
        except OffsetOutOfRangeError as error:
            raise await self._out_of_range(consumer, error) from None
        except CorruptRecordException as error:
            raise Fatal(f"{self._servers} gave a damaged record: {error}") from error
        except (KafkaError, OSError) as error:
            await self._disconnect()
            raise TryLater("log", f"{self._servers}: {told_by(error)}") from error
        if self._offsets is not offsets:
            return  # assigned anew meanwhile
        for partition, fetched in batches.items():
            self._fetched.extend(_log_records(partition.topic.removeprefix(self._prefix), partition.partition, fetched))
        await self._check_answering(consumer)

    async def _check_answering(self, consumer: AIOKafkaConsumer) -> None:
        """Raise ``TryLater`` where the broker has been silent for too long.

        The consumer retries for ever and reports nothing: without this, a log that is down looks like an empty one.
        """
        now = asyncio.get_running_loop().time()
        polled = max((consumer.last_poll_timestamp(partition) or 0 for partition in consumer.assignment()), default=0)
        if self._fetched or polled != self._last_poll:
            self._last_poll, self._answered_at = polled, now
        elif now - self._answered_at > _SILENCE_SECONDS:
            await self._disconnect()
            raise TryLater("log", f"{self._servers} has not answered for {_SILENCE_SECONDS:.0f} s")

    async def _ready(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            # This also makes missing topics.
            counts = {topic: await self._partitions(topic) for topic in {part.topic for part in self._offsets}}
            for topic, number in self._offsets:
                if not 0 <= number < counts[topic]:
                    raise Fatal(f"{topic} on {self._servers} has no partition {number}")
            try:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    self._consumer = await open_consumer(
                        self._servers,
                        self._access,
                        auto_offset_reset="none",
                        fetch_max_wait_ms=_LONG_POLL_MS,
                        max_partition_fetch_bytes=MAX_MESSAGE_BYTES,
                    )
            except (KafkaError, OSError, TimeoutError) as error:
                raise TryLater("log", f"{self._servers}: {error or 'no answer'}") from error
            self._assigned = False
        if not self._assigned:
            # No await between assign and seek: the consumer must not look for offsets of its own.
            at = {TopicPartition(self._prefix + part.topic, part.number): n for part, n in self._offsets.items()}
            self._consumer.assign(list(at))
            for partition, position in at.items():
                self._consumer.seek(partition, position)
            self._assigned = True
            self._last_poll, self._answered_at = 0, asyncio.get_running_loop().time()
        return self._consumer

    async def _out_of_range(self, consumer: AIOKafkaConsumer, error: OffsetOutOfRangeError) -> Fatal:
        offsets: dict[TopicPartition, int] = error.args[0]
        holds = "other offsets"
        with suppress(KafkaError, OSError), guard_cancellation("a request for the log's bounds"):
            begin, end = await consumer.beginning_offsets(offsets), await consumer.end_offsets(offsets)
            holds = ", ".join(f"{begin[part]} to {end[part]}" for part in offsets)
        asked = ", ".join(f"offset {n} of {part.topic}/{part.partition}" for part, n in offsets.items())
        return Fatal(
            f"{asked} is outside of the log {self._servers}, which holds {holds}: records were deleted, "
            "or the topic was made anew"
        )

    async def _disconnect(self) -> None:
        consumer, self._consumer = self._consumer, None
        self._fetched.clear()
        self._assigned = False
        if consumer is not None:
            await close_consumer(consumer)


def _log_records(
    topic: str, number: int, fetched: Iterable[ConsumerRecord[bytes | None, bytes | None]]
) -> list[LogRecord]:
    """Return the records of a partition as the log's."""
    return [
        LogRecord(
            topic,
            number,
            record.offset,
            record.key or b"",
            record.value or b"",
            record.timestamp,
            _traceparent(record.headers) if record.headers else "",
            record.headers,
        )
        for record in fetched
    ]


def _traceparent(headers: Sequence[tuple[str, bytes]]) -> str:
    """Return the header ``traceparent`` (W3C Trace Context); "" without one that is ASCII."""
    for name, value in headers:
        if name == TRACEPARENT and value and value.isascii():
            return value.decode()
    return ""


async def open_consumer(servers: str, access: Access, **settings: Any) -> AIOKafkaConsumer:
    """Return a started consumer outside of any group: offsets are kept with what is made of the records."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=servers,
        group_id=None,
        enable_auto_commit=False,
        metadata_max_age_ms=30_000,
        request_timeout_ms=_REQUEST_MS,
        **access.settings(),
        **settings,
    )
    try:
        with guard_cancellation("a consumer's start"):
            await consumer.start()
    except BaseException:
        start_closing(close_consumer(consumer), 2 * _CLOSE_SECONDS)  # the caller has waited long enough
        raise
    return consumer


async def close_consumer(consumer: AIOKafkaConsumer) -> None:
    """Close a consumer and its connections within a few seconds."""
    # stop() cancels the fetcher's tasks and awaits them (aiokafka 0.14, ``Fetcher.close``). Where a fetch has just
    # failed and sleeps for 100 ms, it ends by CancelledError and leaves the connections open: so they are closed, too.
    await close_within(consumer.stop(), _CLOSE_SECONDS)
    await close_within(consumer._client.close(), _CLOSE_SECONDS)
