"""Hand the records of an append to aiokafka's producer partition by partition.

aiokafka's ``send`` makes a future and an answer for each record, and copies sets to find its partition. Records of one
partition that are handed over together lie one behind another in one batch of the producer's: they are acknowledged
together, and their offsets follow one another, so the first one's future answers for all.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count, repeat
from typing import Any, NamedTuple
from zlib import crc32

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from cx_events.errors import TryLater
from cx_events.log.headers import headers_of
from cx_events.log.port import Record, RecordMetadata

Groups = Mapping[TopicPartition, Sequence[int]]
"""The places of an append's records in it, by the partition that each belongs to."""


class Run(NamedTuple):
    """Records of one append that lie one behind another in one batch.

    ``indexes``: their places in the append. ``first``: the future of the first one, with the broker's answer.
    """

    partition: TopicPartition
    indexes: Sequence[int]
    first: asyncio.Future[Any]


class ManagedProducer:
    """A producer, how many appends wait for it, and when each partition last acknowledged one (the loop's clock)."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self.client = producer
        self.waiting = 0
        self.idle = asyncio.Event()
        self.idle.set()
        self.retired = False
        self.acknowledged_at: dict[TopicPartition, float] = {}
        self._partitions: dict[str, list[TopicPartition]] = {}

    async def groups(self, prefix: str, records: Sequence[Record], deadline: float) -> Groups:
        """Return the records by partition, each partition's in their order. ``prefix``: put before the topics' names.

        A key's partition is its CRC-32 modulo their number, as of librdkafka's ``consistent``, whether the partition is
        available or not: a key never moves. Raises ``TimeoutError`` or aiokafka's errors where the broker does not
        describe a topic.
        """
        groups: dict[TopicPartition, list[int]] = {}
        last, partitions = "", list[TopicPartition]()
        for index, (topic, key, _, _, _) in enumerate(records):
            if topic != last:
                last, partitions = topic, await self._partitions_of(prefix + topic, deadline)
            partition = partitions[crc32(key) % len(partitions)]
            group = groups.get(partition)
            if group is None:
                groups[partition] = [index]
            else:
                group.append(index)
        return groups

    async def hand_over(self, groups: Groups, records: Sequence[Record], deadline: float, runs: list[Run]) -> None:
        """Give all records to the producer, and add to ``runs`` whose future answers for which of them.

        Where a partition's batch is full, wait until it is sent. Raises ``KafkaTimeoutError`` at the deadline (the
        loop's clock), or what a broken producer raises.
        """
        clock = asyncio.get_running_loop().time
        # aiokafka has no public way to add records to the batch that others add to: its send_batch sends one for each
        # append, partition after partition, which takes a round trip each.
        accumulator = self.client._message_accumulator
        for partition, indexes in groups.items():
            done = 0
            while done < len(indexes):
                begin = done
                record = records[indexes[done]]
                left = deadline - clock()
                first = await accumulator.add_message(
                    partition, record.key, record.value, left, headers=headers_of(record)
                )
                done += 1
                if done < len(indexes):  # nothing has run since: the record lies at the end of the latest batch
                    add = accumulator._batches[partition][-1]._builder.append
                    for index in indexes[done:]:
                        record = records[index]
                        headers = headers_of(record)
                        if add(timestamp=None, key=record.key, value=record.value, headers=headers) is None:
                            break
                        done += 1
                runs.append(Run(partition, indexes[begin:done], first))

    async def _partitions_of(self, topic: str, deadline: float) -> list[TopicPartition]:
        """Return the partitions of a topic. While a broker is away, others may name too few: they never get fewer."""
        known = self.client.client.cluster.partitions_for_topic(topic)
        if known is None:
            async with asyncio.timeout_at(deadline):
                known = await self.client.partitions_for(topic)
        partitions = self._partitions.get(topic)
        if partitions is None or len(partitions) < len(known):
            partitions = self._partitions[topic] = [TopicPartition(topic, number) for number in range(len(known))]
        return partitions


async def answers_to(runs: Iterable[Run], deadline: float) -> None:
    """Wait until the broker has answered for all. Raises ``TimeoutError`` at the deadline, or the first error."""
    loop = asyncio.get_running_loop()
    try:
        # One after another: few have to wait, since batches are acknowledged together.
        for run in runs:
            if not run.first.done():
                timer = loop.call_at(deadline, _expire, run.first)
                try:
                    await run.first
                finally:
                    timer.cancel()
            run.first.result()
    except KafkaError:
        await asyncio.wait([run.first for run in runs], timeout=max(deadline - loop.time(), 0.0))
        raise


def _expire(future: asyncio.Future[Any]) -> None:
    if not future.done():
        future.set_exception(TimeoutError())


def late_partitions(groups: Groups, runs: Iterable[Run]) -> Iterator[TopicPartition]:
    """Yield the partitions from which an answer is missing after the deadline."""
    answered = {index for run in runs if _is_answered(run.first) for index in run.indexes}
    for partition, indexes in groups.items():
        if not answered.issuperset(indexes):
            yield partition


def _is_answered(future: asyncio.Future[Any]) -> bool:
    return future.done() and not future.cancelled() and not isinstance(future.exception(), TimeoutError)


def metadata_of(records: Sequence[Record], runs: Iterable[Run]) -> list[RecordMetadata]:
    """Return where each record lies, in their order. All ``runs`` are answered."""
    if len(records) == 1:
        (run,) = runs
        return [_record_metadata(records[0].topic, run.first.result())]
    found: dict[int, RecordMetadata] = {}
    for run in runs:
        first = _record_metadata(records[run.indexes[0]].topic, run.first.result())
        places = map(RecordMetadata, repeat(first.topic), repeat(first.partition), count(first.offset))
        found.update(zip(run.indexes, places, strict=False))
    return [found[index] for index in range(len(records))]


def _record_metadata(topic: str, answer: Any) -> RecordMetadata:
    """Return where the record lies that was answered for."""
    if answer.offset < 0:
        # The broker knows the batch for a duplicate but not its offset any more: the records are stored somewhere.
        raise TryLater("log", f"{topic} holds the records already, but the broker does not tell their offsets")
    return RecordMetadata(topic, answer.partition, answer.offset)


def give_up(runs: Iterable[Run]) -> None:
    """Wait no longer for what is not answered. The records may be stored all the same."""
    for run in runs:
        if not run.first.cancel() and not run.first.cancelled():
            run.first.exception()  # retrieved: several runs of one append may fail together
