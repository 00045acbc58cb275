"""A hub whose log begins in an archive: its operators verify, rebuild and replay it by the guide's commands, after the
broker has deleted what the archive has."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.hubs_moved import started
from tests.integration.test_archived_log import delete_before
from tests.processes import running
from tests.replay_hubs import Hub, caught_up, hub_at, sqlite_hub

from cx_events.archive.manifest import partitions_of, read_manifest
from cx_events.log import INTERACTIONS
from cx_events.log.kafka import KafkaLog
from cx_events.log.sqlite import SqliteLog
from cx_hub.cli import run
from cx_projectors import catch_up

pytestmark = pytest.mark.clock

CONFIG = 'tenants: {acme: {id_key: "acme example key"}}\n'
Captured = pytest.CaptureFixture[str]


@pytest.fixture(params=["sqlite", pytest.param("servers", marks=[pytest.mark.kafka, pytest.mark.postgres])])
def hub(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """On either kind of parts, with a store."""
    home = tmp_path / "home"
    (tmp_path / "tenants.yaml").write_text(CONFIG)
    settings = sqlite_hub(home, monkeypatch).settings | {"CX_CONFIG": str(tmp_path / "tenants.yaml")}
    settings |= {"CX_STORE_URL": f"sqlite+aiosqlite:///{home}/store.db", "CX_PARTITIONS": "3"}
    if request.param == "servers":
        make: Callable[..., KafkaLog] = request.getfixturevalue("kafka_log")
        made = make(partitions=3)
        settings |= {"CX_LOG_URL": f"kafka://{made.servers}", "CX_TOPIC_PREFIX": made.prefix}
        settings |= {"CX_STORE_URL": request.getfixturevalue("postgres_database")}
    return hub_at(settings, monkeypatch)


def delete_archived(hub: Hub, archive: Path) -> None:
    """Delete from the log all that the archive has, as a broker does after its retention. A log in a file, from which
    nothing is ever deleted, needs its last record to know its end."""

    async def delete() -> None:
        async with started(hub.log()) as log:
            kept = 1 if isinstance(log, SqliteLog) else 0
            for partition, end in partitions_of(read_manifest(archive).ends).items():
                if end > kept:
                    await delete_before(log, partition, end - kept)

    asyncio.run(delete())


def told(capsys: Captured, *command: str) -> Any:
    """Run a command, which must go well, and return the JSON that it prints."""
    capsys.readouterr()
    assert run([*command, "-o", "json"]) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def failed(capsys: Captured, *command: str) -> str:
    """Run a command, which must fail with a reason, and return all that it said."""
    capsys.readouterr()
    assert run(list(command)) == 1
    return " ".join("".join(capsys.readouterr()).split())


def test_operators_go_on_where_the_log_begins_later(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setattr(catch_up, "PATIENCE", 0.0)  # for an archive that does not come back
    archive, replayed = tmp_path / "archive", tmp_path / "replayed.jsonl"
    older = hub.append(30)
    with running("run projectors", hub.settings, tmp_path / "projectors.txt") as projectors:
        caught_up(hub)
        assert run(["export", "log", "--to", str(archive), "--why", "old records to a cheaper disk"]) == 0
        delete_archived(hub, archive)
        newer = hub.append(42)[30:]
        caught_up(hub)
        assert INTERACTIONS in failed(capsys, "verify")
        monkeypatch.setenv("CX_ARCHIVE", str(tmp_path / "nowhere"))
        assert "nowhere" in failed(capsys, "verify")
        assert "nowhere" in failed(capsys, "rebuild", "context", "--why", "the archive is not mounted")
        monkeypatch.setenv("CX_ARCHIVE", str(archive))
        assert told(capsys, "verify")["wrong"] == []
        assert run(["rebuild", "resume", "--why", "the archive is back"]) == 0
        done = told(capsys, "rebuild", "status")
        assert (done["phase"], done["report"]["customers"], done["report"]["differing"]) == ("switched", 3, 0)
        caught_up(hub)
        found = told(capsys, "verify")
        assert (found["wrong"], found["behind"]) == ([], 0)
        assert run(["rebuild", "drop"]) == 0
        assert told(capsys, "replay", "run", "--target", str(replayed), "--where", "type=cx.message.*")["sent"] == 72
        projectors.stop()
    there = [json.loads(line) for line in replayed.read_text().splitlines()]
    assert {each["id"] for each in there} == {json.loads(each)["id"] for each in [*older, *newer]}
