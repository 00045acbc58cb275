"""Both contenders over a small log, on a real Kafka and PostgreSQL: verified, or no rate is told."""

from __future__ import annotations

import dataclasses
from typing import Any

import asyncpg
import msgspec
import pytest
from aiokafka import TopicPartition
from tests.bench.contest import Kind, Place, contest
from tests.bench.dense_workload import make_dense_workload
from tests.bench.servers import plain, preloaded, values_since
from tests.bench.workload import PARTITIONS, make_workload

from cx_context.change_notifications import ContextChange
from cx_events.errors import Fatal
from cx_events.log import CONTEXT_CHANGES

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

WORKLOAD = make_workload(1_500, hot_share=0.1)
DENSE = make_dense_workload(1_000)


@pytest.mark.parametrize(("kind", "processes"), [("floor", 2), ("hub", 1)])
async def test_a_contender_leaves_the_store_that_the_workload_defines(
    kafka_url: str, postgres_url: str, kind: Kind, processes: int
) -> None:
    async with preloaded(kafka_url, WORKLOAD) as prefix:
        result = await contest(kind, Place(kafka_url, postgres_url, prefix, WORKLOAD), processes)
    assert result.events == 1_500
    assert result.rate > 0
    assert set(result.cpu) == {"application", "postgres", "broker"}
    # Of servers under another account a container may tell nothing: None, never a made-up figure.
    assert all(spent is None or spent > 0 for spent in result.cpu.values())
    assert result.cpu["application"] is not None
    server = await asyncpg.connect(plain(postgres_url))
    left = await server.fetch("SELECT datname FROM pg_database WHERE datname LIKE 'cx_bench_%'")
    await server.close()
    assert left == []


@pytest.mark.parametrize(
    ("kind", "wrong"), [("floor", {"raw_bytes": 1}), ("hub", {"events": 1_499}), ("hub", {"customers": 1})]
)
async def test_a_store_unlike_the_workload_gives_no_rate(
    kafka_url: str, postgres_url: str, kind: Kind, wrong: dict[str, Any]
) -> None:
    other = dataclasses.replace(WORKLOAD, **wrong)
    async with preloaded(kafka_url, WORKLOAD) as prefix:
        with pytest.raises(Fatal, match="no rate of such a run counts"):
            await contest(kind, Place(kafka_url, postgres_url, prefix, other))


async def test_events_of_another_person_give_no_rate(kafka_url: str, postgres_url: str) -> None:
    one, other, *_ = DENSE.people
    people = {**DENSE.people, one: DENSE.people[one] + 1, other: DENSE.people[other] - 1}
    wrong = dataclasses.replace(DENSE, people=people)
    async with preloaded(kafka_url, DENSE) as prefix:
        with pytest.raises(Fatal, match=r"people whose customer has not their events.* no rate of such a run counts"):
            await contest("hub-relayed", Place(kafka_url, postgres_url, prefix, wrong))


async def test_a_relayed_contest_ends_when_all_is_published(kafka_url: str, postgres_url: str) -> None:
    async with preloaded(kafka_url, DENSE) as prefix:
        await contest("hub-relayed", Place(kafka_url, postgres_url, prefix, DENSE))
        changes = await values_since(
            kafka_url, {TopicPartition(prefix + CONTEXT_CHANGES, number): 0 for number in range(PARTITIONS)}
        )
    told = {msgspec.json.decode(value, type=ContextChange).customer for value in changes}
    assert len(told) >= DENSE.customers
