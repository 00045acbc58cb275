"""An event that can't be folded is left out, whatever arrived first, and holds nobody up."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples
from tests.projection import OTHER, RULES, WINDOW, Worker, bodies, in_partitions, verified, workers
from tests.stores import empty, sqlite_store

from cx_context import fold
from cx_context.document import encode_body
from cx_context.fold_faults import is_left_out
from cx_context.parts.model import Part
from cx_context.parts.values import At
from cx_context.reference_definition import define, define_bodies
from cx_context.store import Store, dead_letters, open_store
from cx_context.store.port import Unstorable
from cx_context.store.sql import PostgresTx, Row, SqliteTx, Tx
from cx_context.store.table_shapes import Shape
from cx_events.catalogue import catalogue
from cx_events.dead_letters import DeadLetter
from cx_events.envelope import Data
from cx_events.errors import TryLater
from cx_events.facts import Fact
from cx_events.ids import IdSpace
from cx_events.log import LogRecord
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, SECOND, START, an_event
from cx_events.testing.histories import facts_of, histories
from cx_projectors import retrying_applier, write
from cx_projectors.classify import read_event

POISONED = "poisoned"
"""The agent's id of an event that a planted fault meets."""

RECEIVED = "cx.message.received.v1"
Handler = Callable[[Part, Fact, At], None]


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    store = open_store(store_url)
    await store.start()
    yield store
    await store.stop()


def with_handlers(monkeypatch: pytest.MonkeyPatch, fault: Callable[[Part, Data, At], None]) -> None:
    """Every handler of the fold does this before its own work, and there is one of every type."""

    def faulty(handler: Handler | None) -> Handler:
        def handle(part: Part, fact: Fact, at: At) -> None:
            fault(part, fact.event.data, at)
            if handler is not None:
                handler(part, fact, at)

        return handle

    handlers = {name: faulty(fold.HANDLERS.get(name)) for name in (*fold.HANDLERS, *catalogue())}
    monkeypatch.setattr(fold, "HANDLERS", MappingProxyType(handlers))


def is_poisoned(data: Data) -> bool:
    return data.reason == POISONED


def message(number: int, poisoned: bool = False, *, who: int | None = None, ids: IdSpace = ACME) -> StampedEvent:
    who = number % 3 if who is None else who
    return an_event(
        id=f"m-{number}",
        email=f"p{who}@example.com",
        interaction=f"chat-{who}",
        text=f"message {number}",
        at=START + number * SECOND,
        data={"reason": POISONED} if poisoned else {},
        ids=ids,
    )


async def applied(
    store: Store, history: Sequence[StampedEvent], size: int = 100
) -> tuple[Worker, list[list[LogRecord]]]:
    logs = in_partitions(history, 1)
    (worker,) = await workers(store, logs, 1)
    while worker.behind:
        await worker.step(size)
    return worker, logs


async def letters(store: Store) -> list[DeadLetter]:
    async with store.reading() as tx:
        return list(await dead_letters.listed(tx))


async def problems(store: Store) -> dict[str, str | None]:
    """By event id."""
    async with store.reading() as tx:
        rows = await tx.fetch("SELECT raw, problem FROM events")
    return {str(read_event(bytes(raw), lambda tenant: _spaces[tenant]).fact.event.id): p for raw, p in rows}


_spaces = {"acme": ACME, "other": OTHER}


async def holds(store: Store, history: Sequence[StampedEvent], logs: Sequence[Sequence[LogRecord]]) -> None:
    """The store ends as the definition says, and ``verify`` finds nothing."""
    facts = [fact for fact in facts_of(history) if fact.event.tenantid == "acme"]
    whole = define(facts, ACME, RULES)
    expected = {customer: encode_body(body) for customer, body in define_bodies(facts, ACME, RULES, WINDOW).items()}
    assert await bodies(store, list(whole.customer_of)) == {n: expected[c] for n, c in whole.customer_of.items()}
    assert (await verified(store, logs)).wrong == []


ERRORS = [
    ZeroDivisionError("x"),
    TimeoutError("x"),
    ConnectionResetError("x"),
    TryLater("store", "x"),
    OSError(28, "x"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_an_unfoldable_event_stops_no_other(
    store: Store, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Also where it fails with what would tell of a broken connection elsewhere."""

    def fault(part: Part, data: Data, at: At) -> None:
        if is_poisoned(data):
            raise error

    with_handlers(monkeypatch, fault)
    others = [message(number, ids=OTHER) for number in range(4)]
    history = [*others[:2], *(message(number, number == 5) for number in range(10)), *others[2:]]
    _, logs = await applied(store, history)
    assert [name for name, problem in (await problems(store)).items() if is_left_out(problem)] == ["m-5"]
    (letter,) = await letters(store)
    assert (letter.tenant, letter.id, letter.stage, letter.reason) == ("acme", "m-5", "fold", "unfoldable")
    assert letter.content == message(5, True).raw
    async with store.reading() as tx:
        (((count),),) = await tx.fetch("SELECT count(*) FROM parts WHERE tenant = 'other'")
    assert count == 3
    await holds(store, history, logs)


async def test_a_stream_of_left_out_events_has_no_rows(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(part: Part, data: Data, at: At) -> None:
        if is_poisoned(data):
            raise ValueError

    with_handlers(monkeypatch, fault)
    history = [message(1, True, who=7)]
    _, logs = await applied(store, history)
    async with store.reading() as tx:
        for table in ("parts", "profiles", "edges", "sightings", "versions", "interactions", "assignments"):
            assert await tx.fetch(f"SELECT * FROM {table}") == [], table
    await holds(store, history, logs)


async def test_an_event_with_an_unstorable_value_is_left_out(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(part: Part, data: Data, at: At) -> None:
        if is_poisoned(data):
            part.notes = [*part.notes, (at, "", 1 << 80)]  # type: ignore[list-item]

    with_handlers(monkeypatch, fault)
    history = [message(number, number == 2) for number in range(6)]
    _, logs = await applied(store, history)
    assert [letter.id for letter in await letters(store)] == ["m-2"]
    await holds(store, history, logs)


async def test_an_event_failing_only_in_full_parts_is_added(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(part: Part, data: Data, at: At) -> None:
        if part.messages >= 2:
            raise IndexError

    with_handlers(monkeypatch, fault)
    history = [message(number) for number in (3, 1, 5, 0, 4, 2, 8, 6, 7)]
    for size in (1, 100):
        async with store.writing() as tx:
            for table in ("events", "parts", "versions", "partitions"):
                await tx.execute(f"DELETE FROM {table}")
        _, logs = await applied(store, history, size)
        assert await letters(store) == []
        if size == 1:
            await holds(store, history, logs)


@contextmanager
def poisoned_histories() -> Iterator[None]:
    """Some of every history's events can't be folded: those that a sum over their id picks."""

    def fault(part: Part, data: Data, at: At) -> None:
        if sum(at[4].encode()) % 4 == 0:
            raise ZeroDivisionError
        if part.facts % 3 == 2 and sum(at[4].encode()) % 4 == 1:
            raise KeyError  # only with others of its part, and whichever came first

    with pytest.MonkeyPatch.context() as monkeypatch:
        with_handlers(monkeypatch, fault)
        yield


MANY = examples(15)


async def in_any_order(store: Store, history: list[StampedEvent], seed: int) -> None:
    dice = random.Random(seed)
    dice.shuffle(history)
    repeated = dice.choices(history, k=3) if history else []
    logs = in_partitions([*history, *repeated], dice.randint(1, 4))
    team = await workers(store, logs, dice.randint(1, 3))
    while behind := [worker for worker in team if worker.behind]:
        await dice.choice(behind).step(dice.randint(1, 12))
    await holds(store, history, logs)


@MANY
@given(history=histories(), seed=st.integers(0, 2**32))
def test_any_order_leaves_out_the_same_events_on_sqlite(history: list[StampedEvent], seed: int) -> None:
    async def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            store = open_store(sqlite_store(Path(folder)))
            await in_any_order(store, history, seed)
            await store.stop()

    with poisoned_histories():
        asyncio.run(run())


@pytest.mark.postgres
@MANY
@given(history=histories(), seed=st.integers(0, 2**32))
def test_any_order_leaves_out_the_same_events_on_postgres(
    postgres_database_for_examples: str, history: list[StampedEvent], seed: int
) -> None:
    async def run() -> None:
        store = open_store(postgres_database_for_examples)
        await store.start()
        async with store.writing() as tx:
            await empty(tx)
        await in_any_order(store, history, seed)
        await store.stop()

    with poisoned_histories():
        asyncio.run(run())


async def test_fixed_code_folds_a_left_out_event_on_redelivery(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(part: Part, data: Data, at: At) -> None:
        if is_poisoned(data):
            raise ValueError

    history = [message(number, number == 5) for number in range(10)]
    logs = in_partitions(history, 1)
    with monkeypatch.context() as broken:
        with_handlers(broken, fault)
        (worker,) = await workers(store, logs, 1)
        await worker.step(100)
        assert len(await letters(store)) == 1
    found = (await verified(store, logs)).wrong
    assert any(each.startswith("events ") for each in found), "fixed code says that it could be folded now"
    logs[0].append(logs[0][5]._replace(offset=10))
    await worker.step(100)
    assert await letters(store) == []
    assert set((await problems(store)).values()) == {None}
    await holds(store, history, logs)


async def test_an_earlier_unfoldable_copy_replaces_a_foldable_one(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the other way round."""

    def fault(part: Part, data: Data, at: At) -> None:
        if is_poisoned(data):
            raise ValueError

    def copy(recorded: int, poisoned: bool) -> StampedEvent:
        return an_event(
            id="e", email="ana@example.com", phone="+15550100101", interaction="chat-1", at=START,
            recorded=START + recorded * SECOND, data={"reason": POISONED} if poisoned else {"note": "fine"},
        )  # fmt: skip

    with_handlers(monkeypatch, fault)
    history = [copy(9, False), copy(6, True), message(1), copy(3, False), message(2), copy(1, True)]
    logs = in_partitions(history, 1)
    (worker,) = await workers(store, logs, 1)
    for step in range(len(history)):
        while worker.behind > len(history) - step - 1:
            await worker.step(1)
        await holds(store, history[: step + 1], [logs[0][: step + 1]])


class RefusingInsert:
    """Stand in for a transaction's inserts: the database refuses every row of one profile."""

    def __init__(self, value: str, error: Exception) -> None:
        self._value = value
        self._error = error
        self.asked = 0

    def plant(self, planted: pytest.MonkeyPatch) -> None:
        planted.setattr(SqliteTx, "insert", self._in_place_of(SqliteTx.insert))
        planted.setattr(PostgresTx, "insert_missing", self._in_place_of(PostgresTx.insert_missing))

    def _in_place_of(self, real: Any) -> Any:
        async def insert(tx: Tx, shape: Shape, rows: Sequence[Row], *conflict: str) -> Any:
            if shape.table == "profiles" and rows:
                self.asked += 1
                if any(self._value in row for row in rows):
                    raise self._error
            return await real(tx, shape, rows, *conflict)

        return insert


async def test_a_row_that_postgres_refuses_is_isolated_by_halving(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = RefusingInsert("p7@example.com", asyncpg.CharacterNotInRepertoireError("no such text"))
    history = [message(number, who=7 if number == 300 else None) for number in range(512)]
    with monkeypatch.context() as planted:
        refusing.plant(planted)
        worker, logs = await applied(store, history, 512)
    assert refusing.asked < 40, "twice the logarithm of the batch's length, and few more"
    (letter,) = await letters(store)
    assert (letter.id, letter.reason) == ("m-300", "not-applied")
    findings = await verified(store, logs)
    assert (findings.wrong, findings.set_aside, findings.events) == ([], 1, 512)
    logs[0].append(logs[0][300]._replace(offset=512))
    await worker.step(1)
    assert await letters(store) == []
    await holds(store, history, logs)


TROUBLES = [
    asyncpg.ConnectionDoesNotExistError("gone"),
    asyncpg.DiskFullError("no space left"),
    asyncpg.UndefinedColumnError("no such column"),
    OSError(28, "no space left"),
    MemoryError(),
    TryLater("store", "down"),
]


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: type(trouble).__name__)
async def test_a_store_failure_is_never_blamed_on_an_event(
    store: Store, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    history = [message(number) for number in range(8)]
    logs = in_partitions(history, 1)
    (worker,) = await workers(store, logs, 1)
    with monkeypatch.context() as planted:
        RefusingInsert("p1@example.com", trouble).plant(planted)
        with pytest.raises(MemoryError if isinstance(trouble, MemoryError) else TryLater) as raised:
            await worker.step(100)
        assert not isinstance(raised.value, Unstorable)
    assert await letters(store) == [] and await problems(store) == {}
    await worker.take()
    await worker.step(100)
    await holds(store, history, logs)


async def test_a_failure_of_every_record_is_blamed_on_none(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even the mark can be stored."""

    async def broken(*_: object) -> None:
        raise RuntimeError("a fault in the code around")

    history = [message(number) for number in range(8)]
    logs = in_partitions(history, 1)
    (worker,) = await workers(store, logs, 1)
    with monkeypatch.context() as planted:
        planted.setattr(write.offsets, "advance", broken)
        with pytest.raises(RuntimeError):
            await worker.step(100)
    assert await letters(store) == []
    assert retrying_applier.may_be_an_events_fault(RuntimeError())
