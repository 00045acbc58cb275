"""The real parts for tests: a Kafka and a PostgreSQL, however they can be had here.

In this order: the address in ``CX_TEST_KAFKA`` / ``CX_TEST_POSTGRES``; a container, where Docker answers; ``cx stack``,
which needs neither. The addresses have the forms of ``CX_LOG_URL`` and ``CX_STORE_URL``.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncpg
import pytest

from cx_events.errors import Fatal
from cx_hub import stack
from cx_hub.stack.kafka import answers
from cx_hub.stack.processes import free_port

KAFKA_IMAGE = "apache/kafka:4.3.1"
POSTGRES_IMAGE = "postgres:18"

_HOMES = "throughline-tests-"
_START_SECONDS = 90


@contextmanager
def kafka() -> Iterator[str]:
    """``kafka://HOST:PORT``."""
    with _one_of("CX_TEST_KAFKA", _kafka_container, "kafka") as url:
        yield url


@contextmanager
def postgres() -> Iterator[str]:
    """``postgresql+asyncpg://...`` of an account that may create databases."""
    with _one_of("CX_TEST_POSTGRES", _postgres_container, "postgres") as url:
        yield url


@contextmanager
def own_stack() -> Iterator[Path]:
    """A home for ``cx stack`` that is erased afterwards, whatever still runs in it."""
    _erase_orphans()
    home = Path(tempfile.mkdtemp(prefix=f"{_HOMES}{os.getpid()}-"))
    try:
        yield home
    finally:
        stack.erase(home)
        shutil.rmtree(home, ignore_errors=True)


def start_or_skip(home: Path, part: stack.Part) -> stack.Running:
    """The stack with this part. Where it can't be had the test is skipped, but never under ``CI``."""
    try:
        return stack.start(home, {part})
    except Fatal as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no {part} here: {error}")


@contextmanager
def _one_of(variable: str, container: Callable[[], Iterator[str]], part: stack.Part) -> Iterator[str]:
    given = os.environ.get(variable)
    if given:
        yield given
        return
    if _docker_answers():
        running = container()
        try:
            url = next(running)
        except Exception as error:  # whatever Docker's trouble is, the stack does without it
            print(f"no container of {part} ({error}); using cx stack")
        else:
            try:
                yield url
            finally:
                next(running, None)
            return
    with own_stack() as home:
        running_stack = start_or_skip(home, part)
        yield running_stack.kafka_url if part == "kafka" else running_stack.postgres_url


def _docker_answers() -> bool:
    if shutil.which("docker") is None:
        return False
    with suppress(subprocess.TimeoutExpired):
        return subprocess.run(["docker", "info"], capture_output=True, timeout=5, check=False).returncode == 0
    return False


def _kafka_container() -> Iterator[str]:
    from testcontainers.core.container import DockerContainer

    os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"
    port = free_port()
    container = DockerContainer(KAFKA_IMAGE).with_bind_ports(9092, port)
    host = container.get_docker_client().host()
    settings = {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{host}:{port}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_HEAP_OPTS": "-Xmx512m",
    }
    for name, value in settings.items():
        container = container.with_env(name, value)
    with container:
        _await(lambda: answers(host, port), "Kafka")
        yield f"kafka://{host}:{port}"


def _postgres_container() -> Iterator[str]:
    from testcontainers.core.container import DockerContainer

    os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"
    port = free_port()
    container = DockerContainer(POSTGRES_IMAGE).with_bind_ports(5432, port).with_env("POSTGRES_PASSWORD", "test")
    host = container.get_docker_client().host()
    with container:
        url = f"postgresql+asyncpg://postgres:test@{host}:{port}/postgres"
        _await(lambda: _serves(url), "PostgreSQL")
        yield url


def _serves(url: str) -> bool:
    async def ask() -> bool:
        try:
            connection = await asyncpg.connect(url.replace("+asyncpg", ""), timeout=3)
            await connection.close(timeout=3)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        return True

    return asyncio.run(ask())


def _await(check: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + _START_SECONDS
    while not check():
        if time.monotonic() > until:
            raise Fatal(f"the container of {what} does not answer after {_START_SECONDS} s")
        time.sleep(0.2)


def _erase_orphans() -> None:
    """What test runs left running that were killed before they could clean up."""
    for home in Path(tempfile.gettempdir()).glob(f"{_HOMES}*"):
        owner = int(home.name.removeprefix(_HOMES).partition("-")[0])
        try:
            os.kill(owner, 0)
        except ProcessLookupError:
            stack.erase(home)
            shutil.rmtree(home, ignore_errors=True)
        except PermissionError:
            continue
