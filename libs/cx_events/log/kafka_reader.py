"""Reads the log on Kafka from offsets that the caller keeps."""

# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import CorruptRecordException, KafkaError, OffsetOutOfRangeError

from cx_events.cancellation import close_within, guard_cancellation, start_closing
from cx_events.errors import Fatal, TryLater
from cx_events.log.kafka_access import Access
from cx_events.log.kafka_topics import MAX_MESSAGE_BYTES
from cx_events.log.port import LogRecord, Partition, check_topic

if TYPE_CHECKING:
    from cx_events.log.kafka import KafkaLog

_CONNECT_SECONDS = 2.2
_CLOSE_SECONDS = 5.0
_LONG_POLL_MS = 250
_REQUEST_MS = 3_000
_SILENCE_SECONDS = 3.0
"""The broker answers every long poll, so a longer silence means that it doesn't."""


class KafkaReader:
    def __init__(self, log: KafkaLog) -> None:
        self._log = log
        self._offsets: dict[Partition, int] = {}
        self._assigned = False
        self._consumer: AIOKafkaConsumer | None = None
        self._held: deque[LogRecord] = deque()
        """Fetched but not yet given out; their offsets don't count as read."""
        self._polled = 0
        self._heard = 0.0

    def assign(self, offsets: Mapping[Partition, int]) -> None:
        for partition in offsets:
            check_topic(partition.topic)
        self._offsets = dict(offsets)
        self._held.clear()
        self._assigned = False

    async def read(self, max_records: int, *, max_bytes: int = 16 << 20, wait: float = 0.5) -> list[LogRecord]:
        if not self._offsets:
            await asyncio.sleep(wait)
            return []
        if not self._held:
            await self._fetch(max_records, wait)
        given: list[LogRecord] = []
        while self._held and len(given) < max_records:
            max_bytes -= len(self._held[0].value)
            if max_bytes < 0 and given:
                break
            given.append(self._held.popleft())
        for record in given:
            self._offsets[Partition(record.topic, record.partition)] = record.offset + 1
        return given

    async def close(self) -> None:
        await self._let_go()

    async def _fetch(self, max_records: int, wait: float) -> None:
        consumer = await self._ready()
        offsets = self._offsets
        try:
            with guard_cancellation("a read of the log"):
                batches = await consumer.getmany(timeout_ms=int(wait * 1000), max_records=max_records)
        except OffsetOutOfRangeError as error:
            raise await self._outside(consumer, error) from None
        except CorruptRecordException as error:
            raise Fatal(f"{self._log.servers} gave a damaged record: {error}") from error
        except (KafkaError, OSError) as error:
            await self._let_go()
            raise TryLater("log", f"{self._log.servers}: {error}") from error
        if self._offsets is not offsets:
            return  # assigned anew meanwhile
        for fetched in batches.values():
            self._held.extend(map(self._record, fetched))
        await self._listen(consumer)

    def _record(self, fetched: ConsumerRecord[bytes | None, bytes | None]) -> LogRecord:
        topic = fetched.topic.removeprefix(self._log.prefix)
        return LogRecord(
            topic, fetched.partition, fetched.offset, fetched.key or b"", fetched.value or b"", fetched.timestamp
        )

    async def _listen(self, consumer: AIOKafkaConsumer) -> None:
        """The consumer tries again without end and without a word; a log that doesn't answer is not an empty one."""
        now = asyncio.get_running_loop().time()
        polled = max((consumer.last_poll_timestamp(partition) or 0 for partition in consumer.assignment()), default=0)
        if self._held or polled != self._polled:
            self._polled, self._heard = polled, now
        elif now - self._heard > _SILENCE_SECONDS:
            await self._let_go()
            raise TryLater("log", f"{self._log.servers} has not answered for {_SILENCE_SECONDS:.0f} s")

    async def _ready(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            # Through the log first, which makes the topics.
            counts = {topic: await self._log.partitions(topic) for topic in {part.topic for part in self._offsets}}
            for topic, number in self._offsets:
                if not 0 <= number < counts[topic]:
                    raise Fatal(f"{topic} on {self._log.servers} has no partition {number}")
            try:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    self._consumer = await open_consumer(
                        self._log.servers,
                        self._log.access,
                        auto_offset_reset="none",
                        fetch_max_wait_ms=_LONG_POLL_MS,
                        max_partition_fetch_bytes=MAX_MESSAGE_BYTES,
                    )
            except (KafkaError, OSError, TimeoutError) as error:
                raise TryLater("log", f"{self._log.servers}: {error or 'no answer'}") from error
            self._assigned = False
        if not self._assigned:
            # In one go, without an await between: the consumer must not look for offsets of its own.
            at = {TopicPartition(self._log.prefix + part.topic, part.number): n for part, n in self._offsets.items()}
            self._consumer.assign(list(at))
            for partition, position in at.items():
                self._consumer.seek(partition, position)
            self._assigned = True
            self._polled, self._heard = 0, asyncio.get_running_loop().time()
        return self._consumer

    async def _outside(self, consumer: AIOKafkaConsumer, error: OffsetOutOfRangeError) -> Fatal:
        offsets: dict[TopicPartition, int] = error.args[0]
        holds = "something else"
        with suppress(KafkaError, OSError), guard_cancellation("a question for the log's bounds"):
            begin, end = await consumer.beginning_offsets(offsets), await consumer.end_offsets(offsets)
            holds = ", ".join(f"{begin[part]} to {end[part]}" for part in offsets)
        asked = ", ".join(f"position {n} of {part.topic}/{part.partition}" for part, n in offsets.items())
        return Fatal(
            f"{asked} is outside of the log {self._log.servers}, which holds {holds}: records were deleted, "
            "or the topic was made anew"
        )

    async def _let_go(self) -> None:
        consumer, self._consumer = self._consumer, None
        self._held.clear()
        self._assigned = False
        if consumer is not None:
            await close_consumer(consumer)


async def open_consumer(servers: str, access: Access, **settings: Any) -> AIOKafkaConsumer:
    """A consumer outside of any group: offsets are kept with what is made of the records."""
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
        start_closing(close_consumer(consumer), 2 * _CLOSE_SECONDS)  # whoever asked has waited long enough
        raise
    return consumer


async def close_consumer(consumer: AIOKafkaConsumer) -> None:
    """Let go of a consumer, its connections included, within a few seconds."""
    # stop() cancels the fetcher's tasks and awaits them (aiokafka 0.14, ``Fetcher.close``): if a fetch has just failed
    # and rests for 100 ms, stop() ends by CancelledError and leaves the connections open. So they are closed apart.
    await close_within(consumer.stop(), _CLOSE_SECONDS)
    await close_within(consumer._client.close(), _CLOSE_SECONDS)
