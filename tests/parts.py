"""The real parts for tests: a Kafka and a PostgreSQL, however they can be had here.

In this order: the address in ``CX_TEST_KAFKA`` / ``CX_TEST_POSTGRES``; a container, where Docker answers; ``cx stack``,
which needs neither. The addresses have the forms of ``CX_LOG_URL`` and ``CX_STORE_URL``.

What was started belongs to a stream, a folder below the system's for temporary files: whoever knows it, in whatever
process, can start another part in it or remove it with all its servers.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest
from tests.patience import PATIENCE

from cx_events.errors import Fatal
from cx_hub import stack
from cx_hub.stack.kafka import answers
from cx_hub.stack.processes import free_port

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

KAFKA_IMAGE = "apache/kafka:4.3.1"
POSTGRES_IMAGE = "postgres:18"

_HOMES = "throughline-tests-"
_CONTAINERS = "containers"
"""The file in a stream that lists the ids of its containers, one a line."""


_JVM_OPTIONS = "JAVA_TOOL_OPTIONS"
"""https://docs.oracle.com/en/java/javase/21/troubleshoot/environment-variables-and-system-properties.html"""
_QUICK_COMPILER = "-XX:TieredStopAtLevel=1"


def spare_compiling(environment: MutableMapping[str, str]) -> None:
    """Let brokers started from now on compile with their quick compiler alone: one that lives for a test run spends
    more on the thorough one than it gains by it, and takes twice as much of the processors to start."""
    given = environment.get(_JVM_OPTIONS, "")
    if _QUICK_COMPILER not in given:
        environment[_JVM_OPTIONS] = f"{given} {_QUICK_COMPILER}".strip()


def new_home() -> Path:
    """Make a stream for servers, named by this process. Homes of test runs that were killed are removed first."""
    _remove_orphans()
    return Path(tempfile.mkdtemp(prefix=f"{_HOMES}{os.getpid()}-"))


def remove(stream_id: Path) -> None:
    """End the servers of a stream, whoever started them, and delete it."""
    containers = stream_id / _CONTAINERS
    if containers.exists():
        subprocess.run(["docker", "rm", "-f", "-v", *containers.read_text().split()], capture_output=True, check=False)
    stack.erase(stream_id)
    shutil.rmtree(stream_id, ignore_errors=True)


@contextmanager
def own_stack() -> Iterator[Path]:
    """A stream for ``cx stack`` that is erased afterwards, whatever still runs in it."""
    stream_id = new_home()
    try:
        yield stream_id
    finally:
        remove(stream_id)


def start_or_skip(stream_id: Path, part: stack.Server) -> stack.Running:
    """The stack with this part. Where it can't be had the test is skipped, but never under ``CI``."""
    try:
        return stack.start(stream_id, {part})
    except Fatal as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no {part} here: {error}")


def address(stream_id: Path, part: stack.Server) -> str:
    """Return the URL of a server: the one given in the environment, else a new one in this stream. Its account in
    PostgreSQL may create databases."""
    given = os.environ.get(f"CX_TEST_{part.upper()}")
    if given:
        return given
    if _docker_answers():
        try:
            return (_kafka_container if part == "kafka" else _postgres_container)(stream_id)
        except Exception as error:  # whatever Docker's trouble is, the stack does without it
            print(f"no container of {part} ({error}); using cx stack")
    running = start_or_skip(stream_id, part)
    if part == "kafka":
        return running.kafka_url
    asyncio.run(_sync_no_files(running.postgres_url))
    return running.postgres_url


def _docker_answers() -> bool:
    if shutil.which("docker") is None:
        return False
    with suppress(subprocess.TimeoutExpired):
        # A daemon that hangs must not hold up the tests, which can do without it.
        return subprocess.run(["docker", "info"], capture_output=True, timeout=60, check=False).returncode == 0
    return False


def _kafka_container(stream_id: Path) -> str:
    from testcontainers.core.container import DockerContainer

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
        _JVM_OPTIONS: _QUICK_COMPILER,
    }
    for name, value in settings.items():
        container = container.with_env(name, value)
    _start(container, stream_id, lambda: answers(host, port))
    return f"kafka://{host}:{port}"


def _postgres_container(stream_id: Path) -> str:
    from testcontainers.core.container import DockerContainer

    port = free_port()
    container = DockerContainer(POSTGRES_IMAGE).with_bind_ports(5432, port).with_env("POSTGRES_PASSWORD", "test")
    url = f"postgresql+asyncpg://postgres:test@{container.get_docker_client().host()}:{port}/postgres"
    _start(container, stream_id, lambda: _serves(url))
    asyncio.run(_sync_no_files(url))
    return url


async def _sync_no_files(url: str) -> None:
    """Let the server that all tests share leave it to the system when its files reach the disk.

    What it acknowledged outlives the server all the same, though not the machine; making and dropping a database for a
    test takes a tenth of the time. https://www.postgresql.org/docs/18/runtime-config-wal.html#GUC-FSYNC
    """
    server = await asyncpg.connect(url.replace("+asyncpg", ""))
    for statement in ("ALTER SYSTEM SET fsync = off", "ALTER SYSTEM SET full_page_writes = off"):
        await server.execute(statement)
    await server.execute("SELECT pg_reload_conf()")
    await server.close()


def _serves(url: str) -> bool:
    async def ask() -> bool:
        try:
            connection = await asyncpg.connect(url.replace("+asyncpg", ""), timeout=3)
            await connection.close(timeout=3)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        return True

    return asyncio.run(ask())


def _start(container: DockerContainer, stream_id: Path, check: Callable[[], bool]) -> None:
    """Return when the container's server answers. It is noted in the stream, by which it is removed."""
    os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"
    container.start()
    wrapped = container.get_wrapped_container()
    with (stream_id / _CONTAINERS).open("a") as file:
        print(wrapped.id, file=file)
    until = time.monotonic() + PATIENCE
    while not check():
        wrapped.reload()
        if wrapped.status not in {"created", "running"}:
            raise Fatal(f"the container ended while it started: {wrapped.logs(tail=15).decode(errors='replace')}")
        if time.monotonic() > until:
            raise Fatal(f"the container does not answer after {PATIENCE:.0f} s")
        time.sleep(0.2)


def _remove_orphans() -> None:
    """What test runs left running that were killed before they could clean up."""
    for stream_id in Path(tempfile.gettempdir()).glob(f"{_HOMES}*"):
        owner = int(stream_id.name.removeprefix(_HOMES).partition("-")[0])
        try:
            os.kill(owner, 0)
        except ProcessLookupError:
            remove(stream_id)
        except PermissionError:
            continue
