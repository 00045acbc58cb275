"""Read and write topics with confluent-kafka, in a process of its own that has the machine's own time.

librdkafka waits by cnd_timedwait(3), which libfaketime does not move: on another day a client in the process of the
tests would never end (tests/one_clock.py). A client elsewhere has a clock of its own anyway.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
from confluent_kafka import Consumer, Producer
from tests import one_clock
from tests.patience import PATIENCE

ROOT = Path(__file__).parents[1]


class Message(msgspec.Struct, frozen=True):
    """A message as a consumer got it, or as a producer is to write it."""

    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes] = {}


class Asked(msgspec.Struct, frozen=True):
    """What the process is to do with one topic: write the messages, or read ``count`` of them.

    ``guide``: read with the consumer of docs/streams.md, and return the ids of the events as keys.
    """

    servers: str
    topic: str
    write: Sequence[Message] = ()
    count: int = 0
    guide: bool = False


def read_topic(servers: str, topic: str, count: int) -> list[Message]:
    """Return the first messages of a topic, as a consumer of a group of its own gets them."""
    return _ask(Asked(servers, topic, count=count))


def write_topic(servers: str, topic: str, messages: Sequence[Message]) -> None:
    """Write messages, and return once all are acknowledged."""
    _ask(Asked(servers, topic, write=messages))


def read_as_in_guide(servers: str, topic: str) -> str:
    """Return the id of the topic's first event, read by the consumer of docs/streams.md."""
    (message,) = _ask(Asked(servers, topic, count=1, guide=True))
    return (message.key or b"").decode()


def _ask(asked: Asked) -> list[Message]:
    environment = {name: value for name, value in os.environ.items() if name not in one_clock.HIDDEN}
    done = subprocess.run(
        [sys.executable, "-m", "tests.confluent_client"],
        env={**environment, "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=ROOT,
        input=msgspec.json.encode(asked),
        capture_output=True,
        timeout=2 * PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return msgspec.json.decode(done.stdout, type=list[Message])


def _read(asked: Asked) -> list[Message]:
    consumer = Consumer(
        {
            "bootstrap.servers": asked.servers,
            "group.id": f"test-{uuid4().hex}",
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([asked.topic])
    found: list[Message] = []
    try:
        while len(found) < asked.count:
            message = consumer.poll(PATIENCE)
            assert message is not None, f"{len(found)} of {asked.count} messages came"
            assert message.error() is None, message.error()
            headers: Mapping[str, Any] = dict(message.headers() or [])
            found.append(Message(_bytes(message.key()), _bytes(message.value()), dict(headers)))
    finally:
        consumer.close()
    return found


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value


def _write(asked: Asked) -> list[Message]:
    # The partitioner of librdkafka's that sends one key to one partition, whatever the key is.
    producer = Producer({"bootstrap.servers": asked.servers, "partitioner": "consistent", "acks": "all"})
    for message in asked.write:
        producer.produce(asked.topic, key=message.key, value=message.value, headers=dict(message.headers))
    assert producer.flush(PATIENCE) == 0
    return []


def _read_as_in_guide(asked: Asked) -> list[Message]:
    page = (ROOT / "docs" / "streams.md").read_text(encoding="utf-8")
    guide: dict[str, Any] = {}
    exec("\n".join(re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)), guide)
    found: list[Message] = []

    def take(event: Any) -> bool:
        found.append(Message(event.get_id().encode(), None))
        return len(found) < asked.count

    guide["consume"](asked.servers, asked.topic, f"test-{uuid4().hex}", take)
    return found


def main() -> None:
    """Do what standard input asks for; write the messages that were read to standard output."""
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Asked)
    do = _write if asked.write else _read_as_in_guide if asked.guide else _read
    sys.stdout.buffer.write(msgspec.json.encode(do(asked)))


if __name__ == "__main__":
    main()
