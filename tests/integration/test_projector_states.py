"""Test what the store, HTTP and the command tell of projectors, and that the metrics agree."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.asking import PatientClient
from tests.patience import PATIENCE
from tests.projection import TENANTS

from cx_context.store import Store, lag_samples, leases, open_store
from cx_events.errors import TryLater
from cx_events.log import INTERACTIONS, Partition, Record
from cx_events.log.sqlite import SqliteLog
from cx_events.testing.builders import an_event
from cx_hub.cli import run
from cx_hub.compose import running_hub
from cx_hub.demo.run import embedded_settings, until_ready
from cx_ops.projectors.reading import read_history, read_projectors
from cx_projectors.consumer import Consumer, ConsumerLimits
from cx_projectors.progress_reports import ProgressReports
from cx_runtime.health import Health
from cx_runtime.metrics import Metrics
from cx_runtime.settings import Settings
from cx_runtime.tenants import KeyConfig, TenantConfig, Tenants

pytestmark = pytest.mark.clock

WORKER = "a-machine-with-a-rather-long-name.eu-central-1.compute.internal-4711-0"


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    store = open_store(store_url)
    await store.start()
    yield store
    await store.stop()


@pytest.fixture
async def log(sqlite_log_path: Path) -> AsyncIterator[SqliteLog]:
    log = SqliteLog(sqlite_log_path, 4)
    await log.start()
    yield log
    await log.stop()


async def append(log: SqliteLog, count: int) -> None:
    events = [an_event(id=f"m-{n}", email=f"p{n}@example.com", interaction=f"chat-{n}") for n in range(count)]
    await log.append([Record(INTERACTIONS, each.key, each.raw) for each in events])


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await check():
            await asyncio.sleep(0.02)


@asynccontextmanager
async def working(store: Store, log: SqliteLog, metrics: Metrics) -> AsyncIterator[Consumer]:
    worker = Consumer(
        store, log, TENANTS, WORKER, metrics, Health(), ConsumerLimits(events=10, lease=60.0), version="9.9"
    )
    task = asyncio.create_task(worker.run())
    yield worker
    worker.stop()
    await task


async def rows(store: Store, table: str) -> int:
    async with store.reading() as tx:
        return int((await tx.fetch(f"SELECT count(*) FROM {table}"))[0][0])


async def test_a_worker_tells_version_state_and_samples(store: Store, log: SqliteLog) -> None:
    async with working(store, log, Metrics()):
        await append(log, 30)

        async def told() -> bool:
            states, workers = await read_projectors(log, store)
            return bool(workers) and all(each.owner == WORKER and not each.events for each in states)

        await until(told)
        states, (report,) = await read_projectors(log, store)
        assert (report.worker, report.version, report.state, report.is_live) == (WORKER, "9.9", "running", True)
        assert {each.state for each in states} == {"running"}
        assert sum(each.position for each in states) == 30
        assert len(states) == 8
    async with store.reading() as tx:
        assert await lag_samples.read_reports(tx) == [], "a graceful stop leaves nothing"
    states, _ = await read_projectors(log, store)
    assert {each.state for each in states} == {"no owner"}


async def test_a_minute_has_one_row_of_each_partition(store: Store) -> None:
    ends = {Partition(INTERACTIONS, n): 100 + n for n in range(3)}
    for done in (5, 50, 90):
        async with store.writing() as tx:
            await lag_samples.write_samples(tx, dict.fromkeys(ends, done), ends)
    assert await rows(store, "lag_samples") in (3, 6), "the trial may lie across two minutes"
    history = await read_history(store, 10, INTERACTIONS, 1)
    assert (history[0].position, history[0].end, history[0].events) == (5, 101, 96)


async def test_samples_older_than_a_day_are_deleted(store: Store) -> None:
    ends = {Partition(INTERACTIONS, 0): 7}
    async with store.writing() as tx:
        await lag_samples.write_samples(tx, {}, ends)
        await tx.execute("UPDATE lag_samples SET minute = minute - 1440")
    assert await read_history(store, 1440) == []
    async with store.writing() as tx:
        await lag_samples.write_samples(tx, {}, ends)
    assert await rows(store, "lag_samples") == 1


async def test_the_last_error_stays_without_what_people_said(store: Store, log: SqliteLog) -> None:
    reports = ProgressReports(store, log, Metrics(), WORKER, "9.9", dict)

    async def told() -> Any:
        await reports._write_report()
        async with store.reading() as tx:
            (found,) = await lag_samples.read_reports(tx)
        return found

    reports.note_error(ValueError("ana@example.com said: my card is 4111"))
    found = await told()
    assert (found.state, found.error) == ("stuck", "ValueError")
    first = found.error_at
    reports.note_error(TryLater("store", "it is away"))
    found = await told()
    assert (found.state, found.error) == ("waiting", "store: it is away")
    reports.note("running")
    found = await told()
    assert (found.state, found.error) == ("running", "store: it is away")
    assert found.error_at >= first > 0
    assert not found.is_live


async def test_metrics_and_states_tell_the_same_lag(store: Store, log: SqliteLog) -> None:
    metrics = Metrics()
    await append(log, 20)
    worker = Consumer(store, log, TENANTS, WORKER, metrics, Health(), ConsumerLimits(events=7))
    await worker._take_partitions()
    await worker._reports._measure_lag()
    exposed = re.findall(
        r'cx_projector_lag_events\{partition="(\d)",topic="cx.interactions"\} ([0-9.]+)', metrics.render()[0].decode()
    )
    states, _ = await read_projectors(log, store)
    told = {each.partition: each.events for each in states if each.topic == INTERACTIONS}
    assert {int(number): int(float(value)) for number, value in exposed} == told
    assert sum(told.values()) == 20
    async with store.writing() as tx:
        await leases.leave(tx, WORKER)


# --- over HTTP and at the prompt --------------------------------------------------------------------------------------

OPS = "the key of operators"


def tenants() -> Tenants:
    key = KeyConfig(id="ops", secret=OPS, scopes=frozenset({"ops"}))
    return Tenants({"acme": TenantConfig(id_key="a lasting key of acme", keys=(key,))})


@pytest.fixture
async def settings(tmp_path: Path) -> AsyncIterator[Settings]:
    """Those of a hub that runs and is level."""
    settings = embedded_settings(tmp_path)
    async with running_hub(settings, tenants()) as hub:
        await until_ready(hub.url)
        yield settings.model_copy(update={"url": hub.url})


async def get(settings: Settings, path: str, key: str = OPS) -> httpx2.Response:
    async with PatientClient(base_url=settings.url, trust_env=False, timeout=PATIENCE) as http:
        return await http.get(f"/v1/ops/{path}", headers={"authorization": f"Bearer {key}"})


async def test_http_tells_states_workers_and_history(settings: Settings) -> None:
    async def sampled() -> bool:
        return bool((await get(settings, "projectors/history")).json()["items"])

    await until(sampled)
    told = (await get(settings, "projectors")).json()
    assert {each["state"] for each in told["items"]} == {"running"}
    assert {each["owner"] for each in told["items"]} == {each["worker"] for each in told["workers"]}
    assert all(each["version"] for each in told["workers"])
    history = (await get(settings, "projectors/history?topic=cx.dead-letters&partition=2&minutes=5")).json()["items"]
    assert {(each["topic"], each["partition"]) for each in history} == {("cx.dead-letters", 2)}
    assert (await get(settings, "projectors", "nobody's")).status_code == 401
    assert (await get(settings, "projectors/history?topic=cx.else")).status_code == 404
    assert (await get(settings, "projectors/history?minutes=0")).status_code == 400
    assert (await get(settings, "projectors?minutes=1")).status_code == 400


def test_long_names_stay_whole_in_pipes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CX_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("CX_LOG_URL", "CX_STORE_URL", "CX_TOPICS"):
        monkeypatch.delenv(name, raising=False)

    async def own() -> None:
        log, store = SqliteLog(tmp_path / "log.db", 4), open_store(f"sqlite+aiosqlite:///{tmp_path / 'store.db'}")
        await log.start()
        await store.start()
        worker = Consumer(store, log, TENANTS, WORKER, Metrics(), Health(), ConsumerLimits(lease=600), version="9.9")
        await worker._take_partitions()
        await worker._reports._measure_lag()
        await worker._reports._write_report()
        await store.stop()
        await log.stop()

    asyncio.run(own())
    capfd.readouterr()
    assert run(["lag"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[0].startswith(f"{WORKER}  9.9  running since ")
    assert [line.split()[0] for line in lines[2:6]] == [f"cx.interactions/{n}" for n in range(4)]
    assert all(len(line) <= 80 for line in lines[1:])
    assert run(["lag", "-o", "jsonl"]) == 0
    told = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert {(each["owner"], each["state"], each["seconds_to_level"]) for each in told} == {(WORKER, "running", 0.0)}
    assert run(["lag", "--history", "--topic", INTERACTIONS, "--partition", "1", "-o", "json"]) == 0
    assert [each["partition"] for each in json.loads(capfd.readouterr().out)] == [1]
    assert run(["lag", "--history", "--since", "yesterday"]) == 2
    assert "no time ago like 10m" in capfd.readouterr().err
