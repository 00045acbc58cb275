"""Fixtures of the real parts. A server is started once for the whole run; each test has a place of its own in it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import hypothesis
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from cx_events.log import TOPICS
from cx_events.log.kafka import KafkaLog

# CI judges a change by the same examples each time; whoever works on it meets new ones.
hypothesis.settings.register_profile("throughline", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("throughline")

pytest.register_assert_rewrite("cx_events.testing.log_contract", "cx_events.testing.blob_contract")

from tests import parts  # noqa: E402 - after the contract suites are to be rewritten


@pytest.fixture(scope="session")
def kafka_url() -> Iterator[str]:
    """``kafka://HOST:PORT`` of a broker that all tests share."""
    with parts.kafka() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """``postgresql+asyncpg://...`` of a server that all tests share; its account may create databases."""
    with parts.postgres() as url:
        yield url


@pytest.fixture(scope="session")
def breakable_home() -> Iterator[Path]:
    """A stack of its own for tests that kill or freeze servers: start the parts you need with ``parts``."""
    with parts.own_stack() as home:
        yield home


@pytest.fixture
def sqlite_log_path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
async def kafka_log(kafka_url: str) -> AsyncIterator[Callable[..., KafkaLog]]:
    """Makes logs, not started, that share topics of this test alone: ``kafka_log(partitions=4)``."""
    servers = kafka_url.removeprefix("kafka://")
    prefix = f"test-{uuid4().hex[:12]}."
    logs: list[KafkaLog] = []

    def make(partitions: int = 8) -> KafkaLog:
        logs.append(KafkaLog(servers, partitions, prefix=prefix))
        return logs[-1]

    yield make
    for log in logs:
        await log.stop()
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    await admin.delete_topics([prefix + topic for topic in TOPICS])
    await admin.close()


@pytest.fixture
async def postgres_database(postgres_url: str) -> AsyncIterator[str]:
    """The URL of an empty database that is this test's own."""
    name = f"cx_test_{uuid4().hex[:12]}"
    server = await asyncpg.connect(postgres_url.replace("+asyncpg", ""))
    await server.execute(f"CREATE DATABASE {name}")
    yield f"{postgres_url.rpartition('/')[0]}/{name}"
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await server.close()


@pytest.fixture(scope="module")
def postgres_database_for_examples(postgres_url: str) -> Iterator[str]:
    """The URL of a database that all examples of a module's properties share; each begins by emptying it."""
    name = f"cx_test_{uuid4().hex[:12]}"

    async def on_server(statement: str) -> None:
        server = await asyncpg.connect(postgres_url.replace("+asyncpg", ""))
        await server.execute(statement)
        await server.close()

    asyncio.run(on_server(f"CREATE DATABASE {name}"))
    yield f"{postgres_url.rpartition('/')[0]}/{name}"
    asyncio.run(on_server(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """``CX_STORE_URL`` of an empty store: each test runs on either kind."""
    if request.param == "postgres":
        url: str = request.getfixturevalue("postgres_database")
        return url
    return f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
