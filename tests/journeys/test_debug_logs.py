"""Logs at the level debug show nobody's words, identifiers or secrets, whatever the libraries below would print."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tests.asking import PatientClient
from tests.integration.test_composition import stored
from tests.patience import PATIENCE
from tests.processes import running

from cx_events.log import Log
from cx_events.log.open import open_log
from cx_hub.demo.run import PUBLIC_URL, Doors, play
from cx_hub.demo.stage import Stage
from cx_runtime.tenants import load

pytestmark = pytest.mark.clock

SAID = {"text", "note", "summary", "comment", "digits", "topic", "subject", "html", "quoted"}
SHORTEST = 6
"""Shorter words occur by chance."""


async def test_debug_logs_on_files_show_nobodys_words(tmp_path: Path) -> None:
    await no_words_in(
        {"CX_HOME": str(tmp_path / "home")}, tmp_path, ["up"], f"sqlite:///{tmp_path / 'home' / 'log.db'}"
    )


@pytest.mark.kafka
@pytest.mark.postgres
async def test_debug_logs_on_kafka_and_postgresql_show_nobodys_words(
    tmp_path: Path, kafka_url: str, topic_prefix: str, postgres_database: str
) -> None:
    settings = {
        "CX_HOME": str(tmp_path / "home"),
        "CX_LOG_URL": kafka_url,
        "CX_STORE_URL": postgres_database,
        "CX_BLOB_URL": postgres_database,
        "CX_TOPIC_PREFIX": topic_prefix,
        "CX_PARTITIONS": "2",
    }
    await no_words_in(settings, tmp_path, ["up"], kafka_url, topic_prefix)


async def no_words_in(
    settings: dict[str, str], folder: Path, commands: list[str], log_url: str, prefix: str = ""
) -> None:
    home = Path(settings["CX_HOME"])
    given = {**settings, "CX_LOG_LEVEL": "debug", "CX_PUBLIC_URL": PUBLIC_URL}
    tenants = load(None, home, {})
    stage = Stage(Console(file=io.StringIO(), width=160))
    files = []
    with ExitStack() as stack:
        for number, command in enumerate(commands):
            files.append(folder / f"{number}.txt")
            hub = stack.enter_context(running(command, given, files[-1]))
        await play(Doors(hub.url, hub.url, ("127.0.0.1", hub.smtp_port), tenants), stage)
        await ask_by_name(hub.url, (home / "key").read_text().strip())
        hub.stop()
    assert not stage.broken
    log = open_log(log_url, partitions=2, prefix=prefix)
    await log.start()
    try:
        words = await words_of(log) | secrets_in(home)
    finally:
        await log.stop()
    assert len(words) > 20
    output = "".join(file.read_text(encoding="utf-8") for file in files)
    assert "listening" in output
    assert not {word for word in words if word in output}


async def ask_by_name(url: str, key: str) -> None:
    """Ask for events and files by ids that are somebody's address, as a Message-ID may be."""
    headers = {"authorization": f"Bearer {key}"}
    async with PatientClient(base_url=url, headers=headers, trust_env=False, timeout=PATIENCE) as http:
        for path in ("/v1/event?source=//acme.example/mail&id=ana@example.com", "/v1/attachments/ana@example.com"):
            assert (await http.get(path)).status_code == 404


async def words_of(log: Log) -> set[str]:
    """All that people said, and all that identifies them, in the events of a log."""
    return {word for event in await stored(log) for word in told(event["data"]) if len(word) >= SHORTEST}


def told(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            if name in SAID and isinstance(each, str):
                yield from each.splitlines()
            elif name == "identifiers":
                yield from (identifier["value"] for identifier in each)
            else:
                yield from told(each)
    elif isinstance(value, list):
        for each in value:
            yield from told(each)


def secrets_in(home: Path) -> set[str]:
    return {(home / name).read_text().strip() for name in ("key", "id-key-acme", "connection-secret", "metrics-key")}
