"""Provide what benchmarks run on in the suite."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from tests import parts


@pytest.fixture(scope="session")
def postgres_url(breakable_home: Path) -> Iterator[str]:
    """As everywhere, but of a server that syncs its files: benchmarks refuse another. The database is theirs alone,
    since trials of faults fill the server's own."""
    server = os.environ.get("CX_TEST_POSTGRES") or parts.start_or_skip(breakable_home, "postgres").postgres_url
    name = f"cx_test_{os.getpid()}"
    asyncio.run(_on_server(server, f"CREATE DATABASE {name}"))
    yield f"{server.rpartition('/')[0]}/{name}"
    asyncio.run(_on_server(server, f"DROP DATABASE {name} WITH (FORCE)"))


async def _on_server(url: str, statement: str) -> None:
    server = await asyncpg.connect(url.replace("+asyncpg", ""))
    await server.execute(statement)
    await server.close()
