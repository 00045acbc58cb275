"""Every kind of difference is planted in a hub of its own, and ``verify`` finds and names it; without one it is
content."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from tests.planting.differences import Difference
from tests.planting.hubs import embedded_hub, servers_hub
from tests.planting.in_store import IN_STORE
from tests.planting.kinds import KINDS
from tests.planting.on_log import ON_LOG
from tests.planting.trials import trial
from tests.stores import sqlite_store

pytestmark = pytest.mark.clock

ON_SERVERS = [*IN_STORE[::6], *ON_LOG[::2]]
"""The kinds that are planted on Kafka and PostgreSQL in each run of the suite; the script plants all."""


def test_every_kind_of_difference_has_its_own_name() -> None:
    assert len(KINDS) > 30
    assert not [kind for kind, times in Counter(each.kind for each in KINDS).items() if times > 1]


@pytest.mark.parametrize("difference", [None, *KINDS], ids=str)
async def test_what_is_planted_on_sqlite_is_named(tmp_path: Path, difference: Difference | None) -> None:
    found = await trial(lambda random: embedded_hub(tmp_path, sqlite_store(tmp_path), random), "suite", difference)
    assert found.is_right, found


@pytest.mark.kafka
@pytest.mark.postgres
@pytest.mark.parametrize("difference", [None, *ON_SERVERS], ids=str)
async def test_what_is_planted_on_servers_is_named(
    tmp_path: Path, kafka_url: str, postgres_store: str, difference: Difference | None
) -> None:
    servers = kafka_url.removeprefix("kafka://")
    found = await trial(lambda random: servers_hub(tmp_path, servers, postgres_store, random), "suite", difference)
    assert found.is_right, found
