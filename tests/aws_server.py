"""SQS and Kinesis in this process, as their API references have them, each with events of Amazon Connect.

Both speak AWS's JSON protocols; every request's signature is worked out anew by botocore.
"""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.http_vendor import Asked, HttpVendor, Told, serving

from cx_channels.pollers.aws.queue import Pace
from cx_channels.pollers.aws.source import AwsSource, open_source
from cx_channels.pollers.aws.stream import Rhythm
from cx_channels.pollers.backoff import Pauses
from cx_channels.pollers.source import SourcePorts
from cx_channels.provider import Connection
from cx_channels.voice.amazon_connect import PROVIDER

KEY_ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
QUEUE = "arn:aws:sqs:eu-central-1:123456789012:acme-contacts"
STREAM = "arn:aws:kinesis:eu-central-1:123456789012:stream/acme-contacts"
BEGIN = 1_795_000_000
"""Of the first event, s since 1970."""


def contact_event(number: int) -> bytes:
    """Return what EventBridge passes on of a contact that was queued."""
    at = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(BEGIN + number))
    detail = {
        "contactId": f"c-{number}",
        "channel": "VOICE",
        "initiationMethod": "INBOUND",
        "eventType": "QUEUED",
        "initiationTimestamp": at,
        "queueInfo": {
            "queueArn": "arn:aws:connect:eu-central-1:123456789012:instance/i/queue/q",
            "enqueueTimestamp": at,
        },
    }
    given = {"version": "0", "id": f"e-{number}", "detail-type": "Amazon Connect Contact Event", "time": at}
    return json.dumps({**given, "source": "aws.connect", "region": "eu-central-1", "detail": detail}).encode()


class AwsVendor(HttpVendor):
    """A service of AWS. ``token``: the session token that is asked for beside the key; ``most``: of one answer."""

    provider = PROVIDER
    secrets = ()
    service = ""

    def __init__(self) -> None:
        super().__init__()
        self.token = ""
        self.most = 3
        self.pace = Pace(wait=0, hidden=1, idle=0.05)
        self.rhythm = Rhythm(0.05, 0.01, Pauses(0.01, 0.02))

    def open_source(self, connection: Connection, ports: SourcePorts) -> AwsSource:
        source = open_source(connection, ports)
        source.silence, source.pace, source.rhythm = self.faults.silence(1.0), self.pace, self.rhythm
        return source

    def number_of(self, event: dict[str, Any]) -> int:
        return int(event["data"]["interaction"].rpartition("-")[2])

    def answer(self, asked: Asked) -> Told:
        if self.faults.refuse:
            return refusal("UnrecognizedClientException", "The security token included in the request is invalid.")
        if not _is_signed(asked, self.service, self.token):
            return refusal("InvalidSignatureException", "The request signature we calculated does not match.")
        operation = asked.headers["x-amz-target"].rpartition(".")[2]
        return getattr(self, f"_{operation}")(json.loads(asked.body))  # type: ignore[no-any-return]

    def asked_for(self, operation: str) -> int:
        """How often something was asked for."""
        return sum(each.headers["x-amz-target"].endswith(f".{operation}") for each in self.got)


def _is_signed(asked: Asked, service: str, token: str) -> bool:
    headers = asked.headers
    names = headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    if not {"host", "x-amz-date", "x-amz-target"} <= set(names):
        return False
    kept = {name: headers[name] for name in names}
    request = AWSRequest("POST", f"http://{headers['host']}{asked.path}", data=asked.body, headers=kept)
    request.context["timestamp"] = headers["x-amz-date"]
    auth = SigV4Auth(Credentials(KEY_ID, SECRET), service, "eu-central-1")
    told = auth.string_to_sign(request, auth.canonical_request(request))
    is_right = headers["authorization"].endswith(f"Signature={auth.signature(told, request)}")
    return is_right and kept.get("x-amz-security-token", "") == token


def refusal(kind: str, message: str, status: int = 400) -> Told:
    """Return an error as AWS words it."""
    return Told({"__type": f"com.amazonaws#{kind}", "message": message}, status)


# --- SQS --------------------------------------------------------------------------------------------------------------


@dataclass
class Queued:
    """``visible_at``: s, monotonic."""

    body: str
    receives: int = 0
    visible_at: float = 0.0
    receipt: str = ""


class QueueServer(AwsVendor):
    """``messages``: what was not deleted, by its id."""

    service = "sqs"

    def __init__(self) -> None:
        super().__init__()
        self.messages: dict[str, Queued] = {}
        self._said = 0

    def say(self, number: int) -> None:
        self.send(contact_event(number).decode())

    def send(self, body: str) -> str:
        self._said += 1
        id = f"m-{self._said}"
        self.messages[id] = Queued(body)
        return id

    def _ReceiveMessage(self, asked: dict[str, Any]) -> Told:
        assert asked["QueueUrl"].endswith("/123456789012/acme-contacts")
        now = time.monotonic()
        waiting = [id for id, each in self.messages.items() if each.visible_at <= now]
        if self.faults.reorder:
            waiting.reverse()
        given = []
        for id in waiting[: min(self.most, asked["MaxNumberOfMessages"])]:
            message = self.messages[id]
            message.receives += 1
            message.receipt = f"{id}/{message.receives}"
            is_given_twice = self.faults.repeat and message.receives == 1
            message.visible_at = now if is_given_twice else now + asked["VisibilityTimeout"]
            counted = {"ApproximateReceiveCount": str(message.receives), "SentTimestamp": str(int(time.time() * 1000))}
            given.append(
                {"MessageId": id, "ReceiptHandle": message.receipt, "Body": message.body, "Attributes": counted}
            )
        return Told({"Messages": given} if given else {}, is_list=bool(given))

    def _DeleteMessageBatch(self, asked: dict[str, Any]) -> Told:
        return self._each(asked, lambda name, _: self.messages.pop(name))

    def _ChangeMessageVisibilityBatch(self, asked: dict[str, Any]) -> Told:
        def hide(id: str, entry: dict[str, Any]) -> None:
            self.messages[id].visible_at = time.monotonic() + entry["VisibilityTimeout"]

        return self._each(asked, hide)

    def _each(self, asked: dict[str, Any], do: Any) -> Told:
        done, failed = [], []
        for entry in asked["Entries"]:
            id = entry["ReceiptHandle"].partition("/")[0]
            if id in self.messages and self.messages[id].receipt == entry["ReceiptHandle"]:
                do(id, entry)
                done.append({"Id": entry["Id"]})
            else:
                failed.append({"Id": entry["Id"], "SenderFault": True, "Code": "ReceiptHandleIsInvalid"})
        return Told({"Successful": done, "Failed": failed})


# --- Kinesis ----------------------------------------------------------------------------------------------------------


@dataclass
class Shard:
    """``first``: the place of the oldest record that is kept."""

    parents: tuple[str, ...] = ()
    records: list[tuple[float, bytes]] = field(default_factory=list)
    first: int = 0
    is_closed: bool = False


class StreamServer(AwsVendor):
    """``shards``: open and closed ones. ``unlisted``: those that the list does not show yet. ``throttles``: so many
    requests for records are too many."""

    service = "kinesis"

    def __init__(self) -> None:
        super().__init__()
        self.shards = {"shardId-000000000000": Shard(), "shardId-000000000001": Shard()}
        self.unlisted: set[str] = set()
        self.hours = 24
        self.throttles = 0
        self._issued = 0
        self._late: list[int] = []

    def say(self, number: int) -> None:
        """Put a record; where the order is changed, one of two after the next."""
        if self.faults.reorder and number % 2:
            self._late.append(number)
            return
        for each in (number, *self._late):
            for _ in range(2 if self.faults.repeat else 1):  # a producer that had no answer puts it again
                self.put(contact_event(each), each)
        self._late.clear()

    def put(self, data: bytes, at: int = 0) -> None:
        """Put a record into one of the open shards."""
        open_ones = [each for each in self.shards.values() if not each.is_closed]
        open_ones[at % len(open_ones)].records.append((time.time(), data))

    def replace(self, *olds: str, by: int) -> list[str]:
        """Close shards, and open others in their place."""
        for old in olds:
            self.shards[old].is_closed = True
        made = [f"shardId-{len(self.shards) + more:012d}" for more in range(by)]
        self.shards |= {id: Shard(parents=olds) for id in made}
        return made

    def expire(self) -> None:
        """Have all iterators be too old."""
        self._issued += 1

    def _ListShards(self, asked: dict[str, Any]) -> Told:
        """List one a page."""
        names = [id for id in self.shards if id not in self.unlisted]
        at = int(asked.get("NextToken", "0"))
        shard = self.shards[names[at]]
        parents = dict(zip(("ParentShardId", "AdjacentParentShardId"), shard.parents, strict=False))
        more = {"NextToken": str(at + 1)} if at + 1 < len(names) else {}
        return Told({"Shards": [{"ShardId": names[at], **parents}], **more})

    def _DescribeStreamSummary(self, asked: dict[str, Any]) -> Told:
        return Told({"StreamDescriptionSummary": {"StreamARN": asked["StreamARN"], "RetentionPeriodHours": self.hours}})

    def _GetShardIterator(self, asked: dict[str, Any]) -> Told:
        shard = self.shards[asked["ShardId"]]
        kind, at = asked["ShardIteratorType"], shard.first
        if kind == "AFTER_SEQUENCE_NUMBER":
            at = int(asked["StartingSequenceNumber"]) - _SEQUENCES + 1
            if not 0 <= at <= len(shard.records):
                return refusal("InvalidArgumentException", "StartingSequenceNumber is invalid.")
        elif kind == "AT_TIMESTAMP":
            arrived = [place for place, (moment, _) in enumerate(shard.records) if moment >= asked["Timestamp"]]
            at = arrived[0] if arrived else len(shard.records)
        else:
            assert kind == "TRIM_HORIZON"
        return Told({"ShardIterator": f"{asked['ShardId']}/{at}/{self._issued}"})

    def _GetRecords(self, asked: dict[str, Any]) -> Told:
        if self.throttles:
            self.throttles -= 1
            return refusal("ProvisionedThroughputExceededException", "Rate exceeded for shard.")
        id, place, issued = asked["ShardIterator"].split("/")
        if int(issued) != self._issued:
            return refusal("ExpiredIteratorException", "Iterator expired.")
        shard, at = self.shards[id], max(int(place), self.shards[id].first)
        records = [
            {
                "SequenceNumber": str(_SEQUENCES + at + more),
                "ApproximateArrivalTimestamp": moment,
                "Data": b64encode(data).decode(),
                "PartitionKey": "k",
            }
            for more, (moment, data) in enumerate(shard.records[at : at + self.most])
        ]
        end = at + len(records)
        behind = int((time.time() - shard.records[end][0]) * 1000) + 1 if end < len(shard.records) else 0
        following: dict[str, Any] = {"NextShardIterator": f"{id}/{end}/{issued}"}
        if shard.is_closed and end == len(shard.records):
            following = {"ChildShards": [{"ShardId": each} for each, its in self.shards.items() if id in its.parents]}
        return Told({"Records": records, "MillisBehindLatest": behind, **following}, is_list=bool(records))


class BothServers(AwsVendor):
    """A queue and a stream at one address."""

    def __init__(self, queue: QueueServer, stream: StreamServer) -> None:
        super().__init__()
        self._queue = queue
        self._stream = stream

    def say(self, number: int) -> None:
        (self._stream if number % 2 else self._queue).say(number)

    def answer(self, asked: Asked) -> Told:
        is_queue = asked.headers["x-amz-target"].startswith("AmazonSQS.")
        return (self._queue if is_queue else self._stream).answer(asked)


_SEQUENCES = 49640000000000000000000000000000000000000000000000000000
"""The sequence number of the first record."""


@asynccontextmanager
async def queue_serving(**settings: Any) -> AsyncIterator[QueueServer]:
    """A queue that is served until the block ends. ``settings``: of the connection, besides where it is."""
    served = QueueServer()
    async with serving(served) as port:
        served.settings = {"queues": [QUEUE], **_settings(port), **settings}
        yield served


@asynccontextmanager
async def stream_serving(**settings: Any) -> AsyncIterator[StreamServer]:
    """A stream that is served until the block ends. ``settings``: of the connection, besides where it is."""
    served = StreamServer()
    async with serving(served) as port:
        served.settings = {"streams": [STREAM], **_settings(port), **settings}
        yield served


def _settings(port: int) -> dict[str, Any]:
    key = {"access_key_id": KEY_ID, "secret_access_key": SECRET}
    return {"endpoint": f"http://127.0.0.1:{port}", **key}
