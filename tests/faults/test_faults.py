"""The trials in a short form. Their full form: ``python -m tests.faults.NAME``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from signal import SIGKILL, SIGTERM
from uuid import uuid4

import pytest
from tests import parts
from tests.faults.away import Outage, Servers
from tests.faults.broker_killed import broker_killed
from tests.faults.clients import clients
from tests.faults.followers import api_killed
from tests.faults.ground import Ground, Trial
from tests.faults.hub_killed import hub_killed
from tests.faults.neighbours import NeighboursGround, neighbours
from tests.faults.outages import in_one, outages
from tests.faults.overload import OverloadGround, overload
from tests.faults.polled_vendors import run
from tests.faults.rebuild_killed import rebuild_killed
from tests.faults.servers_restarted import Round, servers_restarted
from tests.faults.workers_killed import workers_killed
from tests.patience import PATIENCE

from cx_events.log.kafka import KafkaLog
from cx_hub import stack

Logs = Callable[..., KafkaLog]

pytestmark = [pytest.mark.clock, pytest.mark.fault, pytest.mark.timeout(1200)]


@pytest.mark.kafka
@pytest.mark.postgres
async def test_killed_and_frozen_workers_apply_every_event_once(
    tmp_path: Path, kafka_url: str, kafka_log: Logs, postgres_database: str, postgres_database_for_examples: str
) -> None:
    settings = {"CX_LOG_URL": kafka_url, "CX_STORE_URL": postgres_database, "CX_TOPIC_PREFIX": kafka_log().prefix}
    trial = Trial("workers_killed")
    await workers_killed(
        trial, Ground(tmp_path, settings), postgres_database_for_examples, events=3000, kills=3, freezes=1
    )
    assert not trial.broken


@pytest.mark.kafka
async def test_a_killed_broker_keeps_every_acknowledged_event(tmp_path: Path, breakable_home: Path) -> None:
    url = parts.start_or_skip(breakable_home, "kafka").kafka_url
    trial = Trial("broker_killed")
    await broker_killed(trial, Ground(tmp_path, {"CX_LOG_URL": url}), breakable_home, events=300, kills=2)
    assert not trial.broken


async def test_a_killed_hub_on_files_counts_every_event_once(tmp_path: Path) -> None:
    trial = Trial("hub_killed, SQLite")
    await hub_killed(trial, Ground(tmp_path, {}), events=200, kills=2)
    assert not trial.broken


async def test_programs_on_the_sdk_outlive_a_killed_hub(tmp_path: Path) -> None:
    trial = Trial("clients")
    await clients(trial, Ground(tmp_path, {}), events=300, kills=2)
    assert not trial.broken


@pytest.mark.kafka
@pytest.mark.postgres
async def test_a_killed_hub_on_kafka_counts_every_event_once(
    tmp_path: Path, kafka_url: str, kafka_log: Logs, postgres_database: str
) -> None:
    settings = {"CX_LOG_URL": kafka_url, "CX_STORE_URL": postgres_database, "CX_TOPIC_PREFIX": kafka_log().prefix}
    trial = Trial("hub_killed, Kafka and PostgreSQL")
    await hub_killed(trial, Ground(tmp_path, settings), events=200, kills=2)
    assert not trial.broken


@pytest.mark.kafka
@pytest.mark.postgres
async def test_an_overloaded_hub_refuses_with_reasons_and_loses_nothing(
    tmp_path: Path, kafka_url: str, kafka_log: Logs, postgres_database: str
) -> None:
    settings = {"CX_LOG_URL": kafka_url, "CX_STORE_URL": postgres_database, "CX_TOPIC_PREFIX": kafka_log().prefix}
    trial = Trial("overload")
    ground = OverloadGround(tmp_path, settings)
    # Small bounds, so that few connections are too many, and room for caches, which fill up at first.
    few = {"CX_MAX_REQUESTS": "20", "CX_MAX_BYTES_IN_FLIGHT": str(1 << 20)}
    await overload(trial, ground, seconds=8.0, connections=60, spare=96 << 20, settings=few)
    assert not trial.broken


@pytest.mark.kafka
@pytest.mark.postgres
async def test_followers_of_a_killed_api_see_no_older_version(
    tmp_path: Path, kafka_url: str, kafka_log: Logs, postgres_database: str
) -> None:
    settings = {"CX_LOG_URL": kafka_url, "CX_STORE_URL": postgres_database, "CX_TOPIC_PREFIX": kafka_log().prefix}
    trial = Trial("followers")
    await api_killed(trial, Ground(tmp_path, settings), events=2000, kills=2, followers=20)
    assert not trial.broken


@pytest.mark.kafka
@pytest.mark.postgres
async def test_a_killed_rebuild_ends_verified_and_nobody_notices(
    tmp_path: Path, kafka_url: str, kafka_log: Logs, postgres_database: str
) -> None:
    settings = {"CX_LOG_URL": kafka_url, "CX_STORE_URL": postgres_database, "CX_TOPIC_PREFIX": kafka_log().prefix}
    trial = Trial("rebuild_killed")
    await rebuild_killed(trial, Ground(tmp_path, settings), events=1000, kills=3, followers=10)
    assert not trial.broken


def _own_place(folder: Path, stack_home: Path, database: str) -> Ground:
    """Return a hub on this stack that shares nothing with other tests."""
    parts.start_or_skip(stack_home, "kafka")
    own = {"CX_STORE_URL": database, "CX_TOPIC_PREFIX": f"test-{uuid4().hex[:12]}."}
    return Ground(folder, stack.env(stack.start(stack_home)) | own)


@pytest.mark.kafka
@pytest.mark.postgres
async def test_servers_restarted_amid_rebuild_and_replay(
    tmp_path: Path, breakable_home: Path, breakable_database: str
) -> None:
    ground = _own_place(tmp_path, breakable_home, breakable_database)
    trial = Trial("servers_restarted")
    round = Round(
        filling=[Outage("both", 1, SIGKILL)],
        comparing=Outage("database", 1, SIGTERM),
        to_file=Outage("broker", 1, SIGKILL),
        to_topic=Outage("broker", 1, SIGTERM),
    )
    await servers_restarted(trial, ground, Servers(breakable_home), events=1_000, rounds=[round])
    assert not trial.broken


@pytest.mark.kafka
@pytest.mark.postgres
async def test_server_outages_leave_nothing_stuck_and_nothing_unannounced(
    tmp_path: Path, breakable_home: Path, breakable_database: str
) -> None:
    ground = _own_place(tmp_path, breakable_home, breakable_database)
    trial = Trial("outages")
    await outages(trial, ground, Servers(breakable_home), in_one(ground), times=2, seed=0, most=9, slower=10.0)
    assert not trial.broken


@pytest.mark.kafka
@pytest.mark.postgres
async def test_a_quiet_tenant_beside_a_hostile_one_is_served(
    tmp_path: Path, kafka_url: str, kafka_log: Logs, postgres_database: str
) -> None:
    settings = {"CX_LOG_URL": kafka_url, "CX_STORE_URL": postgres_database, "CX_TOPIC_PREFIX": kafka_log().prefix}
    trial = Trial("neighbours")
    # How much slower it becomes is for the long form to say: here the machine is shared with other tests.
    ground = NeighboursGround(tmp_path, settings)
    await neighbours(trial, ground, seconds=3.0, turns=1, greed=1, load=0.1, factor=float("inf"), patience=PATIENCE)
    assert not trial.broken


@pytest.mark.parametrize("vendor", ["queue", "stream"])
async def test_difficult_vendors_are_polled_without_loss(tmp_path: Path, vendor: str) -> None:
    assert await run(vendor, 5.0, "a short form", tmp_path) > 10
