"""Fixtures of the real parts, and how the tests are shared out among workers.

A server is started once for the whole run; each test has a place of its own in it.
"""

from __future__ import annotations

import asyncio
import gc
import io
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import hypothesis
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from tests.examples import FACTOR

from cx_context.store import postgres
from cx_events.log import TOPICS, kafka, kafka_reader, kafka_topics, sqlite
from cx_events.log.kafka import KafkaLog

# CI judges a change by the same examples each time; whoever works on it meets new ones.
hypothesis.settings.register_profile(
    "throughline", max_examples=100 * FACTOR, deadline=None, derandomize="CI" in os.environ
)
hypothesis.settings.load_profile("throughline")

pytest.register_assert_rewrite(
    *(f"cx_events.testing.{name}_contract" for name in ("log", "log_reading", "log_outage", "blob"))
)

from tests import one_clock, parts, stores  # noqa: E402 - after the contract suites are to be rewritten
from tests.logs import captured_logs  # noqa: E402
from tests.patience import PATIENCE  # noqa: E402
from tests.shared import Shared  # noqa: E402

SHARED = pytest.StashKey[Shared]()
FIRST = pytest.StashKey[bool]()
"""Whether this process began the run; the workers of pytest-xdist did not."""


def pytest_configure(config: pytest.Config) -> None:
    one_clock.share_clock(os.environ)
    parts.spare_compiling(os.environ)
    # A shell's job in the background ignores SIGINT, and so would the processes that tests start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # A disk that three workers share may need seconds for a commit; a file that is locked is told earlier all the same.
    sqlite.DEADLINE = PATIENCE
    given = getattr(config, "workerinput", {}).get("home")
    config.stash[FIRST] = given is None
    config.stash[SHARED] = Shared(Path(given) if given else parts.new_home())


def pytest_unconfigure(config: pytest.Config) -> None:
    # The workers have ended by now.
    if config.stash.get(FIRST, False):
        parts.remove(config.stash[SHARED].home)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist, before it starts, where the run's servers are."""
    node.workerinput["home"] = str(node.config.stash[SHARED].home)


def pytest_collection_finish() -> None:
    """Keep what was collected, which stays to the end, out of the garbage collector's rounds, and these rare."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the trials of faults first where several workers share the tests: the first worker begins there, and the
    others help it out from the other end, so that hardly one ever waits for its turn."""
    if not config.stash[FIRST]:
        items.sort(key=lambda item: item.get_closest_marker("fault") is None)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Let no two trials of faults run beside each other: each may need all of a machine's memory and processors.

    The hook lies around those of the timeouts, so that the wait does not count."""
    alone = item.get_closest_marker("fault") is not None
    with item.config.stash[SHARED].turn("fault") if alone else nullcontext():
        return (yield)


@pytest.fixture(scope="session")
def shared(request: pytest.FixtureRequest) -> Shared:
    return request.config.stash[SHARED]


@pytest.fixture(scope="session")
def kafka_url(shared: Shared) -> str:
    """``kafka://HOST:PORT`` of a broker that all tests share."""
    return shared.address("kafka")


@pytest.fixture(scope="session")
def postgres_url(shared: Shared) -> str:
    """``postgresql+asyncpg://...`` of a server that all tests share; its account may create databases."""
    return shared.address("postgres")


@pytest.fixture(scope="session")
def breakable_home() -> Iterator[Path]:
    """A stack of its own for tests that kill or freeze servers: start the parts you need with ``parts``."""
    with parts.own_stack() as home:
        yield home


@pytest.fixture
def patient_kafka(monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs on Kafka in this process wait long for a broker that is up: what they do when it is down is not asked."""
    monkeypatch.setattr(kafka, "DEADLINE", PATIENCE)
    monkeypatch.setattr(kafka_reader, "_SILENCE_SECONDS", PATIENCE)
    for module in (kafka, kafka_reader):
        monkeypatch.setattr(module, "_CONNECT_SECONDS", PATIENCE)
    for module in (kafka, kafka_reader, kafka_topics):
        monkeypatch.setattr(module, "_REQUEST_MS", int(PATIENCE * 1000))


@pytest.fixture
def patient_postgres(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stores on PostgreSQL in this process wait long for a connection to a server that is up."""
    monkeypatch.setattr(postgres, "_CONNECT_SECONDS", PATIENCE)


@pytest.fixture
def log_stream() -> Iterator[io.StringIO]:
    """What the hub's logs say during the test, a line of JSON each."""
    with captured_logs() as stream:
        yield stream


@pytest.fixture
def sqlite_log_path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
async def kafka_log(kafka_url: str, patient_kafka: None) -> AsyncIterator[Callable[..., KafkaLog]]:
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
async def postgres_database(postgres_url: str, patient_postgres: None) -> AsyncIterator[str]:
    """The URL of an empty database that is this test's own."""
    async with _database(postgres_url) as url:
        yield url


@pytest.fixture
async def postgres_databases(postgres_url: str, patient_postgres: None) -> AsyncIterator[Callable[[], Awaitable[str]]]:
    """Makes as many empty databases as a test asks for."""
    async with AsyncExitStack() as stack:
        yield lambda: stack.enter_async_context(_database(postgres_url))


@pytest.fixture
async def breakable_database(breakable_home: Path) -> AsyncIterator[str]:
    """As ``postgres_database``, on the server of ``breakable_home``."""
    async with _database(parts.start_or_skip(breakable_home, "postgres").postgres_url) as url:
        yield url


@asynccontextmanager
async def _database(server_url: str, template: str = "template1") -> AsyncIterator[str]:
    name = f"cx_test_{uuid4().hex[:12]}"

    async def on_server(statement: str) -> None:
        server = await asyncpg.connect(server_url.replace("+asyncpg", ""), timeout=PATIENCE)
        await server.execute(statement)
        await server.close()

    await on_server(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield f"{server_url.rpartition('/')[0]}/{name}"
    await on_server(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def postgres_database_for_examples(postgres_url: str) -> Iterator[str]:
    """The URL of a database that all examples of a module's properties share; each begins by emptying it."""
    with asyncio.Runner() as runner:
        database = _database(postgres_url)
        yield runner.run(database.__aenter__())
        runner.run(database.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def postgres_at_newest_revision(postgres_url: str) -> Iterator[str]:
    """The name of a database to make others of."""
    with asyncio.Runner() as runner:
        database = _database(postgres_url)
        url = runner.run(database.__aenter__())
        runner.run(stores.migrate(url))
        yield url.rpartition("/")[2]
        runner.run(database.__aexit__(None, None, None))


@pytest.fixture
async def postgres_store(
    postgres_url: str, postgres_at_newest_revision: str, patient_postgres: None
) -> AsyncIterator[str]:
    """As ``postgres_database``, at the newest revision."""
    async with _database(postgres_url, postgres_at_newest_revision) as url:
        yield url


STORES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(params=STORES)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """``CX_STORE_URL`` of a store that nothing is in yet: each test runs on either kind."""
    if request.param == "postgres":
        url: str = request.getfixturevalue("postgres_store")
        return url
    return stores.sqlite_store(tmp_path)


@pytest.fixture(params=STORES)
def empty_store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """As ``store_url``, without tables."""
    if request.param == "postgres":
        url: str = request.getfixturevalue("postgres_database")
        return url
    return f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
