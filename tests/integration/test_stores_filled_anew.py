"""A store filled anew from the same log: versions stay above the old ones, followers go on, no ETag names two bodies.

On both kinds of parts: a log in SQLite with a new SQLite store, and Kafka with a new PostgreSQL database.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.api import KEYS, Running, running_api
from tests.sse import Stream, following

from cx_events.ids import text_of
from cx_events.log import Log
from cx_events.log.kafka import KafkaLog
from cx_events.log.sqlite import SqliteLog
from cx_events.stamp import Stamped
from cx_events.testing.builders import ACME, SECOND, START, an_event

ANA, BOB = (ACME.profile("email", "", f"{name}@example.com") for name in ("ana", "bob"))
PARTS = ["embedded", pytest.param("servers", marks=[pytest.mark.kafka, pytest.mark.postgres])]


class Parts:
    """One log, and as many stores to fill from it as a test asks for."""

    def __init__(self, folder: Path, make_log: Callable[[], Log], new_store: Callable[[], Awaitable[str]]) -> None:
        self._folder = folder
        self.make_log = make_log
        self._new_store = new_store

    @asynccontextmanager
    async def over_a_new_store(self, *, filled: bool = True) -> AsyncIterator[Running]:
        """The API over a store that nobody opened before; all that lies on the log is applied in one batch."""
        async with running_api(self._folder, await self._new_store(), log=self.make_log(), heartbeat=0.2) as hub:
            if filled:
                await hub.projector.catch_up()
            yield hub


@pytest.fixture(params=PARTS)
def parts(request: pytest.FixtureRequest, tmp_path: Path) -> Parts:
    if request.param == "servers":
        kafka_log: Callable[..., KafkaLog] = request.getfixturevalue("kafka_log")
        databases: Callable[[], Awaitable[str]] = request.getfixturevalue("postgres_databases")
        return Parts(tmp_path, lambda: kafka_log(partitions=4), databases)
    numbers = iter(range(100))

    async def new_store() -> str:
        return f"sqlite+aiosqlite:///{tmp_path / f'store-{next(numbers)}.db'}"

    return Parts(tmp_path, lambda: SqliteLog(tmp_path / "log.db", 4), new_store)


def said(number: int, who: str = "ana") -> Stamped:
    return an_event(
        id=f"{who}-{number}",
        email=f"{who}@example.com",
        interaction=f"chat-{who}",
        text=f"word {number}",
        at=START + number * SECOND,
    )


def stream(hub: Running, query: str = "", last_id: str = "", key: str = "reader") -> Any:
    return following(hub.url, f"/v1/customers/{text_of(ANA)}/stream{query}", KEYS[key], last_id)


async def read(hub: Running, tag: str = "") -> Any:
    return await hub.get(f"/v1/customers/{text_of(ANA)}/context", headers={"if-none-match": tag} if tag else {})


async def happens_one_by_one(hub: Running, *history: Stamped) -> None:
    """Each in a batch of its own, so that each is a version."""
    for each in history:
        await hub.happen(each)


async def assert_it_follows(hub: Running, follower: Stream, messages: int, before: int) -> None:
    """It is told the state at once, at a later version than before, and each newer one."""
    first = await follower.next("context")
    assert first.data["body"]["counts"]["messages"] == messages
    assert first.version > before
    await hub.happen(said(messages + 1))
    second = await follower.next("context")
    assert second.data["body"]["counts"]["messages"] == messages + 1
    assert second.version > first.version


async def test_who_resumes_by_its_last_id_is_told_the_state_at_once_and_follows(parts: Parts) -> None:
    async with parts.over_a_new_store() as hub:
        await happens_one_by_one(hub, *(said(number) for number in range(1, 6)))
        async with stream(hub) as follower:
            last = await follower.next()
    async with parts.over_a_new_store() as hub, stream(hub, last_id=last.id) as follower:
        await assert_it_follows(hub, follower, 5, last.version)


async def test_who_follows_from_a_version_it_read_is_told_the_state_at_once_and_follows(parts: Parts) -> None:
    async with parts.over_a_new_store() as hub:
        await happens_one_by_one(hub, *(said(number) for number in range(1, 6)))
        version = (await read(hub)).json()["meta"]["version"]
    async with parts.over_a_new_store() as hub, stream(hub, f"?from={version}") as follower:
        assert follower.status == 200, follower.problem
        await assert_it_follows(hub, follower, 5, version)


async def test_a_follower_of_a_conversation_is_told_the_state_at_once(parts: Parts) -> None:
    async with parts.over_a_new_store() as hub:
        await happens_one_by_one(hub, *(said(number) for number in range(1, 6)))
        id = (await read(hub)).json()["body"]["conversations"][0]["id"]
        async with following(hub.url, f"/v1/conversations/{id}/stream", KEYS["reader"]) as follower:
            last = await follower.next()
    async with (
        parts.over_a_new_store() as hub,
        following(hub.url, f"/v1/conversations/{id}/stream", KEYS["reader"], last.id) as follower,
    ):
        first = await follower.next("conversation")
        assert first.version > last.version
        await hub.happen(said(6))
        assert (await follower.next("conversation")).version > first.version


async def test_versions_rise_over_two_refills_and_stay_exact_in_json(parts: Parts) -> None:
    """Applied in one batch a customer has fewer versions than one by one."""
    versions: list[int] = []
    for refill in range(3):
        async with parts.over_a_new_store() as hub:
            if not refill:
                await happens_one_by_one(hub, *(said(number) for number in range(1, 6)))
            versions.append((await read(hub)).json()["meta"]["version"])
            assert (await hub.get(f"/v1/customers/{text_of(ANA)}/timeline")).json()["meta"]["version"] == versions[-1]
    assert versions == sorted(set(versions))
    assert versions[-1] < 2**53


async def test_an_etag_of_before_names_no_other_body(parts: Parts) -> None:
    async with parts.over_a_new_store() as hub:
        await happens_one_by_one(hub, said(1), said(2))
        told = await read(hub)
        assert (await read(hub, told.headers["etag"])).status_code == 304
    async with parts.over_a_new_store() as hub:
        await hub.happen(said(3))  # the second version of this store, and of other content than that of the other
        again = await read(hub, told.headers["etag"])
        assert again.status_code == 200
        assert again.headers["etag"] != told.headers["etag"]
        assert again.json()["body"]["counts"]["messages"] == 3
