"""A hub on Kafka and PostgreSQL is backed up in the guide's order while it runs, and restored in both of its ways: the
dump beside a Kafka that has its own data, and the export into an empty Kafka and an empty database."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.processes import running
from tests.projection import bodies
from tests.replay_hubs import NAMES, Hub, caught_up, hub_at, other_topics

from cx_context.store import open_store
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.customer_lookup import find_node
from cx_events.ids import NodeId
from cx_events.log.kafka import KafkaLog
from cx_events.testing.builders import ACME
from cx_hub.cli import run
from cx_hub.stack.postgres import programs

pytestmark = [pytest.mark.clock, pytest.mark.kafka, pytest.mark.postgres]

PEOPLE = [ACME.profile("email", "", f"{name}@example.com") for name in NAMES]
CONFIG = 'tenants: {acme: {id_key: "acme example key"}}\n'
Captured = pytest.CaptureFixture[str]


def sh(line: str, store_url: str, backup: Path) -> None:
    """Run a line of the guide, with its folder elsewhere."""
    database = store_url.replace("+asyncpg", "")
    environment = {**os.environ, "STORE_DATABASE": database, "PATH": f"{programs()}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["/bin/sh", "-c", line.replace("/backup", str(backup))],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def verified(capsys: Captured) -> Any:
    capsys.readouterr()
    assert run(["verify", "-o", "json"]) == 0, capsys.readouterr().out
    return json.loads(capsys.readouterr().out)


def contexts(hub: Hub) -> dict[NodeId, tuple[int, bytes]]:
    """Return everybody's version and body."""

    async def read() -> dict[NodeId, tuple[int, bytes]]:
        store = open_store(hub.settings["CX_STORE_URL"])
        await store.start()
        try:
            found = await bodies(store, PEOPLE)
            async with store.reading() as tx:
                matches = {node: await find_node(CurrentGraph(tx, "acme"), node) for node in PEOPLE}
        finally:
            await store.stop()
        return {node: (match.version, found[node]) for node, match in matches.items() if match is not None}

    return asyncio.run(read())


def risen(before: dict[NodeId, tuple[int, bytes]], after: dict[NodeId, tuple[int, bytes]]) -> bool:
    """Return whether everybody's body is the same, and nobody's version below what was shown."""
    return all(after[node][1] == body and after[node][0] >= version for node, (version, body) in before.items())


def test_the_documented_order_restores_a_hub_in_both_ways(
    kafka_log: Callable[..., KafkaLog],
    postgres_database: str,
    postgres_database_for_examples: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:
    made, backup = kafka_log(partitions=3), tmp_path / "backup"
    (tmp_path / "tenants.yaml").write_text(CONFIG)
    backup.mkdir()
    settings = {
        "CX_HOME": str(tmp_path / "home"),
        "CX_CONFIG": str(tmp_path / "tenants.yaml"),
        "CX_LOG_URL": f"kafka://{made.servers}",
        "CX_TOPIC_PREFIX": made.prefix,
        "CX_PARTITIONS": "3",
    }
    hub = hub_at(settings | {"CX_STORE_URL": postgres_database}, monkeypatch)
    export = ["export", "log", "--to", str(backup / "hub")]
    with running("run projectors", hub.settings, tmp_path / "lost.txt") as projectors:
        hub.append(30)
        caught_up(hub)
        sh('pg_dump --format=custom --file=/backup/store.dump "$STORE_DATABASE"', postgres_database, backup)
        hub.append(42)
        assert run(export) == 0
        caught_up(hub)
        projectors.stop()
    lost = contexts(hub)
    assert len(lost) == len(NAMES)

    hub = hub_at(settings | {"CX_STORE_URL": postgres_database_for_examples}, monkeypatch)
    sh('pg_restore --dbname="$STORE_DATABASE" /backup/store.dump', postgres_database_for_examples, backup)
    assert verified(capsys)["behind"] > 0
    sh("psql \"$STORE_DATABASE\" --command='DELETE FROM store_epoch'", postgres_database_for_examples, backup)
    with running("run projectors", hub.settings, tmp_path / "restored.txt") as projectors:
        caught_up(hub)
        projectors.stop()
    found = verified(capsys)
    assert (found["wrong"], found["behind"]) == ([], 0)
    assert risen(lost, contexts(hub))

    sh(
        "psql \"$STORE_DATABASE\" --command='DROP SCHEMA public CASCADE; CREATE SCHEMA public'",
        postgres_database,
        backup,
    )
    with other_topics(made.servers) as empty:
        new = {"CX_TOPIC_PREFIX": empty, "CX_HOME": str(tmp_path / "new"), "CX_STORE_URL": postgres_database}
        hub = hub_at(settings | new, monkeypatch)
        assert run(["import", "log", str(backup / "hub")]) == 0
        with running("run projectors", hub.settings, tmp_path / "imported.txt") as projectors:
            caught_up(hub)
            projectors.stop()
        found = verified(capsys)
        assert (found["wrong"], found["behind"]) == ([], 0)
        assert risen(lost, contexts(hub))
