"""The log on Apache Kafka, through aiokafka.

aiokafka's defaults lose data (``acks=1``); here a record counts as stored when all in-sync replicas have it, and the
producer is idempotent. That producer can stick for good after some errors (aio-libs/aiokafka#1017), and it never gives
up a batch by itself; so one that failed, or of which a partition acknowledges nothing any more, is put aside and
another is built behind. One that only has more to do than it can is kept.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import Any
from zlib import crc32

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition, codec
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from cx_events.cancellation import close_within, guard_cancellation
from cx_events.errors import Fatal, Refused, TryLater
from cx_events.log.kafka_access import IN_CLEAR, Access
from cx_events.log.kafka_reader import KafkaReader, close_consumer, open_consumer
from cx_events.log.kafka_topics import MAX_MESSAGE_BYTES, make_topics
from cx_events.log.port import (
    MAX_IN_FLIGHT_BYTES,
    TOPICS,
    InFlightAppends,
    Record,
    RecordMetadata,
    check_records,
    check_topic,
    partition_count,
)

DEADLINE = 2.2
"""Seconds after which an append gives up."""

_REQUEST_MS = 2_000
_BATCH_BYTES = 256 << 10
_LZ4_LEVEL = 1
_LINGER_MS = 2
_METADATA_MS = 30_000
_CONNECT_SECONDS = 10.0
_CLOSE_SECONDS = 10.0
_LONGEST_PAUSE = 1.0


def _compress_lightly() -> None:
    """aiokafka (0.14) compresses LZ4 at level 9 and has no setting for it. Of events, level 1 makes 16% where level 9
    makes 14%, in a tenth of the time, which else is a tenth of what intake costs. It holds for the whole process."""
    codec.lz4_encode.__defaults__ = (_LZ4_LEVEL,)


class _Line:
    """A producer, how many appends still wait for it, and when each partition last acknowledged one."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self.producer = producer
        self.waiting = 0
        self.idle = asyncio.Event()
        self.idle.set()
        self.retired = False
        self.heard: dict[tuple[str, int], float] = {}


class KafkaLog:
    """``servers``: ``HOST:PORT[,HOST:PORT]``. ``partitions`` counts where a topic is missing and gets made.

    ``prefix`` stands before the topics' names on the broker, so that tests and benchmarks can share one.
    """

    def __init__(
        self,
        servers: str,
        partitions: int = 8,
        *,
        access: Access = IN_CLEAR,
        prefix: str = "",
        max_in_flight: int = MAX_IN_FLIGHT_BYTES,
    ) -> None:
        """``max_in_flight``: bytes of all appends under way."""
        self.servers = servers
        self.access = access
        self._in_flight = InFlightAppends(servers, max_in_flight)
        self.prefix = prefix
        self._partitions = partitions
        self._counts: dict[str, int] = {}
        self._topics_made = False
        self._line: asyncio.Task[_Line] | None = None
        self._trouble = "no answer"
        self._asker: AIOKafkaConsumer | None = None
        self._asking = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()
        self._stopped = False

    async def start(self) -> None:
        self._stopped = False
        await self._current_line(_deadline())

    async def stop(self) -> None:
        self._stopped = True
        line, self._line = self._line, None
        if line is not None:
            line.cancel()
            await asyncio.wait([line])
            if not line.cancelled() and line.exception() is None:
                await line.result().idle.wait()  # each append under way ends by its deadline
                await _close(line.result().producer)
        asker, self._asker = self._asker, None
        if asker is not None:
            await close_consumer(asker)
        if self._closing:
            await asyncio.wait(self._closing)

    def check_capacity(self) -> None:
        self._in_flight.check()

    async def append(self, records: Sequence[Record]) -> list[RecordMetadata]:
        if not check_records(records):
            return []
        ticket = self._in_flight.acquire(records)
        try:
            return await self._append(records)
        finally:
            self._in_flight.release(ticket)

    async def _append(self, records: Sequence[Record]) -> list[RecordMetadata]:
        clock = asyncio.get_running_loop().time
        began = clock()
        deadline = began + DEADLINE
        line = await self._current_line(deadline)
        acknowledged: list[asyncio.Future[Any]] = []
        line.waiting += 1
        line.idle.clear()
        try:
            async with asyncio.timeout_at(deadline):
                with guard_cancellation("an append"):
                    for topic, key, value in records:
                        acknowledged.append(await line.producer.send(self.prefix + topic, value, key))
                    told = await _all_of(acknowledged)
            offsets = [_position(record.topic, each) for record, each in zip(records, told, strict=True)]
            now = clock()
            for topic, partition, _ in offsets:
                line.heard[topic, partition] = now
            return offsets
        except TimeoutError:
            late = [each for each, future in zip_longest(records, acknowledged) if not _is_told(future)]
            if any(line.heard.get(self._place(each), 0.0) < began for each in late):
                self._retire(line)  # it sticks, or the broker is gone; else it only has too much to do
            raise TryLater("log", f"{self.servers} did not acknowledge within {DEADLINE} s") from None
        except MessageSizeTooLargeError:
            self._retire(line)
            raise Refused("too-large", f"the topic's max.message.bytes is below {MAX_MESSAGE_BYTES}", 413) from None
        except (KafkaError, ConnectionError) as error:
            # After any failed batch the broker expects another sequence number: this producer is of no more use.
            self._retire(line)
            raise TryLater("log", f"{self.servers}: {_text(error)}") from error
        finally:
            for future in acknowledged:
                if not future.cancel() and not future.cancelled():
                    future.exception()  # seen: several records of one append may fail together
            line.waiting -= 1
            if not line.waiting:
                line.idle.set()
                if line.retired:
                    # Not before: others may still get their acknowledgement from it, each until its own deadline.
                    self._behind(_close(line.producer))

    def reader(self) -> KafkaReader:
        return KafkaReader(self)

    async def partitions(self, topic: str) -> int:
        check_topic(topic)
        deadline = _deadline()
        line = await self._current_line(deadline)
        try:
            async with asyncio.timeout_at(deadline):
                with guard_cancellation("a question for partitions"):
                    found = len(await line.producer.partitions_for(self.prefix + topic))
        except (KafkaError, OSError) as error:
            raise TryLater("log", f"{self.servers} does not say what {topic} is: {_text(error)}") from error
        # While a broker is away its answers may be short.
        self._counts[topic] = max(found, self._counts.get(topic, 0))
        return self._counts[topic]

    async def end_offsets(self, topic: str) -> dict[int, int]:
        deadline = _deadline()
        count = await self.partitions(topic)
        wanted = [TopicPartition(self.prefix + topic, number) for number in range(count)]
        try:
            async with asyncio.timeout_at(deadline), self._asking:
                if self._asker is None:
                    self._asker = await open_consumer(self.servers, self.access)
                with guard_cancellation("a question for the log's end"):
                    ends = await self._asker.end_offsets(wanted)
        except (KafkaError, OSError, TimeoutError) as error:
            asker, self._asker = self._asker, None
            if asker is not None:
                self._behind(close_consumer(asker))
            raise TryLater("log", f"{self.servers} does not say where {topic} ends: {_text(error)}") from error
        return {partition.partition: offset for partition, offset in ends.items()}

    async def _current_line(self, deadline: float) -> _Line:
        """The producer of the moment; waits for one that is being built, until the deadline."""
        if self._stopped:
            raise Fatal(f"the log {self.servers} is stopped")
        if self._line is None or (self._line.done() and (self._line.cancelled() or self._line.exception())):
            self._line = asyncio.create_task(self._build())
        if self._line.done():
            return self._line.result()
        try:
            async with asyncio.timeout_at(deadline):
                with guard_cancellation("the building of a producer"):
                    return await asyncio.shield(self._line)
        except OSError as error:
            why = self._trouble if isinstance(error, TimeoutError) else _text(error)
            raise TryLater("log", f"{self.servers}: {why}") from None

    async def _build(self) -> _Line:
        pause = 0.1
        while True:
            try:
                return await self._connect()
            except (KafkaError, OSError, TimeoutError) as error:
                self._trouble = _text(error)
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - so that not all come back at once
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _connect(self) -> _Line:
        if not self._topics_made:
            async with asyncio.timeout(_CONNECT_SECONDS):
                wanted = {self.prefix + topic: partition_count(topic, self._partitions) for topic in TOPICS}
                await make_topics(self.servers, self.access, wanted)
            self._topics_made = True
        _compress_lightly()
        producer = AIOKafkaProducer(
            bootstrap_servers=self.servers,
            acks="all",
            enable_idempotence=True,
            compression_type="lz4",
            partitioner=_partition_of,
            linger_ms=_LINGER_MS,
            max_batch_size=_BATCH_BYTES,
            max_request_size=MAX_MESSAGE_BYTES,
            request_timeout_ms=_REQUEST_MS,
            metadata_max_age_ms=_METADATA_MS,
            **self.access.settings(),
        )
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                with guard_cancellation("a producer's start"):
                    await producer.start()
                    for topic in TOPICS:
                        found = len(await producer.partitions_for(self.prefix + topic))
                        self._counts[topic] = max(self._counts.get(topic, 0), found)
        except BaseException:
            self._behind(_close(producer))
            raise
        return _Line(producer)

    def _place(self, record: Record) -> tuple[str, int]:
        return record.topic, crc32(record.key) % max(self._counts.get(record.topic, 1), 1)

    def _retire(self, line: _Line) -> None:
        if line.retired:
            return
        line.retired = True
        if not self._stopped:
            self._line = asyncio.create_task(self._build())

    def _behind(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _partition_of(key: bytes, partitions: Sequence[int], _available: Sequence[int]) -> int:
    """As librdkafka's ``consistent`` does. aiokafka's own is murmur2 in Python, a third of an append's whole cost; and
    a partition that is not available at the moment is no reason to put a key elsewhere."""
    return crc32(key) % len(partitions)


async def _all_of(acknowledged: Sequence[asyncio.Future[Any]]) -> list[Any]:
    """What the broker told of each record, once it has of all. One after the other: records of one batch are told
    together, so few need be waited for; ``asyncio.wait`` would be called back by every one."""
    try:
        return [await future for future in acknowledged]
    except KafkaError:
        await asyncio.wait(acknowledged)
        raise


def _is_told(future: asyncio.Future[Any] | None) -> bool:
    """Whether the broker answered. The deadline cancels the one that is being waited for."""
    return future is not None and future.done() and not future.cancelled()


def _deadline() -> float:
    return asyncio.get_running_loop().time() + DEADLINE


def _position(topic: str, metadata: Any) -> RecordMetadata:
    if metadata.offset < 0:
        # The broker knows the batch as a duplicate but no longer where it lies: stored, at a place it can't tell.
        raise TryLater("log", f"{topic} has the records already, but the broker does not say where")
    return RecordMetadata(topic, metadata.partition, metadata.offset)


async def _close(producer: AIOKafkaProducer) -> None:
    """Let go of a producer. What is pending is given up: its callers have their answer."""
    # stop() first waits for every pending batch, and against a broker that is gone that would be for ever. aiokafka has
    # no public way to give batches up; and its sender, while it still tries, stumbles over one that was, which would
    # leave the connections open: so the sender goes first.
    sender = producer._sender.sender_task if producer._sender is not None else None
    if sender is not None:
        sender.cancel()
        await asyncio.wait([sender], timeout=_CLOSE_SECONDS)
    pending = producer._message_accumulator
    # Among the pending, too, since one that was tried before takes itself out from there when it ends.
    pending._pending_batches.update(chain.from_iterable(pending._batches.values()))
    pending.fail_all(KafkaError("the producer is closed"))
    for batch in pending._pending_batches:
        if batch._drain_waiter.done():
            batch._drain_waiter.exception()  # seen, or asyncio complains
    await close_within(producer.stop(), _CLOSE_SECONDS)
    await close_within(producer.client.close(), _CLOSE_SECONDS)


def _text(error: BaseException) -> str:
    return str(error) or type(error).__name__
