"""A Kafka for a hub of this folder: that of ``CX_TEST_KAFKA``, else one that is started for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from uuid import uuid4

from aiokafka.admin import AIOKafkaAdminClient
from tests import parts

from cx_events.log import TOPICS


@contextmanager
def live_kafka() -> Iterator[Mapping[str, str]]:
    """Yield the settings of a hub whose topics are its own; remove the topics at the end."""
    with parts.own_stack() as home:
        url = parts.address(home, "kafka")
        prefix = f"client-{uuid4().hex[:12]}."
        try:
            yield {"CX_LOG_URL": url, "CX_TOPIC_PREFIX": prefix}
        finally:
            asyncio.run(_remove(url.removeprefix("kafka://"), prefix))


async def _remove(servers: str, prefix: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    await admin.delete_topics([prefix + topic for topic in TOPICS])
    await admin.close()
