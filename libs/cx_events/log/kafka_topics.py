"""Create the topics on the broker where they are missing."""

# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import NoError, TopicAlreadyExistsError, for_code

from cx_events.cancellation import close_within, guard_cancellation
from cx_events.errors import Fatal
from cx_events.log.declarations import TopicDeclaration
from cx_events.log.kafka_access import Access

_REQUEST_MS = 2_000
_CLOSE_SECONDS = 5.0


@asynccontextmanager
async def admin_client(servers: str, access: Access) -> AsyncIterator[AIOKafkaAdminClient]:
    """A client for the administration of topics. Raises aiokafka's errors where no broker answers."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers, request_timeout_ms=_REQUEST_MS, **access.settings())
    try:
        with guard_cancellation("the administration of topics"):
            await admin.start()
            yield admin
    finally:
        # Not admin.close(), which does nothing after a start that failed halfway, connected to a broker.
        await close_within(admin._client.close(), _CLOSE_SECONDS)


async def make_topics(servers: str, access: Access, declared: Mapping[str, TopicDeclaration]) -> None:
    """Create the topics that are missing, as declared. Topics that exist stay as they are. ``declared``: by the names
    on the broker.

    Raises aiokafka's errors where no broker answers, ``Fatal`` where the broker refuses.
    """
    async with admin_client(servers, access) as admin:
        await make_missing(admin, servers, declared)


async def make_missing(admin: AIOKafkaAdminClient, servers: str, declared: Mapping[str, TopicDeclaration]) -> None:
    """Create the topics that are missing. Raises as ``make_topics``."""
    # Lists all topics: asking for one by name may make a broker create it with its own defaults.
    existing = await admin.list_topics()
    missing = [name for name in declared if name not in existing]
    if not missing:
        return
    brokers = len((await admin.describe_cluster())["brokers"])
    fitted = {name: declared[name].fitted(brokers) for name in missing}
    answer: Any = await admin.create_topics(
        [
            NewTopic(name, each.partitions, each.replicas, topic_configs=dict(each.settings()))
            for name, each in fitted.items()
        ]
    )
    for name, code, *message in answer.topic_errors:
        error = for_code(code)
        # Another process may have been faster.
        if error not in (NoError, TopicAlreadyExistsError):
            if error.retriable:
                raise error(*message)
            raise Fatal(f"the topic {name} can't be created on {servers}: {error.__name__} {message[0] or ''}")
