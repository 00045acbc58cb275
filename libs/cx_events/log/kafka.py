"""Keep the log on Apache Kafka, through aiokafka.

aiokafka's defaults lose data (``acks=1``); here a record counts as stored when all in-sync replicas have it, and the
producer is idempotent. Such a producer can hang for good after some errors (aio-libs/aiokafka#1017), and it never gives
up a batch by itself. So a producer that failed, or that gets no acknowledgement from some partition any more, is
replaced by a new one, built in the background. A producer that is merely overloaded is kept.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from itertools import chain
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition, codec
from aiokafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError

from cx_events.cancellation import close_within, guard_cancellation
from cx_events.errors import Fatal, Refused, TryLater
from cx_events.log.declarations import MAX_MESSAGE_BYTES, Declarations, declared_topics
from cx_events.log.kafka_access import IN_CLEAR, Access, told_by
from cx_events.log.kafka_producer import (
    Groups,
    ManagedProducer,
    Run,
    answers_to,
    give_up,
    late_partitions,
    metadata_of,
)
from cx_events.log.kafka_reader import KafkaReader, close_consumer, open_consumer
from cx_events.log.kafka_topics import make_topics
from cx_events.log.port import (
    MAX_IN_FLIGHT_BYTES,
    InFlightAppends,
    Record,
    RecordMetadata,
    check_records,
    check_topic,
)

DEADLINE = 2.2
"""Seconds after which an append gives up."""

_REQUEST_MS = 2_000
_BATCH_BYTES = 256 << 10
_LZ4_LEVEL = 1
_METADATA_MS = 30_000
_CONNECT_SECONDS = 10.0
_CLOSE_SECONDS = 10.0
_LONGEST_PAUSE = 1.0


def _compress_lightly() -> None:
    """Set aiokafka's LZ4 level to 1, for the whole process.

    aiokafka (0.14) compresses at level 9 and has no setting for it. Level 1 shrinks events to 16% instead of 14%, in a
    tenth of the time; level 9 takes a tenth of all that intake costs.
    """
    codec.lz4_encode.__defaults__ = (_LZ4_LEVEL,)


class KafkaLog:
    """A log on the brokers ``servers`` (``HOST:PORT[,HOST:PORT]``).

    ``partitions``: of topics that are missing and get made. ``declared``: how these are kept, by topic, instead of the
    product's declarations with so many partitions. ``prefix``: put before the topics' names on the broker, so
    that tests and benchmarks can share one. ``max_in_flight``: bytes of all appends under way.
    """

    def __init__(
        self,
        servers: str,
        partitions: int = 8,
        *,
        access: Access = IN_CLEAR,
        prefix: str = "",
        declared: Declarations | None = None,
        max_in_flight: int = MAX_IN_FLIGHT_BYTES,
    ) -> None:
        self.servers = servers
        self.access = access
        self._in_flight = InFlightAppends(servers, max_in_flight)
        self.prefix = prefix
        self._declared = declared or declared_topics(partitions)
        self._counts: dict[str, int] = {}
        self._topics_made = False
        self._producer: asyncio.Task[ManagedProducer] | None = None
        self._last_error = "no answer"
        self._offsets_consumer: AIOKafkaConsumer | None = None
        self._offsets_lock = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()
        self._stopped = False

    async def start(self) -> None:
        self._stopped = False
        await self._current_producer(_deadline())

    async def stop(self) -> None:
        self._stopped = True
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.cancel()
            await asyncio.wait([producer])
            if not producer.cancelled() and producer.exception() is None:
                await producer.result().idle.wait()  # each append under way ends by its deadline
                await _close(producer.result().client)
        consumer, self._offsets_consumer = self._offsets_consumer, None
        if consumer is not None:
            await close_consumer(consumer)
        if self._closing:
            await asyncio.wait(self._closing)

    def check_capacity(self) -> None:
        self._in_flight.check()

    async def append(self, records: Sequence[Record]) -> list[RecordMetadata]:
        check_records(records, self._declared)
        if not records:
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
        producer = await self._current_producer(deadline)
        groups: Groups = {}
        runs: list[Run] = []
        producer.waiting += 1
        producer.idle.clear()
        try:
            with guard_cancellation("an append"):
                groups = await producer.groups(self.prefix, records, deadline)
                await producer.hand_over(groups, records, deadline, runs)
                await answers_to(runs, deadline)
            now = clock()
            for partition in groups:
                producer.acknowledged_at[partition] = now
            return metadata_of(records, runs)
        except (TimeoutError, KafkaTimeoutError):
            late = late_partitions(groups, runs)
            if not groups or any(producer.acknowledged_at.get(each, 0.0) < began for each in late):
                self._retire(producer)  # it hangs, or the broker is gone; otherwise it is merely overloaded
            raise TryLater("log", f"{self.servers} did not acknowledge within {DEADLINE} s") from None
        except MessageSizeTooLargeError:
            self._retire(producer)
            raise Refused("too-large", f"the topic's max.message.bytes is below {MAX_MESSAGE_BYTES}", 413) from None
        except (KafkaError, ConnectionError) as error:
            # After a failed batch the broker expects another sequence number, so this producer is useless now.
            self._retire(producer)
            raise TryLater("log", f"{self.servers}: {told_by(error)}") from error
        finally:
            give_up(runs)
            producer.waiting -= 1
            if not producer.waiting:
                producer.idle.set()
                if producer.retired:
                    # Not before: other appends may still be acknowledged by it, each until its own deadline.
                    self._in_background(_close(producer.client))

    def reader(self) -> KafkaReader:
        return KafkaReader(self.servers, self.access, self.prefix, self.partitions, self._declared)

    async def partitions(self, topic: str) -> int:
        check_topic(topic, self._declared)
        deadline = _deadline()
        producer = await self._current_producer(deadline)
        try:
            async with asyncio.timeout_at(deadline):
                with guard_cancellation("a request for partitions"):
                    found = len(await producer.client.partitions_for(self.prefix + topic))
        except (KafkaError, OSError) as error:
            raise TryLater("log", f"{self.servers} does not describe {topic}: {told_by(error)}") from error
        # While a broker is away, others may name too few partitions.
        self._counts[topic] = max(found, self._counts.get(topic, 0))
        return self._counts[topic]

    async def end_offsets(self, topic: str) -> dict[int, int]:
        ends: dict[int, int] = await self._ask_offsets(topic, lambda consumer, wanted: consumer.end_offsets(wanted))
        return ends

    async def begin_offsets(self, topic: str) -> dict[int, int]:
        begins: dict[int, int] = await self._ask_offsets(
            topic, lambda consumer, wanted: consumer.beginning_offsets(wanted)
        )
        return begins

    async def offsets_at(self, topic: str, timestamp: int) -> dict[int, int]:
        # Asked before: what is appended meanwhile then counts as later.
        ends = await self.end_offsets(topic)
        at = max(timestamp, 0)  # brokers take negative times for "the first" and "the last" record
        found = await self._ask_offsets(
            topic, lambda consumer, wanted: consumer.offsets_for_times(dict.fromkeys(wanted, at))
        )
        return {number: ends[number] if place is None else place.offset for number, place in found.items()}

    async def _ask_offsets(self, topic: str, ask: Callable[[Any, list[TopicPartition]], Awaitable[Any]]) -> Any:
        """Return what the broker answers about each partition of a topic, by number."""
        deadline = _deadline()
        count = await self.partitions(topic)
        wanted = [TopicPartition(self.prefix + topic, number) for number in range(count)]
        try:
            async with asyncio.timeout_at(deadline), self._offsets_lock:
                if self._offsets_consumer is None:
                    self._offsets_consumer = await open_consumer(self.servers, self.access)
                with guard_cancellation("a request for offsets"):
                    found = await ask(self._offsets_consumer, wanted)
        except (KafkaError, OSError, TimeoutError) as error:
            consumer, self._offsets_consumer = self._offsets_consumer, None
            if consumer is not None:
                self._in_background(close_consumer(consumer))
            raise TryLater("log", f"{self.servers} does not give the offsets of {topic}: {told_by(error)}") from error
        return {partition.partition: place for partition, place in found.items()}

    async def _current_producer(self, deadline: float) -> ManagedProducer:
        """Return the current producer, waiting for one that is being built. ``TryLater`` at the deadline, ``Fatal``."""
        if self._stopped:
            raise Fatal(f"the log {self.servers} is stopped")
        if self._producer is None or (
            self._producer.done() and (self._producer.cancelled() or self._producer.exception())
        ):
            self._producer = asyncio.create_task(self._build())
        if self._producer.done():
            return self._producer.result()
        try:
            async with asyncio.timeout_at(deadline):
                with guard_cancellation("the start of a producer"):
                    return await asyncio.shield(self._producer)
        except OSError as error:
            why = self._last_error if isinstance(error, TimeoutError) else told_by(error)
            raise TryLater("log", f"{self.servers}: {why}") from None

    async def _build(self) -> ManagedProducer:
        """Connect, again and again, with growing pauses."""
        pause = 0.1
        while True:
            try:
                return await self._connect()
            except (KafkaError, OSError, TimeoutError) as error:
                self._last_error = told_by(error)
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - so that not all come back at once
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _connect(self) -> ManagedProducer:
        if not self._topics_made:
            async with asyncio.timeout(_CONNECT_SECONDS):
                wanted = {self.prefix + topic: each for topic, each in self._declared.items()}
                await make_topics(self.servers, self.access, wanted)
            self._topics_made = True
        _compress_lightly()
        producer = AIOKafkaProducer(
            bootstrap_servers=self.servers,
            acks="all",
            enable_idempotence=True,
            compression_type="lz4",
            linger_ms=0,  # records gather while a request is under way; to wait as well costs timers and latency
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
                    for topic in self._declared:
                        found = len(await producer.partitions_for(self.prefix + topic))
                        self._counts[topic] = max(self._counts.get(topic, 0), found)
        except BaseException:
            self._in_background(_close(producer))
            raise
        return ManagedProducer(producer)

    def _retire(self, producer: ManagedProducer) -> None:
        """Build another producer; this one is closed once no append waits for it."""
        if producer.retired:
            return
        producer.retired = True
        if not self._stopped:
            self._producer = asyncio.create_task(self._build())

    def _in_background(self, work: Any) -> None:
        """Run what nobody waits for until ``stop``."""
        task = asyncio.ensure_future(work)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _deadline() -> float:
    return asyncio.get_running_loop().time() + DEADLINE


async def _close(producer: AIOKafkaProducer) -> None:
    """Close a producer and give up its pending batches, whose callers have their answer already."""
    # stop() first waits for every pending batch: for ever, where the broker is gone. aiokafka has no public way to give
    # batches up, and its sender fails over a batch that was given up and then leaves the connections open. So the
    # sender is cancelled first.
    sender = producer._sender.sender_task if producer._sender is not None else None
    if sender is not None:
        sender.cancel()
        await asyncio.wait([sender], timeout=_CLOSE_SECONDS)
    pending = producer._message_accumulator
    # Added to the pending ones, since a batch that was tried before removes itself from there when it ends.
    pending._pending_batches.update(chain.from_iterable(pending._batches.values()))
    pending.fail_all(KafkaError("the producer is closed"))
    for batch in pending._pending_batches:
        if batch._drain_waiter.done():
            batch._drain_waiter.exception()  # retrieved, or asyncio complains
    await close_within(producer.stop(), _CLOSE_SECONDS)
    await close_within(producer.client.close(), _CLOSE_SECONDS)
