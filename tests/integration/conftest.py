"""Fixtures that several files of integration tests share."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.stocked_hub import StockedHub, stocked_hub
from tests.stores import sqlite_store

from cx_context.store import Store, open_store
from cx_events.log.sqlite import SqliteLog


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[SqliteLog]:
    """An embedded log of two partitions, where a file has no log of its own."""
    log = SqliteLog(tmp_path / "log.db", 2)
    await log.start()
    yield log
    await log.stop()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """An embedded store, where a file has no store of its own."""
    store = open_store(sqlite_store(tmp_path))
    await store.start()
    yield store
    await store.stop()


@pytest.fixture(scope="session")
def shared_stocked_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StockedHub]:
    with stocked_hub(tmp_path_factory.mktemp("stocked")) as hub:
        yield hub


@pytest.fixture
def stocked(shared_stocked_hub: StockedHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> StockedHub:
    """A hub that holds a bit of everything, which commands find. They run in an empty folder."""
    for name in list(os.environ):
        if name.startswith("CX_"):
            monkeypatch.delenv(name)
    for name, value in shared_stocked_hub.settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return shared_stocked_hub
