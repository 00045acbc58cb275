"""Whatever is changed, deleted or forged in the store, ``verify`` names the table and the key.

The damages are made from the tables' own definition: a new table, or a new column, is damaged, too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec import structs
from sqlalchemy import Column, Table
from tests.planting.rows import all_rows, another, drop, put
from tests.projection import ids_of, in_partitions, lists_of, workers
from tests.projection import verified as verified_with

from cx_context.listing.waits import ShownWait
from cx_context.store import (
    Store,
    lag_samples,
    listing_queue,
    offsets,
    open_store,
    poller_rows,
    rebuild_rows,
    segments,
    short_lived,
    single_lease,
    subscription_rows,
    wait_rows,
)
from cx_context.store.all_tables import METADATA
from cx_context.store.discarded_letters import write_discards
from cx_context.store.fold_versions import note_fold_version
from cx_context.store.id_keys import hold_id_keys
from cx_context.store.leases import Fenced
from cx_context.store.operations_tables import (
    ID_KEYS,
    LAG_SAMPLES,
    OF_SUBSCRIPTIONS,
    OVERDUE_LEASE,
    OVERDUE_WAITS,
    POLLERS,
    REBUILDS,
    SHORT_LIVED,
    WORKER_REPORTS,
)
from cx_context.store.sql import Tx
from cx_context.store.table_rows import key_places
from cx_events.dead_letters import DeadLetter, encode_dead_letter
from cx_events.envelope import Identifier
from cx_events.ids import text_of
from cx_events.log import DEAD_LETTERS, LogRecord, Partition
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, DAY, SECOND, START, a_decision, an_event
from cx_projectors.records import read_batch
from cx_projectors.verify import Findings
from cx_projectors.verify.comparison import shown

pytestmark = pytest.mark.clock

ANA, BEN = (ACME.profile("email", "", f"{name}@example.com") for name in ("ana", "ben"))

HARMLESS = {
    ("outbox", "id"): "random",
    ("outbox", "deleted"): "the relay took it",
    ("outbox", "forged"): "a notice may come twice",
    ("listing_waiting", "id"): "random",
    ("listing_waiting", "since"): "a time",
    ("listing_waiting", "deleted"): "the lists are compared, then",
    ("listing_waiting", "forged"): "a customer may be written twice",
    ("listing_fills", "made_with"): "they are filled again",
    ("listing_fills", "filled_to"): "they are filled again",
    ("listing_fills", "deleted"): "they are filled again",
    **{("listing_lease", what): "whoever works" for what in ("one", "owner", "leased_until", "deleted", "forged")},
    ("waits", "is_over"): "what a clock saw",
    ("partitions", "owner"): "whoever works",
    ("workers", "id"): "whoever works",
    ("workers", "deleted"): "it went",
    ("workers", "forged"): "it came",
    ("fold_versions", "deleted"): "which code applied events",
    ("fold_versions", "forged"): "other code came",
    **{("rebuilds", what): "what operators asked for" for what in (*REBUILDS.columns.keys(), "deleted", "forged")},
    **{
        (table.name, what): "how workers, receivers and people get on"
        for table in (
            ID_KEYS,
            LAG_SAMPLES,
            WORKER_REPORTS,
            *OF_SUBSCRIPTIONS,
            SHORT_LIVED,
            POLLERS,
            OVERDUE_WAITS,
            OVERDUE_LEASE,
        )
        for what in (*table.columns.keys(), "deleted", "forged")
    },
}
"""What no facts can tell."""

VALUES: dict[tuple[str, str], Any] = {
    ("versions", "n"): -1,
    ("versions", "stripe"): 99,
    ("fold_versions", "version"): -1,
    ("fold_versions", "since"): -1.0,
    ("partitions", "epoch"): -1,
    ("partitions", "number"): 99,
    ("outbox", "desks"): b"\x81\xa2zz\x90",
}
"""What is wrong where the order of arrival and the clock leave room. Otherwise any other value is."""

WHERE = {
    "copies": "raw NOT IN (SELECT raw FROM events)",
    "versions": "customer IN (SELECT id FROM profiles) "
    "AND customer NOT IN (SELECT profile FROM members WHERE customer <> profile)",
    "partitions": "topic = 'cx.interactions'",
}
"""Which rows must be there."""


def history() -> list[StampedEvent]:
    """Something in every table."""
    both = [Identifier(kind="email", value="ana@example.com"), Identifier(kind="phone", value="+15550100101")]
    names = [Identifier(kind="email", value="ana@example.com"), Identifier(kind="crm", value="C-1")]
    proved = [structs.replace(one, verified=True) for one in names]
    merged = {"identity": {"a": text_of(ANA), "b": text_of(BEN)}}
    attributed = {"identity": {"interaction": "call-9", "profile": text_of(BEN)}}
    rules = {"identity": {"rules": {"shared_after": {"phone": 3}}}}
    return [
        *(an_event(id=f"m-{n}", email="ana@example.com", interaction="chat-1", text="hi", at=START + n * SECOND)
          for n in range(12)),
        an_event("cx.interaction.queued.v1", id="q", email="ben@example.com", interaction="chat-2",
                 data={"queue": {"id": "billing", "name": "Billing"}}),
        an_event(id="both", identifiers=both, interaction="chat-3", text="it is me", at=START + SECOND),
        an_event("cx.identity.verified.v1", id="proof", identifiers=proved, at=START + 2 * SECOND),
        an_event("cx.customer.fact.v1", id="links", email="cleo@example.com", at=START + 3 * SECOND,
                 data={"note": "n", "links": [[both[0], {"kind": "account", "value": "a-1"}]], "evidence": "crm"}),
        an_event("cx.interaction.started.v1", id="ring", interaction="call-9", channel="voice"),
        a_decision("cx.identity.merged.v1", id="d-1", about=ANA, at=START + 5 * SECOND, data=merged),
        a_decision("cx.identity.attributed.v1", id="d-2", about=BEN, at=START + 6 * SECOND, data=attributed),
        a_decision("cx.identity.rules_changed.v1", id="d-3", about=ACME.tenant_node(), at=START, data=rules),
        an_event("cx.survey.answered.v1", id="survey", email="ana@example.com",
                 data={"survey": {"metric": "nps", "score": 1e300}}),
        an_event(id="m-1", email="ana@example.com", interaction="chat-1", text="said otherwise",
                 at=START + SECOND, recorded=START + 9 * SECOND),
        *(an_event(id=f"typed-{name}", email=f"{name}@example.com", cookie="c-9", at=START + n * SECOND)
          for n, name in enumerate(("dora", "eve"))),
        *(an_event(id=f"many-{n}", email=f"s{n}@example.com", phone="+15550100102", at=START + n * SECOND)
          for n in range(4)),
        *(an_event(id=f"last-{n}", email=f"p{n}@example.com", at=START + DAY) for n in range(4)),
    ]  # fmt: skip


def letter() -> bytes:
    return encode_dead_letter(
        DeadLetter(
            tenant="acme", source="//acme.example/chat", id="broken", stage="map", reason="malformed",
            detail="a field is missing", recorded="2026-11-22T10:00:00.000000Z",
        )
    )  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def short_segments() -> Any:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(segments, "SEGMENT_FACTS", 4)
        yield


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    store = open_store(store_url)
    await store.start()
    yield store
    await store.stop()


@pytest.fixture
async def logs(store: Store) -> list[list[LogRecord]]:
    logs = in_partitions([StampedEvent("", "", b"", b"no event"), *history()], 1)
    (worker,) = await workers(store, logs, 1)
    while worker.behind:
        await worker.step(3)
    async with store.writing() as tx:
        await write_discards(tx, read_batch(DISCARDS, lambda _: None).discarded)
        await offsets.advance(tx, {Partition(DEAD_LETTERS, 0): len(DISCARDS)})
        await note_fold_version(tx)
        await rebuild_rows.insert_missing(tx, "context", "planned", b"{}")
        await lag_samples.write_samples(tx, {}, {Partition(DEAD_LETTERS, 0): len(DISCARDS)})
        await lag_samples.write_report(tx, "worker", "1.0", "running", "")
        await leave_subscription(tx)
        await short_lived.put(tx, "acme", "ended-session", "an id", b"", 3600.0)
        await poller_rows.announce(tx, {"acme-mailbox": "acme"})
        await leave_overdue_wait(tx)
    await hold_id_keys(store, {"acme": ACME})
    await lists_of(store).drain()
    async with store.writing() as tx:
        await listing_queue.write(tx, "acme", [ACME.tenant_node()])
    return logs


async def leave_overdue_wait(tx: Tx) -> None:
    shown = ShownWait("chat-2", "chat", "Billing")
    wait = wait_rows.Wait(ACME.tenant_node(), "acme", BEN, BEN, "billing", "//acme.example/chat", START, shown)
    await single_lease.take(tx, "overdue_lease", "watch", 3600.0)
    await wait_rows.write_found(tx, [(wait, START, b"{}")])


async def leave_subscription(tx: Tx) -> None:
    name = subscription_rows.Name("acme", "crm", "cx.interactions")
    await subscription_rows.announce(tx, name, {0: 3})
    await subscription_rows.write_waiting(tx, name, [subscription_rows.Waiting(0, "ab", 1, 2, 5.0, 7.0, "no-answer")])
    await subscription_rows.write_letters(tx, name, [subscription_rows.Letter(0, 0, 9, 5.0, 7.0, "status-500", "")])
    await subscription_rows.write_stop(tx, name, subscription_rows.Stop("paused", "repairs", "key/ops", 7.0))


DISCARDS = [
    LogRecord(
        DEAD_LETTERS,
        0,
        0,
        b"",
        encode_dead_letter(
            DeadLetter(
                tenant="acme", source="//acme.example/chat", id="gone", stage="map", reason="malformed", detail="",
                recorded="2026-11-22T10:00:00.000000Z", discarded=True, by="key/ops", why="a test of the sender's",
            )
        ),
        0,
    )
]  # fmt: skip


async def verified(store: Store, logs: list[list[LogRecord]]) -> Findings:
    return await verified_with(store, logs, DISCARDS)


@dataclass(frozen=True)
class Damage:
    """``what``: a column that is changed, or ``deleted`` or ``forged``."""

    table: Table
    what: str

    def __str__(self) -> str:
        return f"{self.table.name}.{self.what}"


DAMAGES = [
    Damage(table, what)
    for table in METADATA.sorted_tables
    for what in (*(column.name for column in table.columns), "deleted", "forged")
    if (table.name, what) not in HARMLESS
]


def wrong_value(table: Table, column: Column[Any], value: Any) -> Any:
    """A value that the column could hold and that is not the right one."""
    return VALUES.get((table.name, column.name), another(column, value))


async def rows_of(tx: Tx, table: Table) -> list[tuple[Any, ...]]:
    """The rows that must be there, in order of their keys."""
    rows = await all_rows(tx, table)
    if table.name in WHERE:
        names = [column.name for column in table.primary_key.columns]
        keys = await tx.fetch(f"SELECT {', '.join(names)} FROM {table.name} WHERE {WHERE[table.name]}")
        wanted = {tuple(key) for key in keys}
        rows = [row for row in rows if tuple(row[at] for at in key_places(table)) in wanted]
    return rows


def damaged(damage: Damage, row: tuple[Any, ...]) -> tuple[Any, ...]:
    """The row with one column changed, or one of another key."""
    columns = list(damage.table.columns)
    names = {damage.what} if damage.what != "forged" else {c.name for c in damage.table.primary_key.columns}
    return tuple(
        wrong_value(damage.table, column, value) if column.name in names else value
        for column, value in zip(columns, row, strict=True)
    )


async def test_a_correct_store_is_verified_without_faults(store: Store, logs: list[list[LogRecord]]) -> None:
    async with store.reading() as tx:
        empty = [table.name for table in METADATA.sorted_tables if not await rows_of(tx, table)]
    assert empty == [], "each table holds something to be damaged"
    assert (await verified(store, logs)).wrong == []


async def test_every_damage_is_found_and_named(store: Store, logs: list[list[LogRecord]]) -> None:
    assert len(DAMAGES) > 100
    missed = []
    for damage in DAMAGES:
        table = damage.table
        async with store.writing() as tx:
            row = (await rows_of(tx, table))[0]
            wrong = row if damage.what == "deleted" else damaged(damage, row)
            if damage.what != "forged":
                await drop(tx, table, row)
            if damage.what != "deleted":
                await put(tx, table, wrong)
        keys = {shown(tuple(each[at] for at in key_places(table))) for each in (row, wrong)}
        found = (await verified(store, logs)).wrong
        named = {sentence.partition(": ")[0] for sentence in found} - {table.name}
        # Of a version that is missing the stripe is not known.
        if not any(f"{table.name} {key}/".startswith(f"{name}/") for key in keys for name in named):
            missed.append((str(damage), found[:3]))
        async with store.writing() as tx:
            if damage.what != "deleted":
                await drop(tx, table, wrong)
            if damage.what != "forged":
                await put(tx, table, row)
    assert not missed, missed
    assert (await verified(store, logs)).wrong == []


async def test_verify_names_the_partition_of_a_wrong_offset(store: Store, logs: list[list[LogRecord]]) -> None:
    for change in (-1, 1, -len(logs[0])):
        async with store.writing() as tx:
            await tx.execute(
                "UPDATE partitions SET next_offset = next_offset + :change WHERE number = 0", change=change
            )
        assert any(each.startswith("partitions cx.interactions/0") for each in (await verified(store, logs)).wrong)
        async with store.writing() as tx:
            await tx.execute(
                "UPDATE partitions SET next_offset = next_offset - :change WHERE number = 0", change=change
            )


async def test_verify_finds_a_dead_letter_missing_on_the_log(store: Store, logs: list[list[LogRecord]]) -> None:
    from cx_context.store.dead_letters import write_dead_letters

    batch = read_batch([LogRecord(DEAD_LETTERS, 0, 0, b"", letter(), 0)], lambda _: None)
    async with store.writing() as tx:
        await write_dead_letters(tx, batch.letters)
    (wrong,) = (await verified(store, logs)).wrong
    assert wrong.startswith("dead_letters acme///acme.example/chat/broken/map: ")


async def test_a_discard_beside_a_better_copy_is_kept(store: Store) -> None:
    late, early = (an_event(id="m", email="ana@example.com", recorded=START + n * SECOND) for n in (9, 1))
    logs = in_partitions([late, early], 1)
    (worker,) = await workers(store, logs, 1)
    await worker.step(1)
    async with store.writing() as tx:
        await offsets.announce(tx, [Partition(DEAD_LETTERS, 0)])
    await worker.take()
    batch = read_batch([logs[0][1], *DISCARDS], ids_of)
    with pytest.raises(Fenced):
        await worker.applier.apply(batch, {each: worker.owned[each] for each in batch.offsets})
    assert (await verified(store, logs)).wrong == []
