"""A store filled anew from the same log: versions stay above the old ones, followers go on, no ETag names two bodies.

On both kinds of parts: a log in SQLite with a new SQLite store, and Kafka with a new PostgreSQL database.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.api import KEYS, Running, running_api
from tests.sse import Stream, following

from cx_context.store import epochs, open_store
from cx_context.versions import LAST_EPOCH, covers, epoch_of, first_version, is_later, is_outdated
from cx_events.errors import Fatal
from cx_events.ids import text_of
from cx_events.log import CONTEXT_CHANGES, Log, Partition
from cx_events.log.kafka import KafkaLog
from cx_events.log.sqlite import SqliteLog
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, SECOND, START, an_event
from cx_projectors.epoch_announcements import announcement_of, epoch_faults
from cx_projectors.store_epoch import last_epoch, open_store_epoch

ANA, BOB = (ACME.profile("email", "", f"{name}@example.com") for name in ("ana", "bob"))
PARTS = ["embedded", pytest.param("servers", marks=[pytest.mark.kafka, pytest.mark.postgres])]


class Parts:
    """One log, and as many stores to fill from it as a test asks for."""

    def __init__(self, folder: Path, make_log: Callable[[], Log], new_store: Callable[[], Awaitable[str]]) -> None:
        """``new_store`` gives the ``CX_STORE_URL`` of an empty database."""
        self._folder = folder
        self.make_log = make_log
        self.new_store = new_store

    @asynccontextmanager
    async def over(self, store_url: str) -> AsyncIterator[Running]:
        """The API over a store; all that lies on the log is applied in one batch."""
        async with running_api(self._folder, store_url, log=self.make_log(), heartbeat=0.2) as hub:
            await hub.projector.catch_up()
            yield hub

    @asynccontextmanager
    async def over_a_new_store(self) -> AsyncIterator[Running]:
        """As ``over``, a store that nobody opened before."""
        async with self.over(await self.new_store()) as hub:
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


def said(number: int, who: str = "ana") -> StampedEvent:
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


async def happens_one_by_one(hub: Running, *history: StampedEvent) -> None:
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


async def test_a_follower_resuming_by_id_gets_the_state_first(parts: Parts) -> None:
    async with parts.over_a_new_store() as hub:
        await happens_one_by_one(hub, *(said(number) for number in range(1, 6)))
        async with stream(hub) as follower:
            last = await follower.next()
    async with parts.over_a_new_store() as hub, stream(hub, last_id=last.id) as follower:
        await assert_it_follows(hub, follower, 5, last.version)


async def test_a_follower_from_a_version_gets_the_state_first(parts: Parts) -> None:
    async with parts.over_a_new_store() as hub:
        await happens_one_by_one(hub, *(said(number) for number in range(1, 6)))
        version = (await read(hub)).json()["meta"]["version"]
    async with parts.over_a_new_store() as hub, stream(hub, f"?from={version}") as follower:
        assert follower.status == 200, follower.problem
        await assert_it_follows(hub, follower, 5, version)


async def test_a_follower_of_a_conversation_gets_the_state_first(parts: Parts) -> None:
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


async def test_versions_rise_over_refilled_stores_and_stay_exact(parts: Parts) -> None:
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


async def test_notices_name_the_version_that_a_reader_is_told(parts: Parts) -> None:
    async with parts.over_a_new_store(), parts.over_a_new_store() as hub:
        at = await hub.log.end_offsets(CONTEXT_CHANGES)
        await hub.noticed(said(1))
        version = (await read(hub)).json()["meta"]["version"]
        assert epoch_of(version) == 2
        reader = hub.log.reader()
        try:
            reader.assign({Partition(CONTEXT_CHANGES, number): end for number, end in at.items()})
            (notice,) = await reader.read(10, wait=10.0)
        finally:
            await reader.close()
        assert json.loads(notice.value) == {"tenant": "acme", "customer": text_of(ANA), "version": version}


async def test_a_past_context_has_an_etag_of_its_body(parts: Parts) -> None:
    async with parts.over_a_new_store() as hub:
        await hub.happen(said(1))
        path = f"/v1/customers/{text_of(ANA)}/context?as_of=2026-11-28T00:00:00Z"
        told = await hub.get(path)
        assert (await hub.get(path, headers={"if-none-match": told.headers["etag"]})).status_code == 304
        await hub.happen(said(2))
        again = await hub.get(path, headers={"if-none-match": told.headers["etag"]})
        assert again.status_code == 200
        assert again.json()["body"]["counts"]["messages"] == 2


async def test_a_store_without_an_epoch_answers_503(parts: Parts) -> None:
    async with parts.over_a_new_store() as hub:
        await hub.happen(said(1))
        async with stream(hub) as follower:
            first = await follower.next()
            async with hub.store.writing() as tx:
                await tx.execute("DELETE FROM store_epoch")
            hub.client.is_patient = False
            for path in ("context", "timeline", "conversations", "lineage?path=/counts/events", "stream"):
                answer = await hub.get(f"/v1/customers/{text_of(ANA)}/{path}")
                assert (answer.status_code, answer.json()["status"]) == (503, 503), path
                assert int(answer.headers["retry-after"]) > 0
            await hub.projector.take()
            again = await follower.next("context")
            assert again.version > first.version


async def test_processes_opening_a_store_together_agree_on_one_epoch(parts: Parts) -> None:
    url = await parts.new_store()
    async with parts.over(url) as hub:
        async with hub.store.writing() as tx:
            await tx.execute("DELETE FROM store_epoch")
        before = await last_epoch(hub.log)
        stores = [open_store(url) for _ in range(4)]
        logs = [parts.make_log() for _ in stores]
        try:
            for log in logs:
                await log.start()
            opening = [open_store_epoch(*both, begins=True) for both in zip(stores, logs, strict=True)]
            given = await asyncio.gather(*opening)
        finally:
            for each in (*stores, *logs):
                await each.stop()
        assert set(given) == {before + 1}
        assert await last_epoch(hub.log) == before + 1, "one of them announced it"
        async with hub.store.reading() as tx:
            found = await epochs.stored(tx)
        assert found is not None
        assert found.epoch == before + 1
        assert await announcement_of(hub.log, found.epoch) == (before + 1, found.store.hex())


async def test_versions_rise_on_returning_to_an_earlier_store(parts: Parts) -> None:
    url = await parts.new_store()
    versions: list[int] = []
    for each in (url, await parts.new_store(), url, url):
        async with parts.over(each) as hub:
            if not versions:
                await hub.happen(said(1))
            versions.append((await read(hub)).json()["meta"]["version"])
    assert versions[0] < versions[1] < versions[2]
    assert versions[2] == versions[3], "nobody else announced itself meanwhile"


async def test_verify_names_an_epoch_missing_on_the_log(parts: Parts) -> None:
    async with parts.over_a_new_store(), parts.over_a_new_store() as hub:
        async with hub.store.reading() as tx:
            found = await epochs.stored(tx)
        assert found is not None
        assert list(await epoch_faults(found, hub.log, applied=True)) == []
        for wrong in (
            found._replace(epoch=found.epoch - 1),
            found._replace(epoch=found.epoch + 1),
            found._replace(epoch=0),
            found._replace(epoch=1 << 40),
            found._replace(store=bytes(16)),
            None,
        ):
            (fault,) = await epoch_faults(wrong, hub.log, applied=True)
            assert fault.startswith("store_epoch: "), fault
        assert list(await epoch_faults(None, hub.log, applied=False)) == []


async def test_a_replaced_store_file_under_an_api_is_noticed(tmp_path: Path) -> None:
    async with running_api(tmp_path, heartbeat=0.2) as hub:
        await happens_one_by_one(hub, *(said(number) for number in range(1, 6)))
        before = (await read(hub)).json()["meta"]["version"]
        async with stream(hub) as follower:
            await follower.next()
            for file in tmp_path.glob("store.db*"):
                file.unlink()
            hub.client.is_patient = False
            assert (await read(hub)).status_code == 503
            await hub.store.start()
            hub.projector.owned = {}
            await hub.projector.catch_up()
            assert (await read(hub)).json()["meta"]["version"] > before
            with suppress(EOFError):  # where it looked for news while there was no store
                await assert_it_follows(hub, follower, 5, before)
                return
        async with stream(hub, last_id=follower.last_id) as follower:
            await assert_it_follows(hub, follower, 5, before)


async def test_a_log_with_too_many_epochs_refuses_another_store(tmp_path: Path) -> None:
    async with running_api(tmp_path) as hub:
        with sqlite3.connect(tmp_path / "log.db") as log:
            ((base,),) = log.execute("SELECT max(id) FROM records").fetchall()
            columns = "(id, key, value, timestamp)"
            log.execute(f"INSERT INTO records {columns} VALUES (?, x'00', x'00', 0)", (base + LAST_EPOCH - 1,))
        with pytest.raises(Fatal, match="131070 stores have been opened on this log, and versions have no room"):
            await open_store_epoch(hub.store, hub.log, begins=True)
        assert await last_epoch(hub.log) == LAST_EPOCH


async def test_a_topic_of_several_partitions_can_give_no_epochs(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "log.db", 4)
    await log.start()
    await log.stop()
    with sqlite3.connect(tmp_path / "log.db") as made:
        made.execute("UPDATE topics SET partitions = 2 WHERE name = 'cx.stores'")
    await log.start()
    try:
        with pytest.raises(Fatal, match=r"the topic cx.stores has 2 partitions and must have one"):
            await last_epoch(log)
    finally:
        await log.stop()


@given(st.integers(1, LAST_EPOCH), st.integers(0, 2**36 - 1), st.integers(1, LAST_EPOCH), st.integers(0, 2**36 - 1))
def test_versions_of_a_later_epoch_are_above_earlier_ones(one: int, n: int, other: int, m: int) -> None:
    version, second = first_version(one) + n, first_version(other) + m
    assert epoch_of(version) == one
    assert version < 2**53
    if one != other:
        assert (version < second) == (one < other)
        assert is_later(version, second), "another store's is news, whichever way operators went"
        assert not covers(version, second)
        assert not is_outdated(version, by=second)
    else:
        assert is_later(version, second) == (n > m)
        assert covers(version, second) == (n >= m)
        assert is_outdated(version, by=second) == (n < m)
