"""Create the topics on the broker where they are missing."""

# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import NoError, TopicAlreadyExistsError, for_code

from cx_events.cancellation import close_within, guard_cancellation
from cx_events.errors import Fatal
from cx_events.log.kafka_access import Access
from cx_events.log.port import MAX_RECORD_BYTES

MAX_MESSAGE_BYTES = MAX_RECORD_BYTES + (64 << 10)
"""The largest record with the batch around it, uncompressed."""

_REQUEST_MS = 2_000
_CLOSE_SECONDS = 5.0
_REPLICAS = 3


async def make_topics(servers: str, access: Access, partitions: Mapping[str, int]) -> None:
    """Create the topics that are missing, each with its number of partitions.

    Their records are kept for good, on three brokers where there are as many. Topics that exist stay as they are.
    Raises aiokafka's errors where no broker answers, ``Fatal`` where the broker refuses.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=servers, request_timeout_ms=_REQUEST_MS, **access.settings())
    try:
        with guard_cancellation("the creation of topics"):
            await _make_missing(admin, servers, partitions)
    finally:
        # Not admin.close(), which does nothing after a start that failed halfway, connected to a broker.
        await close_within(admin._client.close(), _CLOSE_SECONDS)


async def _make_missing(admin: AIOKafkaAdminClient, servers: str, partitions: Mapping[str, int]) -> None:
    await admin.start()
    # Lists all topics: asking for one by name may make a broker create it with its own defaults.
    existing = await admin.list_topics()
    missing = [name for name in partitions if name not in existing]
    if not missing:
        return
    brokers = len((await admin.describe_cluster())["brokers"])
    replicas = max(1, min(_REPLICAS, brokers))
    answer: Any = await admin.create_topics(
        [NewTopic(name, partitions[name], replicas, topic_configs=_settings(replicas)) for name in missing]
    )
    for name, code, *message in answer.topic_errors:
        error = for_code(code)
        # Another process may have been faster.
        if error not in (NoError, TopicAlreadyExistsError):
            if error.retriable:
                raise error(*message)
            raise Fatal(f"the topic {name} can't be created on {servers}: {error.__name__} {message[0] or ''}")


def _settings(replicas: int) -> dict[str, str]:
    return {
        "retention.ms": "-1",
        "retention.bytes": "-1",
        "cleanup.policy": "delete",
        # One replica to spare: a record survives the loss of a broker, and appends go on while one is away.
        "min.insync.replicas": str(max(1, replicas - 1)),
        "max.message.bytes": str(MAX_MESSAGE_BYTES),
        # A record's timestamp is the broker's, not that of a client's clock.
        "message.timestamp.type": "LogAppendTime",
    }
