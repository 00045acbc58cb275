"""The benchmark of a whole hub tells what its process took, and that nothing was refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.bench.whole_hub import measured
from tests.faults.neighbours import NeighboursGround

pytestmark = pytest.mark.clock


async def test_a_hub_on_files_is_measured(tmp_path: Path) -> None:
    told = await measured(NeighboursGround(tmp_path, {}), seconds=1.0, pause=0.0, load=0.05)
    assert told["refused_or_lost"] == 0
    assert told["events"] > 0
    assert told["cpu_ms_per_event"] > 0
    assert 0 < told["cx_projector_batch_seconds_count_per_event"] <= 2
