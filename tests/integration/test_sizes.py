"""``cx size``: bytes of tables and topics, and of a million events."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.projection import in_partitions, workers
from tests.revisions import history

from cx_context.store import Store, open_store
from cx_context.store.all_tables import METADATA
from cx_context.store.table_sizes import table_sizes
from cx_events.log import INTERACTIONS, Record
from cx_events.log.sqlite import SqliteLog
from cx_events.testing.builders import an_event
from cx_hub.cli import run
from cx_ops.sizes import sizes_of


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    store = open_store(store_url)
    await store.start()
    yield store
    await store.stop()


async def test_every_table_has_its_rows_and_bytes(store: Store) -> None:
    empty = {each.table: each for each in await table_sizes(store)}
    (worker,) = await workers(store, in_partitions(history(), 1), 1)
    while worker.behind:
        await worker.step(10)
    sizes = {each.table: each for each in await table_sizes(store)}
    assert sizes.keys() == set(METADATA.tables)
    assert all(each.size > 0 for each in sizes.values())
    assert sizes["events"].rows == len({(each.source, each.id) for each in history()})
    assert empty["events"].rows == 0


async def test_a_topic_has_the_bytes_that_were_sent(store: Store, sqlite_log_path: Path) -> None:
    log = SqliteLog(sqlite_log_path, 4)
    await log.start()
    events = [an_event(id=f"m-{n}", interaction=f"chat-{n % 5}", text="t" * n) for n in range(40)]
    records = [Record(INTERACTIONS, each.key, each.raw) for each in events]
    await log.append(records)
    stored, found = await sizes_of(log, store)
    of = {each.name: each for each in found}
    sent = sum(len(each.key) + len(each.value) for each in records)
    assert (of[INTERACTIONS].rows, of[INTERACTIONS].size) == (40, sent)
    assert of[INTERACTIONS].per_million == sent * 1_000_000 // 40
    assert (stored, of["events"].per_million) == (0, None)
    await log.stop()


def test_the_command_tells_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in list(os.environ):
        if name.startswith("CX_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CX_HOME", str(tmp_path))
    assert run(["size", "-o", "jsonl"]) == 0
    kinds = [json.loads(line)["kind"] for line in capfd.readouterr().out.splitlines()]
    assert kinds == ["table"] * len(METADATA.tables) + ["topic"] * 4
    assert run(["size"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[0] == "0 events"
    assert all(len(line) <= 80 for line in lines)
