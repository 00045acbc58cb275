"""A rebuild: what is made of the log is made anew beside the live tables, compared, exchanged, and taken back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.api import KEYS, Running, running_api
from tests.projection import WINDOW, bodies
from tests.sse import following

from cx_context.store import Store, rebuild_rows, shadow
from cx_context.store.all_tables import METADATA
from cx_context.store.current_graph import CurrentGraph
from cx_context.store.customer_lookup import find_node
from cx_context.store.members import lone_member_row, write_members
from cx_context.store.rebuild_rows import RebuildLost
from cx_context.store.shadow import KEPT, MADE_OF_THE_LOG
from cx_events.errors import Refused
from cx_events.ids import NodeId, text_of
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, SECOND, START, a_decision, an_event
from cx_ops.rebuild import control
from cx_ops.rebuild.comparison import Watch
from cx_ops.rebuild.control import Asker
from cx_ops.rebuild.ownership import Ownership
from cx_ops.rebuild.record import CONTEXT
from cx_ops.rebuild.run import Filler, Rebuild
from cx_projectors.catch_up import CatchUp
from cx_projectors.verify import verify

pytestmark = pytest.mark.clock

ANA, BEN, CLEO = (ACME.profile("email", "", f"{name}@example.com") for name in ("ana", "ben", "cleo"))
EVERYBODY = (ANA, BEN, CLEO)
OPERATOR = Asker("olga", "the fold changed", "process-1")


def history() -> list[StampedEvent]:
    merged = {"identity": {"a": text_of(ANA), "b": text_of(BEN)}}
    return [
        *(said(name, number) for name in ("ana", "ben", "cleo", "dora") for number in range(5)),
        an_event("cx.interaction.started.v1", id="ring", interaction="call-9", channel="voice"),
        a_decision("cx.identity.merged.v1", id="d-1", about=ANA, at=START + 50 * SECOND, data=merged),
    ]


def said(name: str, number: int) -> StampedEvent:
    return an_event(
        id=f"{name}-{number}",
        email=f"{name}@example.com",
        interaction=f"chat-{name}",
        text=f"word {number}",
        at=START + number * SECOND,
    )


@pytest.fixture
async def hub(store_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with running_api(tmp_path, store_url, heartbeat=0.2) as running:
        await running.happen(*history())
        yield running


def rebuild_of(
    hub: Running,
    own: Ownership,
    *,
    before_batch: Callable[[], None] = lambda: None,
    batch: int = 4,
    workers: int = 1,
    tell: Callable[[str], None] = lambda sentence: None,
) -> Rebuild:
    windows = {name: (one.ids, WINDOW) for name, one in hub.projector.tenants.items()}

    def filler(store: Store, watch: Watch) -> Filler:
        async def watched() -> None:
            before_batch()
            await watch()

        return CatchUp(store, hub.projector.log, hub.projector.tenants, "filler", watched, workers=workers, batch=batch)

    return Rebuild(hub.store, own, windows, filler, tell)


async def rebuilt(hub: Running, *, review: bool = False, **how: Any) -> Ownership:
    own = await control.begin(hub.store, OPERATOR, review=review)
    return await rebuild_of(hub, own, **how).run()


async def versions(hub: Running) -> dict[NodeId, int]:
    async with hub.store.reading() as tx:
        found = {node: await find_node(CurrentGraph(tx, "acme"), node) for node in EVERYBODY}
    return {node: match.version for node, match in found.items() if match is not None}


async def stored_body(hub: Running, node: NodeId) -> bytes:
    return (await bodies(hub.store, [node]))[node]


async def damage(hub: Running, statement: str, **values: Any) -> None:
    async with hub.store.writing() as tx:
        assert await tx.execute(statement, **values)


async def forget_a_word_of_cleo(hub: Running) -> None:
    await damage(hub, "DELETE FROM parts WHERE stream_id = :stream_id", stream_id=CLEO)


async def wrong(hub: Running) -> list[str]:
    known = {name: (tenancy, WINDOW) for name, tenancy in hub.projector.tenants.items()}
    return (await verify(hub.store, hub.projector.log, known)).wrong


def test_every_table_changes_places_or_stays() -> None:
    assert {*MADE_OF_THE_LOG, *KEPT} == METADATA.tables.keys()
    assert not set(MADE_OF_THE_LOG) & set(KEPT)


@pytest.mark.parametrize("workers", [1, 3])
async def test_nothing_differs_where_nothing_was_damaged(hub: Running, workers: int) -> None:
    before, body = await versions(hub), await stored_body(hub, CLEO)
    own = await rebuilt(hub, workers=workers)
    assert own.phase == "switched"
    assert own.record.report is not None
    assert own.record.report.customers >= 4
    assert own.record.report.differing == 0, own.record.report.first
    assert not [table for table in own.record.report.tables if table.differing]
    assert await versions(hub) == before
    assert await stored_body(hub, CLEO) == body
    assert await wrong(hub) == []


async def test_a_planted_difference_is_reported_and_gone(hub: Running) -> None:
    before, body = await versions(hub), await stored_body(hub, CLEO)
    await forget_a_word_of_cleo(hub)
    assert await stored_body(hub, CLEO) != body
    assert await wrong(hub)
    own = await rebuilt(hub)
    report = own.record.report
    assert report is not None
    assert [one.customer for one in report.first] == [text_of(CLEO)]
    assert report.first[0].paths
    assert f"{said('cleo', 0).source}#cleo-0" in report.first[0].events
    assert [(table.table, table.rebuilt - table.live) for table in report.tables if table.differing] == [("parts", 1)]
    assert await stored_body(hub, CLEO) == body
    assert (await hub.body("email:cleo@example.com"))["counts"]["messages"] == 5
    assert await wrong(hub) == []
    after = await versions(hub)
    assert after.pop(CLEO) > before.pop(CLEO)
    assert after == before


async def test_rows_that_differ_are_named_with_customer_and_events(hub: Running) -> None:
    profile = ACME.profile("email", "", "cleo@example.com")
    async with hub.store.writing() as tx:
        lone = lone_member_row("acme", CLEO)._replace(core=b"c" * 16)
        await write_members(tx, [lone])
    await damage(hub, "UPDATE profiles SET value = 'cleo@example.net' WHERE id = :id", id=profile)
    report = (await rebuilt(hub, review=True)).record.report
    assert report is not None
    named = {table.table: table.first for table in report.tables if table.differing}
    assert named.keys() == {"members", "profiles"}
    (member,), (changed,) = named["members"], named["profiles"]
    assert (member.columns, changed.columns) == ([], ["value"])
    for row in (member, changed):
        assert (row.tenant, row.customer) == ("acme", text_of(CLEO))
        assert {event.partition("#")[2][:5] for event in row.events} == {"cleo-"}


async def test_a_lone_row_of_members_is_no_difference(hub: Running) -> None:
    async with hub.store.writing() as tx:
        await write_members(tx, [lone_member_row("acme", CLEO)])
    report = (await rebuilt(hub, review=True)).record.report
    assert report is not None
    (members,) = (table for table in report.tables if table.table == "members")
    assert (members.differing, members.live) == (0, members.rebuilt)


async def test_undoing_gives_readers_the_old_tables(hub: Running) -> None:
    await forget_a_word_of_cleo(hub)
    damaged = await stored_body(hub, CLEO)
    await rebuilt(hub)
    between = await versions(hub)
    await hub.happen(said("dora", 100))
    own = await rebuild_of(hub, await control.undo(hub.store, OPERATOR)).run()
    assert own.phase == "undone"
    assert await stored_body(hub, CLEO) == damaged
    assert (await hub.body("email:cleo@example.com"))["counts"]["messages"] == 0
    assert (await hub.body("email:dora@example.com"))["counts"]["messages"] == 6
    assert (await versions(hub))[CLEO] > between[CLEO]
    await hub.happen(said("ben", 100))
    assert (await hub.body("email:ben@example.com"))["counts"]["messages"] == 11


async def test_a_projector_goes_on_after_the_switch(hub: Running) -> None:
    await rebuilt(hub)
    await hub.happen(said("cleo", 100), said("new", 1))
    assert (await hub.body("email:cleo@example.com"))["counts"]["messages"] == 6
    assert (await hub.body("email:new@example.com"))["counts"]["messages"] == 1
    assert await wrong(hub) == []


async def test_events_that_come_meanwhile_are_in_both(hub: Running) -> None:
    own = await rebuilt(hub, review=True)
    assert own.phase == "compared"
    await hub.happen(said("cleo", 100))
    version = (await versions(hub))[CLEO]
    own = await rebuild_of(hub, await control.resume(hub.store, OPERATOR)).run()
    assert own.phase == "switched"
    assert (await hub.body("email:cleo@example.com"))["counts"]["messages"] == 6
    assert (await versions(hub))[CLEO] == version
    assert await wrong(hub) == []


async def test_a_second_rebuild_is_refused(hub: Running) -> None:
    await control.begin(hub.store, OPERATOR, review=False)
    with pytest.raises(Refused, match="rebuild-under-way"):
        await control.begin(hub.store, OPERATOR, review=False)
    await damage(hub, "UPDATE rebuilds SET leased_until = 0")
    with pytest.raises(Refused, match="rebuild-unfinished"):
        await control.begin(hub.store, OPERATOR, review=False)


async def test_a_rebuild_that_broke_off_is_resumed(hub: Running) -> None:
    class Crash(Exception):
        pass

    steps = iter(range(3))

    def crash() -> None:
        if next(steps, None) is None:
            raise Crash

    own = await control.begin(hub.store, OPERATOR, review=False)
    with pytest.raises(Crash):
        await rebuild_of(hub, own, before_batch=crash).run()
    await damage(hub, "UPDATE rebuilds SET leased_until = 0")
    filled = await positions(hub, own.record.shadow)
    assert 0 < filled < len(history())
    again = await rebuild_of(hub, await control.resume(hub.store, OPERATOR)).run()
    assert again.phase == "switched"
    assert await wrong(hub) == []
    with pytest.raises(RebuildLost):
        await own.save(own.record)


async def positions(hub: Running, name: str) -> int:
    beside = shadow.shadow_of(hub.store, name)
    async with beside.reading() as tx:
        rows = await tx.fetch("SELECT sum(next_offset) FROM partitions")
    await beside.stop()
    return int(rows[0][0])


@pytest.mark.parametrize("wanted", ["pause", "cancel"])
async def test_work_stops_when_an_operator_asks(hub: Running, wanted: str) -> None:
    own = await control.begin(hub.store, OPERATOR, review=False)
    await control.ask(hub.store, OPERATOR, wanted)
    own = await rebuild_of(hub, own).run()
    assert own.phase == ("cancelled" if wanted == "cancel" else "filling")
    found = await control.status(hub.store)
    assert found is not None
    assert (found.owner, found.wanted) == ("", "")
    assert [act.what for act in found.record.acts] == ["begin", wanted]
    assert {(act.who, act.why) for act in found.record.acts} == {("olga", "the fold changed")}


async def test_cancelling_leaves_no_trace(hub: Running, tmp_path: Path) -> None:
    names = {path.name for path in tmp_path.iterdir()}
    before = await versions(hub)
    await rebuilt(hub, review=True)
    found = await control.ask(hub.store, OPERATOR, "cancel")
    assert found.phase == "cancelled"
    assert {path.name for path in tmp_path.iterdir()} <= names | {"store.db-wal", "store.db-shm"}
    assert not await schemas(hub)
    assert await versions(hub) == before
    assert (await rebuilt(hub)).phase == "switched"


async def schemas(hub: Running) -> list[str]:
    async with hub.store.reading() as tx:
        if not tx.for_update:
            return []
        rows = await tx.fetch("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'cx_rebuild%'")
        return [row[0] for row in rows]


async def test_kept_tables_are_in_the_way_until_dropped(hub: Running) -> None:
    await rebuilt(hub)
    with pytest.raises(Refused, match="tables-kept"):
        await control.begin(hub.store, OPERATOR, review=False)
    assert (await control.drop(hub.store, OPERATOR)).phase == "dropped"
    with pytest.raises(Refused, match="nothing-to-undo"):
        await control.undo(hub.store, OPERATOR)
    assert (await rebuilt(hub)).phase == "switched"


async def test_customers_who_change_places_rise_together(hub: Running) -> None:
    """Live, a profile stands for somebody else; who follows it must not see a lower version after the switch."""
    for number in range(200, 208):
        await hub.happen(said("dora", number))
    dora = ACME.profile("email", "", "dora@example.com")
    await damage(hub, "UPDATE members SET customer = :dora WHERE profile = :ben", dora=dora, ben=BEN)
    before = await versions(hub)
    await rebuilt(hub)
    after = await versions(hub)
    assert after[BEN] > before[BEN]
    assert after[CLEO] == before[CLEO]
    assert await wrong(hub) == []


async def test_a_follower_is_told_what_the_switch_changed(hub: Running) -> None:
    await forget_a_word_of_cleo(hub)
    async with following(hub.url, f"/v1/customers/{text_of(CLEO)}/stream", KEYS["reader"]) as follower:
        first = await follower.next("context")
        await rebuilt(hub)
        await hub.relay.step()
        second = await follower.next("context")
        assert second.version > first.version
        assert second.data["body"]["counts"]["messages"] == 5


@asynccontextmanager
async def reading_all_the_while(hub: Running) -> AsyncIterator[list[int]]:
    """Read two customers again and again: no error, no older version, never fewer messages at a later version."""
    counts: list[int] = []

    async def read(identifier: str) -> None:
        seen = (0, 0)
        while True:
            answer = await hub.get(f"/v1/context?identifier={identifier}")
            assert answer.status_code == 200, answer.text
            told = answer.json()
            now = (told["meta"]["version"], told["body"]["counts"]["messages"])
            assert now >= seen
            assert now[1] >= seen[1]
            seen = now
            counts.append(now[1])
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(read(f"email:{name}@example.com")) for name in ("ana", "dora")]
    try:
        yield counts
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(each, asyncio.CancelledError) for each in ended), ended


async def test_readers_see_no_error_and_no_older_version(hub: Running) -> None:
    done = asyncio.Event()

    async def live() -> None:
        for number in range(300, 100_000):
            if done.is_set():
                return
            await hub.happen(said("ana", number), said("dora", number))

    async with reading_all_the_while(hub) as counts:
        living = asyncio.create_task(live())
        await rebuilt(hub)
        await rebuild_of(hub, await control.undo(hub.store, OPERATOR)).run()
        await control.drop(hub.store, OPERATOR)
        own = await rebuilt(hub)
        done.set()
        await living
    assert own.phase == "switched"
    assert counts
    assert await wrong(hub) == []


async def test_a_process_that_lost_its_lease_changes_nothing(hub: Running) -> None:
    own = await control.begin(hub.store, OPERATOR, review=False)
    await damage(hub, "UPDATE rebuilds SET leased_until = 0")
    await control.resume(hub.store, Asker("olga", "", "process-2"))
    with pytest.raises(RebuildLost):
        await rebuild_of(hub, own).run()
    async with hub.store.reading() as tx:
        row = await rebuild_rows.read(tx, CONTEXT)
    assert row is not None
    assert (row.phase, row.owner) == ("filling", "process-2")
