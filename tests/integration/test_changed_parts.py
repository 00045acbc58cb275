"""A customer whose parts were read is read again by what changed, and has the body of the definition all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.patience import PATIENCE
from tests.projection import RULES, WINDOW, Worker, in_partitions, workers

from cx_context.document import encode_body
from cx_context.reference_definition import define_bodies
from cx_context.store import Store, open_store
from cx_context.store.cached_rendering import PartsNotKept, Renderer
from cx_context.store.changed_parts import PartsReading
from cx_context.store.context_inputs import ContextInputs, read_inputs
from cx_events.ids import text_of
from cx_events.log import INTERACTIONS, LogRecord
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, HOUR, SECOND, START, a_decision, an_event
from cx_events.testing.histories import facts_of

pytestmark = pytest.mark.postgres
ANA = ACME.profile("email", "", "ana@example.com")
BEN = ACME.profile("email", "", "ben@example.com")


def message(number: int, contact: int, email: str = "ana@example.com", at: int = 0) -> StampedEvent:
    name = f"{email}/{contact}"
    return an_event(
        id=f"m-{email}-{number}", email=email, interaction=name, text="hm", at=START + contact * HOUR + at * SECOND
    )


class Hub:
    """A store with one worker, what it was told, and one process that renders Ana's context."""

    def __init__(self, store: Store, worker: Worker) -> None:
        self.store = store
        self.worker = worker
        self.events: list[StampedEvent] = []
        self.renderer = Renderer(many=2)

    async def tell(self, *events: StampedEvent) -> None:
        self.events += events
        log = self.worker.logs[0]
        first = len(log)
        log += [LogRecord(INTERACTIONS, 0, first + at, each.key, each.raw, 0) for at, each in enumerate(events)]
        while self.worker.behind:
            await self.worker.step(500)

    async def inputs(self, since: PartsReading | None) -> ContextInputs:
        async with self.store.reading() as tx:
            found = await read_inputs(tx, ACME, ANA, since)
        assert found is not None
        return found

    async def read(self) -> ContextInputs:
        """Read Ana's context by what changed, and hold it against the definition."""
        inputs = await self.inputs(self.renderer.reading_of("acme", ANA))
        assert self.renderer.body(inputs, WINDOW) == self.defined()
        return inputs

    async def settle(self) -> None:
        """Read until all transactions have ended that were under way when parts were written, other tests' among
        them."""
        async with asyncio.timeout(PATIENCE):
            while (await self.read()).parts:
                await asyncio.sleep(0.05)

    def defined(self) -> bytes:
        return encode_body(define_bodies(facts_of(self.events), ACME, RULES, WINDOW)[ANA])


@pytest.fixture
async def hub(postgres_database: str) -> AsyncIterator[Hub]:
    store = open_store(postgres_database)
    await store.start()
    (worker,) = await workers(store, in_partitions([], 1), 1)
    hub = Hub(store, worker)
    await hub.tell(*(message(number, number) for number in range(20)))
    first = await hub.read()
    assert (first.since, len(first.parts)) == (None, 20)
    await hub.settle()
    yield hub
    await store.stop()


def read_parts(inputs: ContextInputs) -> set[bytes]:
    """Return the part ids that were read, where parts were read by what changed."""
    assert inputs.since is not None
    return {part_id for part_id, _ in inputs.parts}


async def test_new_and_changed_parts_alone_are_read(hub: Hub) -> None:
    new, changed = message(100, 30), message(101, 3, at=5)
    await hub.tell(new)
    await hub.tell(changed)
    inputs = await hub.read()
    assert read_parts(inputs) == {fact.part_id for fact in facts_of([new, changed])}
    assert inputs.parts_total == 21
    await hub.settle()


async def test_what_was_written_but_not_committed_is_read_later(hub: Hub) -> None:
    """It has an older id than what is read between."""
    (old, *_), (new,) = facts_of(hub.events), facts_of([told := message(100, 30)])
    async with hub.store.writing() as tx:
        await tx.execute("UPDATE parts SET tenant = tenant WHERE part_id = :part_id", part_id=old.part_id)
        await hub.tell(told)
        assert read_parts(await hub.read()) == {new.part_id}
    assert old.part_id in read_parts(await hub.read())


async def test_a_part_that_is_gone_is_noticed(hub: Hub) -> None:
    gone = facts_of(hub.events)[7]
    async with hub.store.writing() as tx:
        await tx.execute("DELETE FROM parts WHERE part_id = :part_id", part_id=gone.part_id)
    inputs = await hub.inputs(hub.renderer.reading_of("acme", ANA))
    with pytest.raises(PartsNotKept):
        hub.renderer.body(inputs, WINDOW)
    assert (await hub.inputs(None)).parts_total == 19


async def test_another_reading_s_parts_are_not_added(hub: Hub) -> None:
    reading = hub.renderer.reading_of("acme", ANA)
    await hub.tell(message(100, 30))
    late = await hub.inputs(reading)
    await hub.tell(message(101, 31))
    await hub.read()
    with pytest.raises(PartsNotKept):
        hub.renderer.body(late, WINDOW)


async def test_parts_in_an_exchanged_table_are_all_read(hub: Hub) -> None:
    """A rebuild's rows may be older than the reading, and other than what was read."""
    async with hub.store.writing() as tx:
        await tx.execute("CREATE SCHEMA shadow")
        await tx.execute("CREATE TABLE shadow.parts (LIKE parts INCLUDING ALL)")
        await tx.execute("INSERT INTO shadow.parts SELECT * FROM parts")
    await hub.settle()
    async with hub.store.writing() as tx:
        await tx.execute("CREATE SCHEMA replaced")
        await tx.execute("ALTER TABLE parts SET SCHEMA replaced")
        await tx.execute("ALTER TABLE shadow.parts SET SCHEMA public")
    inputs = await hub.read()
    assert (inputs.since, len(inputs.parts)) == (None, 20)


async def test_a_merge_and_its_withdrawal_read_all_parts(hub: Hub) -> None:
    await hub.tell(*(message(number, number, "ben@example.com") for number in range(5)))
    merge = a_decision("cx.identity.merged.v1", id="d-1", about=ACME.tenant_node(), at=START + 90 * HOUR,
                       data={"identity": {"a": text_of(ANA), "b": text_of(BEN)}})  # fmt: skip
    await hub.tell(merge)
    inputs = await hub.read()
    assert (inputs.since, len(inputs.parts)) == (None, 25)
    name = f"{merge.source}#d-1"
    await hub.tell(
        a_decision("cx.identity.unmerged.v1", id="d-2", about=ACME.tenant_node(), at=START + 91 * HOUR,
                   data={"identity": {"decision": name}})
    )  # fmt: skip
    inputs = await hub.read()
    assert (inputs.since, len(inputs.parts)) == (None, 20)


async def test_who_follows_an_interaction_is_asked_each_time(hub: Hub) -> None:
    await hub.tell(an_event("cx.interaction.ended.v1", id="e-1", interaction="ana@example.com/3", at=START + 40 * HOUR))
    inputs = await hub.read()
    assert (inputs.since, len(inputs.parts)) == (None, 21)


async def test_readings_count_for_one_server_and_some_time(hub: Hub) -> None:
    reading = hub.renderer.reading_of("acme", ANA)
    assert reading is not None
    await hub.tell(message(100, 30))
    for other in (
        replace_server(reading),
        reading._replace(horizon=reading.horizon - (1 << 30)),
        reading._replace(horizon=reading.horizon + 1_000_000),
        reading._replace(places=frozenset({BEN})),
    ):
        inputs = await hub.inputs(other)
        assert (inputs.since, len(inputs.parts)) == (None, 21)


def replace_server(reading: PartsReading) -> PartsReading:
    return reading._replace(server=(reading.server[0], "another database", reading.server[2]))
