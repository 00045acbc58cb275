"""One customer over four channels, from the rim of the hub to what the next channel reads: the story of ``cx demo``."""

from __future__ import annotations

import asyncio
import io
import re
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from rich.console import Console
from tests.processes import Running, bare_environment, running

from cx_context.store import open_store
from cx_events.log.open import open_log
from cx_hub.compose import running_hub
from cx_hub.demo.run import (
    PUBLIC_URL,
    Doors,
    embedded_settings,
    hold_against_the_log,
    play,
    until_ready,
    with_keys_of_the_story,
)
from cx_hub.demo.stage import Stage
from cx_runtime.tenants import load

pytestmark = pytest.mark.clock

EXAMPLE = Path(__file__).parents[2] / "deploy" / "example.yaml"


def quiet_stage() -> Stage:
    return Stage(Console(file=io.StringIO(), width=160))


def told(stage: Stage) -> str:
    assert isinstance(stage.out.file, io.StringIO)
    return stage.out.file.getvalue()


async def test_the_story_holds_in_one_process_on_files(tmp_path: Path) -> None:
    settings = embedded_settings(tmp_path)
    tenants = with_keys_of_the_story(load(None, tmp_path, {}))
    stage = quiet_stage()
    async with running_hub(settings, tenants) as hub:
        await until_ready(hub.url)
        await play(Doors(hub.url, hub.url, ("127.0.0.1", hub.smtp_port), tenants), stage)
        await hold_against_the_log(stage, tenants, hub.store, hub.log)
    assert not stage.broken, told(stage)
    assert len(stage.checks) >= 30
    assert "403 not-assured" in told(stage)
    assert "MCP read_context, of this chat  →  not-assured" in told(stage)


async def test_a_remote_hub_runs_the_story_again_and_again(tmp_path: Path) -> None:
    wanted = re.findall(r"\$\{([A-Z_]+)\}", EXAMPLE.read_text(encoding="utf-8"))
    settings = {name: f"a placeholder of {name}" for name in wanted} | {
        "CX_CONFIG": str(EXAMPLE),
        "CX_HOME": str(tmp_path),
        "CX_PUBLIC_URL": "https://hub.example.com",
    }
    with running("up", settings, tmp_path / "up.txt") as hub:
        # Two at once, then one more to a hub that has heard it.
        await asyncio.gather(told_by_the_command(hub, settings), told_by_the_command(hub, settings))
        assert "✓ voice, chat, email and social are one customer" in await told_by_the_command(hub, settings)
        hub.stop()


async def told_by_the_command(hub: Running, settings: Mapping[str, str]) -> str:
    """``cx demo --url``, which knows of the hub what its configuration says."""
    command = ("demo", "--once", "--url", hub.url, "--smtp", f"127.0.0.1:{hub.smtp_port}")
    telling = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cx_hub", *command),
        env={**bare_environment(), **settings},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = (await telling.communicate())[0].decode()
    assert telling.returncode == 0, said
    return said


@pytest.mark.kafka
@pytest.mark.postgres
async def test_the_story_holds_over_processes_on_kafka_and_postgresql(
    tmp_path: Path, kafka_url: str, topic_prefix: str, postgres_database: str
) -> None:
    tenants = load(None, tmp_path, {})
    settings = {
        "CX_HOME": str(tmp_path),
        "CX_LOG_URL": kafka_url,
        "CX_STORE_URL": postgres_database,
        "CX_BLOB_URL": postgres_database,
        "CX_TOPIC_PREFIX": topic_prefix,
        "CX_PARTITIONS": "4",
        "CX_PUBLIC_URL": PUBLIC_URL,
    }
    stage = quiet_stage()
    with ExitStack() as stack:
        names = ("channels", "projectors", "projectors", "api")
        channels, one, other, api = (
            stack.enter_context(running(f"run {name}", settings, tmp_path / f"{number}.txt"))
            for number, name in enumerate(names)
        )
        await play(Doors(channels.url, api.url, ("127.0.0.1", channels.smtp_port), tenants), stage)
        for service in (channels, one, other, api):
            service.stop()
    log = open_log(kafka_url, partitions=4, prefix=topic_prefix)
    store = open_store(postgres_database)
    await log.start()
    try:
        await hold_against_the_log(stage, tenants, store, log)
    finally:
        await log.stop()
        await store.stop()
    assert not stage.broken, told(stage)
