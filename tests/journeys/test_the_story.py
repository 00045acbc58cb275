"""One customer over four channels, from the rim of the hub to what the next channel reads: the story of ``cx demo``."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from rich.console import Console

from cx_context.store import open_store
from cx_events.log.open import open_log
from cx_hub.compose import running_hub
from cx_hub.demo.run import Doors, embedded_settings, hold_against_the_log, play, until_ready
from cx_hub.demo.stage import Stage
from cx_hub.stack.processes import free_port
from cx_runtime.tenants import load

START_SECONDS = 90
STOP_SECONDS = 30


def quiet_stage() -> Stage:
    return Stage(Console(file=io.StringIO(), width=160))


def told(stage: Stage) -> str:
    assert isinstance(stage.out.file, io.StringIO)
    return stage.out.file.getvalue()


async def test_the_story_holds_in_one_process_on_files(tmp_path: Path) -> None:
    settings = embedded_settings(tmp_path)
    tenants = load(None, tmp_path, {})
    stage = quiet_stage()
    async with running_hub(settings, tenants) as hub:
        await until_ready(hub.url)
        await play(Doors(hub.url, hub.url, hub.smtp_port, tenants), stage)
        await hold_against_the_log(stage, tenants, hub.store, hub.log)
    assert not stage.broken, told(stage)
    assert len(stage.checks) >= 18


@contextmanager
def service(name: str, environment: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A service in a process of its own; at the end it is asked to stop, and must do so by itself."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "cx_hub", "run", name, "--port", environment["CX_PORT"]],
            env={**os.environ, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process
        except BaseException:
            process.kill()
            process.wait()
            raise
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS) == 0, log.read_text()


@pytest.mark.kafka
@pytest.mark.postgres
async def test_the_story_holds_over_separate_processes_on_kafka_and_postgresql(
    tmp_path: Path, kafka_url: str, topic_prefix: str, postgres_database: str
) -> None:
    tenants = load(None, tmp_path, {})
    shared = {
        "CX_HOME": str(tmp_path),
        "CX_LOG_URL": kafka_url,
        "CX_STORE_URL": postgres_database,
        "CX_BLOB_URL": postgres_database,
        "CX_TOPIC_PREFIX": topic_prefix,
        "CX_PARTITIONS": "4",
        "CX_SMTP_PORT": str(free_port()),
        "CX_LOG_LEVEL": "warning",
    }
    ports = {name: str(free_port()) for name in ("channels", "projectors", "more-projectors", "api")}

    def run(name: str, of: str = "") -> AbstractContextManager[subprocess.Popen[bytes]]:
        return service(of or name, {**shared, "CX_PORT": ports[name]}, tmp_path / f"{name}.txt")

    stage = quiet_stage()
    with run("channels"), run("projectors"), run("more-projectors", "projectors"), run("api"):
        urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
        for url in urls.values():
            await until_ready(url, START_SECONDS)
        await play(Doors(urls["channels"], urls["api"], int(shared["CX_SMTP_PORT"]), tenants), stage)
    log = open_log(kafka_url, partitions=4, prefix=topic_prefix)
    store = open_store(postgres_database)
    await log.start()
    try:
        await hold_against_the_log(stage, tenants, store, log)
    finally:
        await log.stop()
        await store.stop()
    assert not stage.broken, told(stage)
