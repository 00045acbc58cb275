"""Share what journeys need: topics of those over separate processes, a hub and a browser of those in a page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
from aiokafka.admin import AIOKafkaAdminClient
from playwright.async_api import Browser
from tests.channels import Hub, running_hub
from tests.chromium import chromium

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


@pytest_asyncio.fixture(loop_scope="module")
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with running_hub(tmp_path) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One for all tests of a module: to start one takes longer than most of them."""
    async with chromium() as running:
        yield running
