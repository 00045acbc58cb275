"""The topics read with confluent-kafka and the CloudEvents SDK, as others read them."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial

import msgspec
import pytest
from anyio.to_thread import run_sync
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka, to_binary_event, to_structured_event
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from cloudevents.v1.kafka import KafkaMessage as OldKafkaMessage
from cloudevents.v1.kafka import from_binary, from_structured
from tests.confluent_client import Message, read_as_in_guide, read_topic, write_topic

from cx_context.change_notifications import ContextChange
from cx_events.codec import decode
from cx_events.log import CONTEXT_CHANGES, INTERACTIONS, LogRecord, Record
from cx_events.log.kafka import KafkaLog
from cx_events.log.port import MAX_RECORD_BYTES
from cx_events.testing.builders import ACME, START, an_event
from cx_events.testing.log_helpers import from_start, take
from cx_events.timestamps import format_time
from cx_ops.replay.marking import mark
from cx_ops.replay.topic_target import TopicTarget
from cx_projectors.records import read_batch

pytestmark = pytest.mark.kafka

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CUSTOMER = "8f0e41d2-7d2c-8a3b-9c1d-0123456789ab"
CHANGE = msgspec.json.encode(ContextChange("acme", CUSTOMER, 7, agents=["ben"]))


async def read(log: KafkaLog, topic: str, count: int = 1) -> Sequence[Message]:
    return await run_sync(read_topic, log.servers, log.prefix + topic, count)


async def test_events_are_structured_cloudevents_to_the_sdks(kafka_log: Callable[..., KafkaLog]) -> None:
    event = an_event(id="m-1", email="ana@example.com", interaction="chat-42", text="I was charged twice")
    log = kafka_log()
    await log.start()
    await log.append([Record(INTERACTIONS, event.key, event.raw, TRACE)])
    (message,) = await read(log, INTERACTIONS)
    assert (message.key, message.value) == (event.key, event.raw)
    assert message.headers == {
        "content-type": b"application/cloudevents+json",
        "traceparent": TRACE.encode(),
    }

    found = from_kafka(KafkaMessage(message.headers, message.key, message.value), JSONFormat())
    stored = json.loads(event.raw)
    assert (found.get_id(), found.get_source(), found.get_type()) == ("m-1", stored["source"], stored["type"])
    assert found.get_data() == stored["data"]
    assert found.get_extension("partitionkey") == stored["partitionkey"]
    assert found.get_extension("tenantid") == "acme"
    old = from_structured(OldKafkaMessage(message.headers, message.key, message.value))
    assert (old["id"], old["time"], old.get_data()) == ("m-1", format_time(START), found.get_data())


async def test_the_largest_record_is_read_as_well(kafka_log: Callable[..., KafkaLog]) -> None:
    value = random.Random(1).randbytes(MAX_RECORD_BYTES - 1)
    log = kafka_log(partitions=1)
    await log.start()
    await log.append([Record(INTERACTIONS, b"k", value), Record(INTERACTIONS, b"k", b"after")])
    assert [message.value for message in await read(log, INTERACTIONS, 2)] == [value, b"after"]


async def test_change_notices_are_binary_cloudevents_to_the_sdks(kafka_log: Callable[..., KafkaLog]) -> None:
    log = kafka_log()
    await log.start()
    key = bytes.fromhex(CUSTOMER.replace("-", ""))
    await log.append([Record(CONTEXT_CHANGES, key, CHANGE)])
    (message,) = await read(log, CONTEXT_CHANGES)
    assert (message.key, message.value) == (key, CHANGE)

    # The SDK would read a key as text; this one is the customer's 16 bytes, which the subject tells, too.
    found = from_kafka(KafkaMessage(message.headers, None, message.value), JSONFormat())
    assert (found.get_type(), found.get_source()) == ("cx.context.changed.v1", "//throughline/acme/contexts")
    assert (found.get_id(), found.get_subject()) == (f"{CUSTOMER}/7", CUSTOMER)
    assert found.get_datacontenttype() == "application/json"
    assert found.get_data() == {"tenant": "acme", "customer": CUSTOMER, "version": 7, "agents": ["ben"]}
    old = from_binary(OldKafkaMessage(message.headers, None, message.value))
    assert (old["id"], old["tenantid"], old.get_data()) == (f"{CUSTOMER}/7", "acme", found.get_data())


async def test_the_console_consumer_shows_events(kafka_log: Callable[..., KafkaLog]) -> None:
    event = an_event(id="m-1", email="ana@example.com", interaction="chat-42", text="I was charged twice")
    log = kafka_log()
    await log.start()
    await log.append([Record(INTERACTIONS, event.key, event.raw)])
    shown = ("print.key", "print.headers")
    tool = [sys.executable, "-m", "cx_hub", "stack", "tool", "console-consumer", "--bootstrap-server", log.servers]
    wanted = ["--topic", log.prefix + INTERACTIONS, "--from-beginning", "--max-messages", "1"]
    formatted = [word for name in shown for word in ("--formatter-property", f"{name}=true")]
    done = await run_sync(partial(subprocess.run, [*tool, *wanted, *formatted], capture_output=True, text=True))
    assert done.returncode == 0, done.stderr
    headers, key, value = done.stdout.splitlines()[-1].split("\t")
    assert headers == "content-type:application/cloudevents+json"
    assert (key.encode(), value.encode()) == (event.key, event.raw)


async def test_the_guides_consumer_reads_both_topics(kafka_log: Callable[..., KafkaLog]) -> None:
    event = an_event(id="m-1", email="ana@example.com", interaction="chat-42", text="I was charged twice")
    log = kafka_log()
    await log.start()
    await log.append([Record(INTERACTIONS, event.key, event.raw), Record(CONTEXT_CHANGES, b"\xff" * 16, CHANGE)])
    found = [
        await run_sync(read_as_in_guide, log.servers, log.prefix + topic) for topic in (INTERACTIONS, CONTEXT_CHANGES)
    ]
    assert found == ["m-1", f"{CUSTOMER}/7"]


def foreign_records() -> dict[str, tuple[bytes | None, bytes | None]]:
    """Return keys and values that a stranger may write to the topic of events, by what becomes of them."""
    event = an_event(id="m-1", email="ana@example.com", interaction="chat-42", text="I was charged twice")
    stored = json.loads(event.raw)
    sdk = CloudEvent({name: stored[name] for name in ("specversion", "id", "source", "type")}, stored["data"])
    binary, structured = to_binary_event(sdk), to_structured_event(sdk)
    return {
        "no JSON: undecodable": (b"k", b"hello"),
        "no event: undecodable": (b"k", b'{"hello": "you"}'),
        "a tombstone: undecodable": (event.key, None),
        "binary mode: undecodable": (b"k", binary.value),
        "no tenant: undecodable": (b"k", structured.value),
        "another tenant: unknown-tenant": (event.key, event.raw.replace(b'"acme"', b'"acne"')),
        "without a key: wrong-key": (None, event.raw),
        "another key: wrong-key": (b"k", event.raw),
        "as intake writes it: ": (event.key, event.raw),
    }


async def test_what_strangers_write_becomes_dead_letters(kafka_log: Callable[..., KafkaLog]) -> None:
    log = kafka_log(partitions=1)
    await log.start()
    await log.partitions(INTERACTIONS)  # which makes the topic
    foreign = foreign_records()

    messages = [Message(key, value) for key, value in foreign.values()]
    await run_sync(write_topic, log.servers, log.prefix + INTERACTIONS, messages)
    reader = await from_start(log)
    records = await take(reader, len(foreign))
    await reader.close()
    became = {}
    for what, record in zip(foreign, records, strict=True):
        batch = read_batch([record], lambda tenant: ACME if tenant == "acme" else None)
        became[what] = [letter.reason for letter in batch.unsettled]
        if letters := batch.unsettled:
            assert (letters[0].content, letters[0].place) == (record.value, f"{INTERACTIONS}/0/{record.offset}")
    assert became == {what: [what.partition(": ")[2]] if what[-1] != " " else [] for what in foreign}


async def test_records_without_headers_are_still_read(kafka_log: Callable[..., KafkaLog]) -> None:
    event = an_event(id="m-1", email="ana@example.com", interaction="chat-42", text="before there were headers")
    log = kafka_log(partitions=1)
    await log.start()
    await log.partitions(INTERACTIONS)  # which makes the topic

    await run_sync(write_topic, log.servers, log.prefix + INTERACTIONS, [Message(event.key, event.raw)])
    reader = await from_start(log)
    (record,) = await take(reader, 1)
    await reader.close()
    assert (record.key, record.value, list(record.headers), record.traceparent) == (event.key, event.raw, [], "")
    assert decode(record.value).id == "m-1"


async def test_a_replay_to_a_topic_keeps_them_cloudevents(kafka_log: Callable[..., KafkaLog]) -> None:
    event = an_event(id="m-1", email="ana@example.com", interaction="chat-42", text="once more")
    log = kafka_log()
    target = TopicTarget(log, INTERACTIONS, "run-1")
    await target.open(0)
    await target.send(
        [LogRecord(INTERACTIONS, 0, 0, event.key, event.raw, 0), LogRecord(CONTEXT_CHANGES, 0, 0, b"", CHANGE, 0)]
    )
    found = {message.value: message.headers for message in await read(log, INTERACTIONS, 2)}
    assert found[mark(event.raw, "run-1")] == {"content-type": b"application/cloudevents+json"}
    assert found[mark(CHANGE, "run-1")]["ce_id"] == f"{CUSTOMER}/7".encode()
