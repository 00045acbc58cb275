"""What benchmarks run on in the suite."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests import parts


@pytest.fixture(scope="session")
def postgres_url(breakable_home: Path) -> str:
    """As everywhere, but of a server that syncs its files: benchmarks refuse another."""
    return os.environ.get("CX_TEST_POSTGRES") or parts.start_or_skip(breakable_home, "postgres").postgres_url
