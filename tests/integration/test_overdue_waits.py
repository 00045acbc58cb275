"""Nobody waits unseen: a wait over its queue's bound is told once, to followers and receivers, and counted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.api import KEYS, Running, running_api, tenants
from tests.integration.test_following import listening
from tests.sse import Stream, following

from cx_context.change_notifications import ContextChange
from cx_context.store import single_lease, wait_rows
from cx_events.errors import TryLater
from cx_events.log import CONTEXT_CHANGES, LogRecord, Partition
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, HOUR, MINUTE, SECOND, START, an_event
from cx_events.timestamps import format_time
from cx_projectors.overdue.bounds import QueueBounds
from cx_projectors.overdue.watch import OverdueWatch
from cx_runtime.directory_config import QueueConfig
from cx_runtime.metrics import Metrics
from cx_runtime.tenants import Tenants

BOUNDS = {"billing": 120, "support": 600, "unassigned": 300}


def configured() -> Tenants:
    """acme with bounds; the vendor calls billing WQ1."""
    known = tenants()
    queues = {id: QueueConfig(answer_within=bound) for id, bound in BOUNDS.items()}
    queues["billing"] = QueueConfig(name="Billing", ids={"any": ("WQ1",)}, answer_within=120)
    queues["free"] = QueueConfig()
    acme = known.by_name["acme"].model_copy(update={"queues": queues})
    return Tenants({**known.by_name, "acme": acme})


@dataclass
class Watched:
    """A hub, and a watch whose clock stands where it is put."""

    hub: Running
    at: float = START / 1e6
    owner: str = "one"

    def __post_init__(self) -> None:
        self.metrics = Metrics()
        self.watch = self.another("one", self.metrics)

    def another(self, owner: str, metrics: Metrics | None = None) -> OverdueWatch:
        bounds = {name: its.answer_bounds for name, its in self.hub.tenants.by_name.items()}
        known = QueueBounds(bounds, self.hub.api.directories)
        return OverdueWatch(self.hub.store, self.hub.log, known, owner, metrics or Metrics(), lambda: self.at)

    async def look(self, micros: int) -> bool:
        self.at = micros / 1e6
        return await self.watch.step()

    async def notices(self) -> list[ContextChange]:
        """All notices of overdue waits that are on the log."""
        return [change for record in await self.records() if (change := decoded(record)).overdue is not None]

    async def records(self) -> list[LogRecord]:
        reader = self.hub.log.reader()
        try:
            ends = await self.hub.log.end_offsets(CONTEXT_CHANGES)
            reader.assign({Partition(CONTEXT_CHANGES, number): 0 for number in ends})
            found: list[LogRecord] = []
            while len(found) < sum(ends.values()):
                found += await reader.read(1000)
            return found
        finally:
            await reader.close()

    def measured(self, name: str, queue: str = "billing") -> float | None:
        return self.metrics.registry.get_sample_value(name, {"tenant": "acme", "queue": queue})


def decoded(record: LogRecord) -> ContextChange:
    return msgspec.json.decode(record.value, type=ContextChange)


@pytest.fixture
async def at(tmp_path: Path, store_url: str) -> AsyncIterator[Watched]:
    async with running_api(tmp_path, store_url, configured=configured(), heartbeat=60.0) as hub:
        yield Watched(hub)


def asks(name: str, at: int = START, text: str = "is anybody there?", **more: Any) -> StampedEvent:
    return an_event(
        id=f"{name}-{at}", email=f"{name}@example.com", interaction=f"chat-{name}", text=text, at=at, **more
    )


def queued(name: str, queue: str = "WQ1", at: int = START + SECOND) -> StampedEvent:
    return an_event(
        "cx.interaction.queued.v1", id=f"q-{name}-{at}", email=f"{name}@example.com", interaction=f"chat-{name}",
        at=at, data={"queue": {"id": queue, "name": "Bills"}},
    )  # fmt: skip


def reply(name: str, at: int) -> StampedEvent:
    return an_event(
        "cx.message.sent.v1", id=f"reply-{name}-{at}", email=f"{name}@example.com", interaction=f"chat-{name}",
        text="here I am", at=at, role="agent",
    )  # fmt: skip


def stream(hub: Running, query: str, last_id: str = "") -> AbstractAsyncContextManager[Stream]:
    return following(hub.url, f"/v1/stream?{query}", KEYS["reader"], last_id)


async def test_a_wait_over_its_bound_is_announced_once(at: Watched) -> None:
    await at.hub.listed(asks("ana"), queued("ana"), asks("ben", START + MINUTE), queued("ben", "free", START + MINUTE))
    await at.look(START + 2 * MINUTE - SECOND)
    assert await at.notices() == []
    await at.look(START + 2 * MINUTE)
    for later in (3, 4, 500):
        await at.look(START + later * MINUTE)
    (notice,) = await at.notices()
    over = notice.overdue
    assert over is not None
    assert (over.queue, over.queue_name, over.interaction, over.channel) == ("billing", "Billing", "chat-ana", "chat")
    assert (over.waiting_since, over.due_at) == (format_time(START), format_time(START + 2 * MINUTE))
    assert (notice.tenant, notice.queues, over.answer_within, over.late) == ("acme", ["WQ1", "billing"], 120, False)
    assert at.measured("cx_overdue_waits_total") == 1
    assert at.measured("cx_waits_over_bound") == 1
    assert at.measured("cx_waits_over_bound", "support") == 0


async def test_an_answer_ends_a_wait_for_the_next(at: Watched) -> None:
    await at.hub.listed(asks("ana"), queued("ana"))
    await at.look(START + 3 * MINUTE)
    await at.hub.listed(reply("ana", START + 4 * MINUTE))
    await at.look(START + 10 * MINUTE)
    at.watch._measure_at = 0.0
    await at.look(START + 10 * MINUTE)
    assert at.measured("cx_waits_over_bound") == 0
    await at.hub.listed(asks("ana", START + 11 * MINUTE, "and now?"))
    await at.look(START + 12 * MINUTE)
    assert len(await at.notices()) == 1
    await at.look(START + 13 * MINUTE)
    first, second = [each.overdue for each in await at.notices() if each.overdue is not None]
    assert first.waiting_since < second.waiting_since and first.id != second.id


async def test_an_earlier_word_continues_the_same_wait(at: Watched) -> None:
    await at.hub.listed(asks("ana", START + MINUTE), queued("ana", at=START + MINUTE))
    await at.look(START + 4 * MINUTE)
    await at.hub.listed(asks("ana", START, "hello"))
    await at.look(START + 6 * MINUTE)
    assert len(await at.notices()) == 1


async def test_an_answer_that_is_not_applied_yet_counts(at: Watched) -> None:
    await at.hub.listed(asks("ana"), queued("ana"))
    await at.hub.arrive(reply("ana", START + MINUTE))
    await at.look(START + 5 * MINUTE)
    await at.hub.projector.catch_up()
    await at.look(START + 6 * MINUTE)
    assert await at.notices() == [], "what is applied and not listed counts, too"
    await at.hub.listed()
    await at.look(START + 7 * MINUTE)
    assert await at.notices() == []


async def test_a_wait_nobody_queued_is_in_unassigned(at: Watched) -> None:
    await at.hub.listed(asks("ana"))
    await at.look(START + 4 * MINUTE)
    assert await at.notices() == []
    await at.look(START + 5 * MINUTE)
    (notice,) = await at.notices()
    assert notice.overdue is not None and notice.overdue.queue == "unassigned"


async def test_a_wait_is_measured_by_its_latest_queue(at: Watched) -> None:
    await at.hub.listed(asks("ana"), queued("ana"))
    await at.look(START + 3 * MINUTE)
    await at.hub.listed(queued("ana", "support", START + 4 * MINUTE))
    await at.look(START + 9 * MINUTE)
    assert len(await at.notices()) == 1
    await at.look(START + 10 * MINUTE)
    assert [each.overdue.queue for each in await at.notices() if each.overdue] == ["billing", "support"]


async def test_what_was_over_during_an_outage_is_told(at: Watched) -> None:
    await at.hub.listed(asks("ana"), queued("ana"))
    await at.look(START + 5 * HOUR)
    (notice,) = await at.notices()
    assert notice.overdue is not None and notice.overdue.late


async def test_one_process_watches_and_another_takes_over(at: Watched) -> None:
    await at.hub.listed(asks("ana"), queued("ana"))
    other = at.another("two")
    assert not await at.watch.step()
    at.at = (START + 3 * MINUTE) / 1e6
    await other.step()
    assert await at.notices() == [], "the first has the lease"
    async with at.hub.store.writing() as tx:
        await single_lease.leave(tx, "overdue_lease", "one")
    other._renew_at = 0.0
    await other.step()
    assert len(await at.notices()) == 1


async def test_a_notice_the_log_refused_is_announced_later(at: Watched) -> None:
    await at.hub.listed(asks("ana"), queued("ana"))
    at.watch._current_to = (START + HOUR) / 1e6
    at.hub.log.broken = True
    at.at = (START + 3 * MINUTE) / 1e6
    with pytest.raises(TryLater):
        await at.watch.step()
    at.hub.log.broken = False
    await at.watch.step()
    assert len(await at.notices()) == 1
    assert at.measured("cx_overdue_waits_total") == 1


async def test_a_longer_bound_takes_back_what_it_allows(at: Watched) -> None:
    await at.hub.listed(asks("ana"), queued("ana"))
    await at.look(START + 3 * MINUTE)
    longer = QueueBounds({"acme": {"billing": 3600}}, at.hub.api.directories)
    async with at.hub.store.writing() as tx:
        await single_lease.leave(tx, "overdue_lease", "one")
    metrics = Metrics()
    watch = OverdueWatch(at.hub.store, at.hub.log, longer, "two", metrics, lambda: at.at)
    await watch.step()
    labels = {"tenant": "acme", "queue": "billing"}
    assert metrics.registry.get_sample_value("cx_waits_over_bound", labels) == 0


async def test_followers_are_told_of_each_wait_once(at: Watched) -> None:
    hub = at.hub
    await hub.listed(asks("ana"), queued("ana"))
    async with stream(hub, "queue=billing&queue=support&body=none") as desk:
        await desk.next()
        last = await desk.next()
        await listening(hub)
        await at.look(START + 3 * MINUTE)
        told = await desk.next()
        assert told.name == "overdue"
        assert told.data["subject"] == {"kind": "queue", "id": "billing"}
        assert told.data["queue"] == {"id": "billing", "name": "Billing"}
        assert (told.data["interaction"], told.data["answer_within"]) == ("chat-ana", 120)
        assert told.data["due_at"] == format_time(START + 2 * MINUTE)
        await at.look(START + 4 * MINUTE)
        assert await desk.silence(0.2) == []
    async with stream(hub, "queue=billing&queue=support&body=none", told.id) as desk:
        assert await desk.silence(0.2) == [], "it was told"
    async with stream(hub, "queue=billing&queue=support&body=none", last.id) as desk:
        assert (await desk.next()).data["interaction"] == "chat-ana", "it passed the bound while nobody looked"


async def test_an_agent_and_a_desk_with_contexts_are_told(at: Watched) -> None:
    hub = at.hub
    answered = an_event(
        "cx.interaction.answered.v1", id="a", interaction="chat-ana", at=START + 2 * SECOND,
        data={"agent": {"id": "ben", "name": "Ben"}},
    )  # fmt: skip
    await hub.listed(asks("ana"), queued("ana"), answered, asks("ana", START + 3 * SECOND, "and?"))
    async with (
        stream(hub, "agent=ben") as ben,
        stream(hub, "queue=billing") as billing,
        stream(hub, "agent=eva") as eva,
    ):
        assert [(await ben.next()).name for _ in range(2)] == ["assignment", "live"]
        assert [(await each.next()).name for each in (billing, eva)] == ["live", "live"]
        await listening(hub)
        await at.look(START + 3 * MINUTE)
        told = await ben.next()
        assert (told.name, told.data["interaction"]) == ("overdue", "chat-ana")
        assert (await billing.next()).name == "overdue"
        assert await eva.silence(0.2) == []
    async with stream(hub, "agent=ben", told.id) as ben:
        assert [(await ben.next()).name] == ["live"]
        assert await ben.silence(0.2) == []


async def test_lists_say_when_to_answer_and_what_is_over(at: Watched) -> None:
    hub = at.hub
    await hub.listed(asks("ana"), queued("ana"), asks("ben"), queued("ben", "free"))
    await at.look(START + 3 * MINUTE)
    items = (await hub.get("/v1/conversations?waiting=true")).json()["items"]
    due = {each["interaction"]: each["due_at"] for each in items}
    assert due == {"chat-ana": format_time(START + 2 * MINUTE), "chat-ben": None}
    queues = {each["id"]: each for each in (await hub.get("/v1/queues")).json()["items"]}
    shown = ("answer_within", "overdue", "overdue_since")
    assert [queues["billing"][name] for name in shown] == [120, 1, format_time(START)]
    assert [queues["free"][name] for name in shown] == [None, 0, None]


async def test_what_was_told_long_ago_is_forgotten(at: Watched) -> None:
    await at.hub.listed(asks("ana"), queued("ana"), asks("ben"), queued("ben"))
    await at.look(START + 3 * MINUTE)
    await at.hub.listed(reply("ana", START + 4 * MINUTE))
    at.watch._forget_at = 0.0
    await at.look(START + 40 * 24 * HOUR)
    async with at.hub.store.reading() as tx:
        rows = await tx.fetch("SELECT contact FROM overdue_waits")
        left = await wait_rows.count_over(tx, ["acme"])
    assert (len(rows), [each.waits for each in left]) == (1, [1])
    assert ACME.tenant == "acme"
