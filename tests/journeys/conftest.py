"""What journeys over separate processes share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from cx_events.log import TOPICS


@pytest.fixture
async def topic_prefix(kafka_url: str) -> AsyncIterator[str]:
    """Topics of this test alone, gone afterwards."""
    async with _topics(kafka_url) as prefix:
        yield prefix


@pytest.fixture
async def another_topic_prefix(kafka_url: str) -> AsyncIterator[str]:
    async with _topics(kafka_url) as prefix:
        yield prefix


@asynccontextmanager
async def _topics(kafka_url: str) -> AsyncIterator[str]:
    prefix = f"journey-{uuid4().hex[:12]}."
    yield prefix
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_url.removeprefix("kafka://"))
    await admin.start()
    await admin.delete_topics([prefix + topic for topic in TOPICS])
    await admin.close()
