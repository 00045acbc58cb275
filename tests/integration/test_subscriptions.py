"""Subscriptions deliver at least once, in order per customer, whatever receivers and processes do."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs
from standardwebhooks import Webhook
from tests.receiver import BREAK, FLOOD, HANG, OK, Got, answer
from tests.subscribing import HOUR, PATIENT, QUICK, SECRET, Subscribed, customer_of, subscribed, with_config

from cx_context.change_notifications import ContextChange, OverdueWait
from cx_context.store import Store, open_store, subscription_rows
from cx_context.store.subscription_rows import Stop, SubscriptionLost
from cx_events.ids import IdSpace
from cx_events.log import CONTEXT_CHANGES, Log, Record
from cx_events.log.sqlite import SqliteLog
from cx_ops.subscriptions.receiver import LONGEST_REST
from cx_runtime.outbound.retries import DELAYS

pytestmark = pytest.mark.clock

PARTITIONS = 3
SERVERS = pytest.param("servers", marks=[pytest.mark.kafka, pytest.mark.postgres])


@pytest.fixture(params=["embedded", SERVERS])
def parts(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Log, str]:
    if request.param == "servers":
        log: Log = request.getfixturevalue("kafka_log")(partitions=PARTITIONS)
        return log, request.getfixturevalue("postgres_store")
    return SqliteLog(tmp_path / "log.db", PARTITIONS), f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
async def log(parts: tuple[Log, str]) -> AsyncIterator[Log]:
    await parts[0].start()
    yield parts[0]
    await parts[0].stop()


@pytest.fixture
async def store(parts: tuple[Log, str]) -> AsyncIterator[Store]:
    store = open_store(parts[1])
    await store.start()
    yield store
    await store.stop()


@pytest.fixture
async def at(log: Log, store: Store) -> AsyncIterator[Subscribed]:
    async with subscribed(log, store) as at:
        yield at


async def test_events_arrive_signed_as_they_lie_on_the_log(at: Subscribed) -> None:
    await at.tell("ana", "ben", "ana")
    async with at.working() as worker:
        await at.drain(worker)
    assert at.delivered() == {"ana": [1, 2], "ben": [1]}
    for got in at.receiver.got:
        event = Webhook(SECRET).verify(got.body, got.headers)
        assert (event["specversion"], event["tenantid"]) == ("1.0", "acme")


async def test_a_new_subscription_begins_with_what_comes(at: Subscribed) -> None:
    await at.tell("ana")
    at = with_config(at, since="now")
    await at.begin()
    await at.tell("ana")
    async with at.working() as worker:
        await at.drain(worker)
    assert at.delivered() == {"ana": [2]}


async def test_only_what_the_filter_wants_is_sent(at: Subscribed) -> None:
    at = with_config(at, filter="type=cx.message.* and data.channel=chat")
    await at.tell("ana", channel="chat")
    await at.tell("ana", channel="email")
    await at.tell("ana", type="cx.interaction.started.v1", interaction="c-1")
    async with at.working() as worker:
        await at.drain(worker)
    assert at.delivered() == {"ana": [1]}


async def test_another_tenants_events_are_never_sent(at: Subscribed) -> None:
    await at.tell("ana", ids=IdSpace("other", b"other example key"))
    async with at.working() as worker:
        await at.drain(worker)
    assert at.receiver.got == []


async def test_one_customers_failure_holds_up_no_other(at: Subscribed) -> None:
    at.receiver.react = lambda got: answer(500) if customer_of(got)[0] == "ana" else OK
    await at.tell("ana", "ben", "ana", "cid", "ben")
    async with at.working() as worker:
        await at.drain(worker)
        assert at.delivered(lambda got: customer_of(got)[0] != "ana") == {"ben": [1, 2], "cid": [1]}
        assert [customer_of(got) for got in at.receiver.got if customer_of(got)[0] == "ana"] == [("ana", 1)]
        await at.tell("ana", "ben")
        at.receiver.react = lambda _: OK
        await at.drain(worker)
        assert at.delivered()["ben"] == [1, 2, 3]
        at.receiver.got.clear()
        await at.later(worker, DELAYS[0] * 2)
    assert at.delivered() == {"ana": [1, 2, 3]}
    assert await at.waiting() == []


@pytest.mark.parametrize("reaction", [HANG, BREAK, answer(302, "Location: http://127.0.0.1:1/"), answer(404)])
async def test_a_receiver_that_fails_is_tried_again(at: Subscribed, reaction: bytes) -> None:
    at.receiver.react = lambda _: reaction
    at.sender._bounds = QUICK if reaction == HANG else PATIENT
    await at.tell("ana", "ana")
    async with at.working() as worker:
        await at.drain(worker)
        (row,) = await at.waiting()
        assert row.failures == 1 and row.reason
        at.receiver.react = lambda _: OK
        at.sender._bounds = PATIENT
        at.receiver.got.clear()
        await at.later(worker, DELAYS[0] * 2)
    assert at.delivered() == {"ana": [1, 2]}


async def test_an_answer_of_megabytes_is_taken_as_an_answer(at: Subscribed) -> None:
    at.receiver.react = lambda _: FLOOD
    await at.tell("ana")
    async with at.working() as worker:
        await at.drain(worker)
    assert at.delivered() == {"ana": [1]} and await at.waiting() == []


async def test_private_addresses_are_told_and_nothing_is_sent(at: Subscribed) -> None:
    at = with_config(at, url="http://169.254.169.254/latest/meta-data")
    await at.tell("ana")
    async with at.working() as worker:
        await at.drain(worker)
    (row,) = await at.waiting()
    assert row.reason == "private-address" and "CX_OUTBOUND_NETWORKS" in row.detail


async def test_a_receiver_away_for_hours_gets_all_when_back(at: Subscribed) -> None:
    customers = [f"c{number}" for number in range(12)]
    at.receiver.react = lambda _: answer(503)
    async with at.working() as worker:
        for _ in range(3):
            await at.tell(*customers)
            await at.later(worker, 10.0)
        requests = len(at.receiver.got)
        for _ in range(20):
            await at.later(worker, HOUR / 4)
        assert len(at.receiver.got) - requests < 200, "a receiver that is down is not flooded"
        at.receiver.react = lambda _: OK
        at.receiver.got.clear()
        await at.later(worker, LONGEST_REST * 1.2)
    assert at.delivered() == at.told()
    assert await at.waiting() == [] and await at.letters() == []


async def test_a_receiver_that_asks_for_time_gets_it(at: Subscribed) -> None:
    at.receiver.react = lambda _: answer(429, "Retry-After: 1000")
    await at.tell("ana")
    async with at.working() as worker:
        await at.drain(worker)
        at.receiver.react = lambda _: OK
        await at.tell("ben")
        await at.later(worker, 900.0)
        assert len(at.receiver.got) == 1
        at.receiver.got.clear()
        await at.later(worker, 200.0)
    assert at.delivered() == {"ana": [1], "ben": [1]}


async def test_after_75_hours_it_is_a_dead_letter(at: Subscribed) -> None:
    at.receiver.react = lambda got: answer(500) if customer_of(got) == ("ana", 1) else OK
    await at.tell("ana", "ben", "ana")
    async with at.working() as worker:
        await at.drain(worker)
        hours = 0
        while not await at.letters():
            await at.later(worker, HOUR)
            hours += 1
            assert hours < 110
        assert hours >= 75
        (letter,) = await at.letters()
        assert letter.reason == "status-500" and letter.failures >= len(DELAYS)
        assert at.delivered(lambda got: customer_of(got) != ("ana", 1)) == {"ana": [2], "ben": [1]}
        at.receiver.react = lambda _: OK
        at.receiver.got.clear()
        async with at.store.writing() as tx:
            assert await subscription_rows.want_letters(tx, at.subscription.name) == 1
        await at.drain(worker)
    assert at.delivered() == {"ana": [1]} and await at.letters() == []


@pytest.mark.parametrize("status", [400, 413, 415, 422])
async def test_what_is_refused_for_its_content_holds_up_nobody(at: Subscribed, status: int) -> None:
    """A stranger's event lies before a customer's own in her stream."""
    at.receiver.react = lambda got: answer(status) if customer_of(got) == ("ana", 1) else OK
    await at.tell("ana", "ana")
    async with at.working() as worker:
        await at.drain(worker)
        for delay in DELAYS[:3]:
            assert await at.letters() == []
            await at.tell("ben")
            await at.later(worker, delay * 2)
        (letter,) = await at.letters()
    assert (letter.reason, letter.failures) == (f"status-{status}", 4)
    assert at.delivered(lambda got: customer_of(got) != ("ana", 1)) == {"ana": [2], "ben": [1, 2, 3]}
    assert await at.waiting() == []


@pytest.mark.parametrize(("status", "others"), [(404, True), (401, True), (500, True), (422, False)])
async def test_what_may_be_the_receivers_fault_waits(at: Subscribed, status: int, others: bool) -> None:
    at.receiver.react = lambda got: answer(status) if customer_of(got)[0] == "ana" else OK
    await at.tell("ben", "ana")
    async with at.working() as worker:
        await at.drain(worker)
        for delay in DELAYS[:5]:
            if others:
                await at.tell("ben")
            await at.later(worker, delay * 2)
    assert await at.letters() == []
    assert [row.failures for row in await at.waiting()] == [6]


async def test_a_refusal_counts_only_if_repeated(at: Subscribed) -> None:
    statuses = iter([503, 503, 503, 422, 503, 422, 422])
    at.receiver.react = lambda got: answer(next(statuses)) if customer_of(got)[0] == "ana" else OK
    await at.tell("ana")
    async with at.working() as worker:
        await at.drain(worker)
        for attempt in range(6):
            assert await at.letters() == [], attempt
            await at.tell("ben")
            await at.later(worker, DELAYS[attempt] * 2)
    (letter,) = await at.letters()
    assert letter.failures == 7


async def test_an_operator_has_what_waits_tried_at_once(at: Subscribed) -> None:
    at.receiver.react = lambda _: answer(500)
    await at.tell("ana", "ana")
    async with at.working() as worker:
        await at.drain(worker)
        at.receiver.react = lambda _: OK
        at.receiver.got.clear()
        await at.drain(worker)
        assert at.receiver.got == []
        async with at.store.writing() as tx:
            assert await subscription_rows.make_due(tx, at.subscription.name) == 1
        await worker.turn()
        await at.drain(worker)
    assert at.delivered() == {"ana": [1, 2]}


async def test_a_dead_letter_that_fails_again_stays(at: Subscribed) -> None:
    await at.tell("ana")
    async with at.working() as worker:
        await at.drain(worker)
        number = next(n for n, cursor in worker._cursors.by_partition.items() if cursor.next_offset)
        async with at.store.writing() as tx:
            letter = subscription_rows.Letter(number, 0, 9, 1.0, 2.0, "status-500", "", wanted=True)
            await subscription_rows.write_letters(tx, at.subscription.name, [letter])
        at.receiver.react = lambda _: answer(404)
        await at.drain(worker)
    (found,) = await at.letters()
    assert (found.failures, found.reason, found.wanted) == (10, "status-404", False)


async def test_a_receiver_that_is_gone_stops_it(at: Subscribed) -> None:
    at.receiver.react = lambda _: answer(410)
    await at.tell("ana", "ana", "ben")
    async with at.working() as worker:
        await at.drain(worker)
        asked = len(at.receiver.got)
        await at.later(worker, HOUR)
        assert len(at.receiver.got) == asked <= 2
        async with at.store.writing() as tx:
            stop = await subscription_rows.stop_of(tx, at.subscription.name)
            assert stop is not None and stop.reason == "gone"
            await subscription_rows.delete_stop(tx, at.subscription.name)
        at.receiver.react = lambda _: OK
        at.receiver.got.clear()
        await at.drain(worker)
    assert at.delivered() == at.told()


@pytest.mark.parametrize("by", ["configuration", "operator"])
async def test_a_paused_one_waits_and_loses_nothing(at: Subscribed, by: str) -> None:
    paused = with_config(at, paused=by == "configuration")
    async with at.store.writing() as tx:
        if by == "operator":
            await subscription_rows.write_stop(tx, at.subscription.name, Stop("paused", "repairs", "key/ops", 1.0))
    await at.tell("ana", "ben")
    async with paused.working() as worker:
        await paused.drain(worker)
    assert at.receiver.got == []
    async with at.store.writing() as tx:
        await subscription_rows.delete_stop(tx, at.subscription.name)
    async with at.working() as worker:
        await at.drain(worker)
    assert at.delivered() == at.told()


async def test_secrets_rotate_without_a_gap(at: Subscribed) -> None:
    new = "whsec_" + "WFla" * 12
    await at.tell("ana")
    at = with_config(at, secrets=(new, SECRET))
    async with at.working() as worker:
        await at.drain(worker)
    (got,) = at.receiver.got
    for secret in (new, SECRET):
        Webhook(secret).verify(got.body, got.headers)


async def test_waiting_keys_are_bounded(at: Subscribed) -> None:
    at.most_waiting = 20
    customers = [f"c{number}" for number in range(400)]
    at.receiver.react = lambda _: answer(500)
    for _ in range(2):
        await at.tell(*customers)
    async with at.working() as worker:
        for _ in range(30):
            await at.later(worker, 100.0)
        assert 20 <= len(await at.waiting()) < 20 + 100
        at.receiver.react = lambda _: OK
        at.receiver.got.clear()
        for _ in range(10):  # an answer that comes too late on a busy machine is tried again after a rest
            await at.later(worker, LONGEST_REST * 2)
    assert at.delivered() == at.told()


async def test_only_one_works_on_a_partition(at: Subscribed) -> None:
    await at.tell("ana")
    async with at.working() as first, at.working() as second:
        await at.drain(first)
        await at.tell("ana", "ben")
        await at.drain(second)
        assert at.delivered() == {"ana": [1]}
        await first._cursors.leave()
        second._stale = True
        await at.drain(second)
    assert at.delivered() == at.told()


async def test_whoever_lost_its_lease_writes_nothing(at: Subscribed) -> None:
    at.lease = -1.0  # over at once
    await at.tell("ana")
    async with at.working() as first, at.working() as second:
        await first._cursors.take()
        first._new.assign(first._cursors.starts())
        first._stale = False
        await second._cursors.take()
        with pytest.raises(SubscriptionLost):
            for _ in range(10):
                await first.turn()
    async with at.store.reading() as tx:
        assert {row.next_offset for row in await subscription_rows.standings(tx, at.subscription.name)} == {0}


@pytest.mark.parametrize("seed", range(6))
async def test_order_holds_under_random_failures_and_restarts(at: Subscribed, seed: int) -> None:
    """What a receiver takes is each customer's events in order, whatever fails, and whenever a worker ends between a
    delivery and its transaction."""
    luck = random.Random(seed)
    taken: list[Got] = []

    def react(got: Got) -> bytes:
        drawn = luck.random()
        if drawn < 0.25:
            return luck.choice([answer(500), BREAK, answer(429, "Retry-After: 7"), answer(301, "Location: /")])
        taken.append(got)
        return OK if drawn < 0.9 else answer(200, body=b"x" * 10)

    at.receiver.react = react
    customers = ["ana", "ben", "cid", "dan", "eve"]
    for _ in range(12):
        await at.tell(*luck.choices(customers, k=luck.randint(1, 6)))
        async with at.working() as worker:
            for _ in range(luck.randint(0, 4)):
                if luck.random() < 0.2:
                    worker._cursors.commit = _never  # type: ignore[method-assign]
                at.clock.now += luck.choice([0.0, 3.0, 60.0])
                try:
                    await worker.turn()
                except _KilledError:
                    break
    at.receiver.react = lambda got: taken.append(got) or OK  # type: ignore[func-returns-value]
    async with at.working() as worker:
        for _ in range(4):
            await at.later(worker, HOUR * 12)
    at.receiver.got = taken
    assert at.delivered() == at.told()
    assert await at.waiting() == []


class _KilledError(Exception):
    """Stands for the end of a process before its transaction."""


async def _never(*_: Any, **__: Any) -> None:
    raise _KilledError


async def test_context_changes_are_told_once_a_version(at: Subscribed) -> None:
    at = with_config(at, what="context-changes")
    changes = [("11" * 16, 7, ""), ("11" * 16, 7, ""), ("22" * 16, 8, "11" * 16)]
    records = [
        Record(
            CONTEXT_CHANGES, bytes.fromhex(customer), msgspec.json.encode(ContextChange("acme", customer, version, to))
        )
        for customer, version, to in changes
    ]
    await at.log.append(records)
    async with at.working() as worker:
        await at.drain(worker)
    got = [(each.headers["webhook-id"], msgspec.json.decode(each.body)) for each in at.receiver.got]
    assert len(got) == 3 and len({id for id, _ in got}) == 2
    first = next(event for _, event in got if event["subject"] == "11" * 16)
    assert first["type"] == "cx.context.changed.v1" and first["source"] == "//throughline/acme/contexts"
    assert first["data"] == {"tenant": "acme", "customer": "11" * 16, "version": 7}


async def test_overdue_waits_go_to_those_who_want_them(at: Subscribed) -> None:
    over = OverdueWait(
        id="c/1/billing", conversation="c", interaction="chat-1", channel="chat", queue="billing", queue_name="Billing",
        waiting_since="2026-11-22T10:00:00.000000Z", due_at="2026-11-22T10:02:00.000000Z",
        noticed_at="2026-11-22T10:02:01.000000Z", answer_within=120, late=False,
    )  # fmt: skip
    notices = [
        ContextChange("acme", "11" * 16, 7),
        ContextChange("acme", "11" * 16, 0, queues=["billing"], overdue=over),
        ContextChange("acme", "11" * 16, 0, queues=["billing"], overdue=structs.replace(over, id="old", late=True)),
    ]
    for what, wanted in (("overdue", ["c/1/billing"]), ("context-changes", ["11" * 16 + "/7"])):
        told = with_config(at, what=what, filter="overdue.late!=true")
        told.receiver.got.clear()
        async with told.working() as worker:
            await told.drain(worker)
            await at.log.append([Record(CONTEXT_CHANGES, b"c" * 16, msgspec.json.encode(each)) for each in notices])
            await told.drain(worker)
        got = [msgspec.json.decode(each.body) for each in told.receiver.got]
        assert [each["id"] for each in got] == wanted
        if what == "overdue":
            assert (got[0]["type"], got[0]["source"]) == ("cx.wait.overdue.v1", "//throughline/acme/waits")
            assert got[0]["data"]["overdue"]["queue"] == "billing" and got[0]["subject"] == "11" * 16
