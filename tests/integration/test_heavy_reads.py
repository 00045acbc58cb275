"""Heavy reads from processes of their own: the same answers, and nothing of them in the hub's own interpreter."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.api import Running, running_api, tenants
from tests.patience import PATIENCE
from tests.stores import sqlite_store

from cx_context_api.reads.processes import ReadProcesses
from cx_context_api.reads.turns import ReadTurns
from cx_events.ids import text_of
from cx_events.testing.builders import ACME, DAY, an_event
from cx_events.timestamps import format_time, parse_time
from cx_hub.heavy_reads import COMMAND, setting_up
from cx_runtime.fair_queue import FairQueue
from cx_runtime.settings import Settings

pytestmark = pytest.mark.clock

LONG_AGO = parse_time("2020-11-22T10:00:00Z")
"""The processes go by the machine's clock, on whatever day that is."""

ANA = text_of(ACME.profile("email", "", "ana@example.com"))


class Counted(FairQueue):
    """Counts the turns that were taken."""

    taken = 0

    async def _begin(self, key: str) -> None:
        self.taken += 1
        await super()._begin(key)


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Running]:
    settings = Settings(home=tmp_path, log_url=f"sqlite:///{tmp_path / 'log.db'}", store_url=sqlite_store(tmp_path))
    processes_pool = ReadProcesses(COMMAND, setting_up(settings, tenants()))
    heavy = Counted("heavy-reads", 2, most_of_one=1, most_waiting=9, most_waiting_of_one=9, seconds=PATIENCE)
    turns = ReadTurns.of(2, processes=processes_pool)._replace(heavy=heavy)
    async with running_api(tmp_path, settings.store_url, turns=turns) as running:
        await running.happen(
            *(
                an_event(id=f"m-{n}", at=LONG_AGO, email="ana@example.com", interaction="chat-1", text=f"word {n}")
                for n in range(5)
            )
        )
        yield running


def processes(hub: Running) -> list[int]:
    assert hub.api.turns.processes is not None
    return [each.pid for each in hub.api.turns.processes._all]


async def warmed_up(hub: Running) -> None:
    """The first heavy read is answered here, and has a process started."""
    assert hub.api.turns.processes is not None
    assert (await hub.get(f"/v1/customers/{ANA}/lineage?path=/counts")).status_code == 200
    await hub.api.turns.processes.ready()


async def test_nobody_waits_for_a_process_to_start(hub: Running) -> None:
    path = f"/v1/customers/{ANA}/lineage?path=/counts"
    first = await hub.get(path)
    assert processes(hub) == [], "it was answered before there was any"
    await warmed_up(hub)
    (process,) = hub.api.turns.processes._all  # type: ignore[union-attr]
    assert (await hub.get(path)).json() == first.json()
    assert hub.api.turns.processes._idle == [process]  # type: ignore[union-attr]


async def test_a_heavy_read_takes_exactly_one_turn(hub: Running) -> None:
    heavy = hub.api.turns.heavy
    assert isinstance(heavy, Counted)
    path = f"/v1/customers/{ANA}/lineage?path=/counts"
    for count in (1, 2):
        assert (await hub.get(path)).status_code == 200
        assert heavy.taken == count
        await hub.api.turns.processes.ready()  # type: ignore[union-attr]


async def test_a_process_answers_as_the_parent_does(hub: Running) -> None:
    conversation = (await hub.body("email:ana@example.com"))["conversations"][0]["id"]
    now = format_time(LONG_AGO + DAY)
    paths = [
        f"/v1/customers/{ANA}/context?as_of={now}",
        f"/v1/customers/{ANA}/lineage?path=/counts",
        f"/v1/customers/{ANA}/diff?from={now}&to={now}",
        f"/v1/customers/{ANA}/timeline?limit=100&as_of={now}",
        f"/v1/customers/{ANA}/identity?as_of={now}",
        f"/v1/conversations/{conversation}/vcon",
        f"/v1/customers/{ANA}/lineage?path=/nothing",
    ]
    await warmed_up(hub)
    there = [await hub.get(path) for path in paths]
    assert len(processes(hub)) == 1, "one after the other, they share one"
    assert [answer.status_code for answer in there] == [200] * 6 + [404]
    for path, answer in zip(paths, there, strict=True):
        assert answer.headers["content-type"] in (
            "application/json", "application/problem+json", "application/vcon",
        ), path  # fmt: skip
    assert there[0].json()["body"]["counts"]["messages"] == 5
    assert len(there[1].json()["sources"]) == 5
    assert there[6].json()["reason"] == "unknown-path"


async def test_processes_refuse_other_tenants_and_missing_keys(hub: Running) -> None:
    path = f"/v1/customers/{ANA}/lineage?path=/counts"
    assert (await hub.client.get(path)).status_code == 401
    assert processes(hub) == []
    assert (await hub.get(path, "other")).status_code == 404


async def test_a_dead_process_costs_one_answer(hub: Running) -> None:
    path = f"/v1/customers/{ANA}/lineage?path=/counts"
    await warmed_up(hub)
    (first,) = processes(hub)
    os.kill(first, signal.SIGKILL)
    hub.client.is_patient = False
    answer = await hub.get(path)
    assert (answer.status_code, answer.json()["reason"]) == (503, "try-later")
    hub.client.is_patient = True
    await warmed_up(hub)
    assert (await hub.get(path)).status_code == 200
    assert processes(hub) != [first]


async def test_at_the_end_no_process_is_left(hub: Running) -> None:
    await warmed_up(hub)
    (pid,) = processes(hub)
    await hub.api.leave(5.0)
    async with asyncio.timeout(PATIENCE):
        while Path(f"/proc/{pid}").exists():
            await asyncio.sleep(0.05)
    hub.client.is_patient = False
    answer = await hub.get(f"/v1/customers/{ANA}/lineage?path=/counts")
    assert answer.status_code == 503
