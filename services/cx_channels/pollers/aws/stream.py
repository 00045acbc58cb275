"""Read a stream of Amazon Kinesis: all of its shards in turn, each after the last record that was accepted.

docs.aws.amazon.com/kinesis/latest/APIReference. An iterator lasts for five minutes and is asked for anew; a shard
may be asked five times a second, by all who read it.
"""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass

from cx_channels.kit.aws.reading import Resource
from cx_channels.kit.json_values import number, objects, text
from cx_channels.pollers.aws.aggregated import user_records
from cx_channels.pollers.aws.api import AwsApi, AwsFailed
from cx_channels.pollers.aws.cursor import Moved, Places, ShardPlace
from cx_channels.pollers.aws.delivery import delivery_of
from cx_channels.pollers.aws.shards import ListedShards, begin, readable, resume
from cx_channels.pollers.backoff import Backoff, Pauses
from cx_channels.pollers.source import Delivery, SourcePorts, Step
from cx_events.errors import Refused
from cx_events.json_types import Json

RECORDS = 500
"""Of one answer at most; Kinesis gives 10 MB at most."""
_MOST_THROTTLED = 6
"""Requests in a row that were too many; then it is told as a failure."""
_PAUSES = Pauses(0.5, 10.0)
_NOTED = 600
"""Seconds after which it is stored that a quiet shard was read: what is unread for longer than it is kept is a gap."""
_GONE = "its place is unknown to Kinesis, and it is read from the oldest record that is kept"


@dataclass
class Rhythm:
    """Seconds. ``idle``: between two rounds over shards that have nothing new; ``busy``: while they do."""

    idle: float = 1.0
    busy: float = 0.25
    throttled: Pauses = _PAUSES


class StreamReader:
    """``since``: where it begins at the very start. ``random``: 0 to 1."""

    def __init__(
        self, api: AwsApi, stream: Resource, since: str, rhythm: Rhythm, ports: SourcePorts, random: Callable[[], float]
    ) -> None:
        self._api = api
        self._stream = stream
        self._since = since
        self._rhythm = rhythm
        self._ports = ports
        self._places: Places = {}
        self._listed: ListedShards = {}
        self._iterators: dict[str, str] = {}
        self._behind: dict[str, float] = {}
        self._backoff = Backoff(rhythm.throttled, random)
        self._throttled = 0

    async def steps(self, places: Places | None) -> AsyncGenerator[Moved, None]:
        """Yield a step for each answer with the places after it. ``places``: where to go on, None at the very start."""
        yield await self._open(places)
        while True:
            is_busy, finished = False, False
            for id in readable(self._places, self._listed):
                moved = await self._read(id)
                if moved is not None:
                    yield moved
                    is_busy = is_busy or bool(moved.step.deliveries) or self._behind.get(id, 0.0) > 0
                finished = finished or self._places[id].done
            if finished:
                yield await self._open(self._places)
            else:
                await asyncio.sleep(self._rhythm.busy if is_busy else self._rhythm.idle)

    async def _open(self, places: Places | None) -> Moved:
        """List the shards, and find the place in each."""
        self._listed = await self._shards()
        now, gap = self._now(), ""
        if places is None:
            self._places = begin(self._listed, self._since, now)
        else:
            self._places, gap = resume(places, self._listed, await self._kept_seconds(), now)
        return self._moved(Step(gap=f"{self._stream.arn}: {gap}" if gap else ""))

    async def _shards(self) -> ListedShards:
        found: dict[str, frozenset[str]] = {}
        asked: Json = {"StreamARN": self._stream.arn}
        while True:
            answered = await self._call("ListShards", asked)
            for each in objects(answered.get("Shards")):
                parents = (text(each.get("ParentShardId")), text(each.get("AdjacentParentShardId")))
                found[text(each.get("ShardId"))] = frozenset(filter(None, parents))
            token = text(answered.get("NextToken"))
            if not token:
                return found
            asked = {"NextToken": token}

    async def _kept_seconds(self) -> float:
        answered = await self._call("DescribeStreamSummary", {"StreamARN": self._stream.arn})
        summary = answered.get("StreamDescriptionSummary")
        hours = number(summary.get("RetentionPeriodHours")) if isinstance(summary, dict) else None
        return (24.0 if hours is None else hours) * 3600

    async def _read(self, id: str) -> Moved | None:
        """Return the step of what a shard has now, None where its iterator is too old."""
        gap = ""
        if id not in self._iterators:
            gap = await self._point(id)
        asked: Json = {"ShardIterator": self._iterators[id], "Limit": RECORDS, "StreamARN": self._stream.arn}
        try:
            answered = await self._call("GetRecords", asked)
        except AwsFailed as failed:
            if failed.kind != "ExpiredIteratorException":
                raise
            del self._iterators[id]
            return None
        records = objects(answered.get("Records"))
        following = text(answered.get("NextShardIterator"))
        self._iterators[id] = following
        self._behind[id] = float(number(answered.get("MillisBehindLatest")) or 0) / 1000
        before = self._places[id]
        is_last = not following and await self._has_all_listed(answered)
        self._places[id] = self._after(before, records, is_behind=self._behind[id] > 0, is_last=is_last)
        if not following:
            del self._iterators[id], self._behind[id]
        lag = max(self._behind.values(), default=0.0)
        step = Step(tuple(made for each in records for made in self._deliveries(id, each)), lag=lag, gap=gap)
        return self._moved(step) if self._places[id] != before or gap else Moved(step)

    async def _has_all_listed(self, answered: Json) -> bool:
        """Return whether the list has the shards that take the place of one that was read to its end. It may be late;
        until then that one is not done, and is asked again: nothing else would have us look for them."""
        children = {text(each.get("ShardId")) for each in objects(answered.get("ChildShards"))}
        if not children <= self._listed.keys():
            self._listed = await self._shards()
        return children <= self._listed.keys()

    def _after(self, before: ShardPlace, records: list[Json], *, is_behind: bool, is_last: bool) -> ShardPlace:
        if records:
            arrived = int(number(records[-1].get("ApproximateArrivalTimestamp")) or 0)
            return ShardPlace(text(records[-1].get("SequenceNumber")), 0, arrived or before.read_to, is_last)
        read_to, now = before.read_to, int(self._now())
        if not is_behind and now - read_to >= _NOTED:
            read_to = now
        return ShardPlace(before.after, before.at, read_to, is_last)

    async def _point(self, id: str) -> str:
        """Get an iterator at the shard's place; return what is lost where there is no such place."""
        place, gap = self._places[id], ""
        asked: Json = {"StreamARN": self._stream.arn, "ShardId": id}
        oldest: Json = {**asked, "ShardIteratorType": "TRIM_HORIZON"}
        if place.after:
            asked |= {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": place.after}
        elif place.at:
            asked |= {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": place.at}
        else:
            asked = oldest
        try:
            answered = await self._call("GetShardIterator", asked)
        except AwsFailed as failed:
            if failed.kind != "InvalidArgumentException" or asked is oldest:
                raise
            gap = f"{self._stream.arn}: {id}: {_GONE}"
            self._places[id] = ShardPlace()
            answered = await self._call("GetShardIterator", oldest)
        self._iterators[id] = text(answered.get("ShardIterator"))
        return gap

    async def _call(self, operation: str, asked: Json) -> Json:
        """Ask, more slowly where Kinesis wants that; raise ``AwsFailed`` where it goes on to want it."""
        while True:
            try:
                answered = await self._api.call(operation, asked)
            except AwsFailed as failed:
                self._throttled += 1
                if not failed.is_throttled or self._throttled >= _MOST_THROTTLED:
                    raise
                await asyncio.sleep(self._backoff.pause())
                continue
            self._throttled = 0
            self._backoff.reset()
            return answered

    def _deliveries(self, id: str, record: Json) -> Iterator[Delivery]:
        """Yield a record, or those that are aggregated in it."""
        name, written = f"{id}/{text(record.get('SequenceNumber'))}", text(record.get("Data"))
        try:
            data = b64decode(written, validate=True)
        except ValueError:
            yield self._delivery(name, written.encode(), "malformed: a record whose data is no base64")
            return
        try:
            bodies = user_records(data)
        except Refused as refused:
            yield self._delivery(name, data, f"{refused.reason}: {refused.detail}")
            return
        is_alone = len(bodies) == 1 and bodies[0] is data
        for at, body in enumerate(bodies):
            yield self._delivery(name if is_alone else f"{name}/{at}", body)

    def _delivery(self, name: str, body: bytes, lost: str = "") -> Delivery:
        headers = {"x-kinesis-stream": self._stream.arn, "x-kinesis-record": name}
        return delivery_of(name, body, headers, self._ports, lost)

    def _moved(self, step: Step) -> Moved:
        return Moved(step, self._stream.arn, dict(self._places))

    def _now(self) -> float:
        return self._ports.now() / 1_000_000
