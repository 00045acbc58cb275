"""Every recording of today's providers through the real mapping, held against its table of ``tests/readings``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from tests.contract.provider_cases import recording_folders
from tests.readings.tables import RECORDINGS, Reading, Table, tables

from cx_channels.registry import providers

FOLDERS = sorted(
    {folder for provider in providers().values() for folder in recording_folders(provider)}
    | {"chat/twilio", "social/whatsapp-cloud", "standards/vcon", "standards/cloudevents"}
)
"""What today's doors take, or have to keep."""


@cache
def all_tables() -> dict[str, Table]:
    return {table.folder: table for table in tables()}


def rows() -> Iterator[Any]:
    for folder, table in all_tables().items():
        for reading in table.readings:
            yield pytest.param(table, reading, id=f"{folder}/{reading.file}")


def there_or_skip() -> None:
    if not RECORDINGS.exists() and not os.environ.get("CI"):
        pytest.skip(f"there are no recordings in {RECORDINGS}")


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_existing_recording_is_listed_once(folder: str) -> None:
    there_or_skip()
    table = all_tables()[folder]
    assert [each.file for each in table.readings] == table.recordings()


@pytest.mark.parametrize(("table", "reading"), list(rows()))
def test_every_reading_names_its_page_and_its_results(table: Table, reading: Reading) -> None:
    assert reading.is_
    assert reading.must
    assert reading.page
    assert reading.became
    assert table.door.partition("/")[0] in ("vcon", "events") or table.door in providers()


@pytest.mark.parametrize(("table", "reading"), list(rows()))
def test_a_recording_becomes_what_its_table_says(table: Table, reading: Reading) -> None:
    there_or_skip()
    assert table.became(reading.file) == reading.became
