"""Test what measures the desk, in its shortest form: nobody misses an event, by page or by protocol."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.pages.measure import Sizes, measured

pytestmark = pytest.mark.asyncio


async def test_pages_and_followers_miss_nothing(tmp_path: Path) -> None:
    told = await measured(Sizes(events=40, rounds=1, offline=0.5, real=1, desktops=3, many=5), tmp_path)
    assert told["offline"]["came"] > told["offline"]["shown_before"] == 0
    for name, followers in (("desktops", 3), ("many", 5)):
        assert told[name]["real"] + told[name]["by_protocol"] == followers
        assert told[name]["missed"] == 0
    assert min(told["paint"]["whole_ms"].values()) >= min(told["paint"]["ms"].values()) > 0
    assert min(told["live"]["ms"].values()) > 0
