"""Fair shares: nobody holds more than a share, whoever comes late finds room, and nothing is held for ever."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_events.errors import Busy, Refused, TooFast, TryLater
from cx_runtime.fair_queue import FairQueue
from cx_runtime.shares import STRANGERS, Path, Pool, Slot, address, customer, key, room, tenant

ACME = (tenant("acme"),)
OTHER = (tenant("other"),)
DESK = (*ACME, key("desk"))


def filled(pool: Pool, path: Path) -> list[Slot]:
    """As many slots as somebody gets."""
    slots = []
    while pool.refusal(path, 1) is None:
        slots.append(pool.take(path))
    return slots


# --- pools -----------------------------------------------------------------------------------------------------------


def test_one_tenant_gets_half_the_next_a_quarter() -> None:
    pool = Pool("streams", 100)
    assert len(filled(pool, ACME)) == 50
    assert len(filled(pool, OTHER)) == 25
    with pytest.raises(TooFast, match="streams-of-tenant") as refused:
        pool.take(ACME)
    assert (refused.value.status, refused.value.retry_after) == (429, 1)


def test_neither_key_nor_customer_uses_up_the_share_above() -> None:
    pool = Pool("streams", 1_000)
    assert len(filled(pool, (*DESK, customer("c-1")))) == 40
    with pytest.raises(TooFast, match="streams-of-customer"):
        pool.take((*DESK, customer("c-1")))
    filled(pool, DESK)
    with pytest.raises(TooFast, match="streams-of-key"):
        pool.take(DESK)
    pool.take((*ACME, key("another")))


def test_a_full_pool_is_busy_for_everybody() -> None:
    pool = Pool("streams", 2)
    pool.take(ACME)
    pool.take(OTHER)
    with pytest.raises(Busy) as refused:
        pool.take((tenant("third"),))
    assert refused.value.reason == "too-many-streams"


def test_strangers_leave_room_for_those_who_are_known() -> None:
    pool = Pool("requests", 100)
    for number in range(1_000):
        if pool.refusal((STRANGERS, address(str(number))), 1) is None:
            pool.take((STRANGERS, address(str(number))))
    assert pool.of((STRANGERS,)) == 50
    with pytest.raises(Busy, match="left to those who have not shown who they are"):
        pool.take((STRANGERS, address("one more")))
    pool.take(ACME)


def test_one_address_leaves_room_for_other_addresses() -> None:
    pool = Pool("requests", 500)
    assert len(filled(pool, (STRANGERS, address("192.0.2.1")))) == 25
    with pytest.raises(TooFast, match="requests-of-address"):
        pool.take((STRANGERS, address("192.0.2.1")))
    pool.take((STRANGERS, address("192.0.2.2")))


def test_a_slot_counts_for_its_owner_once_known() -> None:
    pool = Pool("requests", 10)
    slot = pool.take((STRANGERS, address("192.0.2.1")))
    slot.move(DESK)
    assert (pool.of((STRANGERS,)), pool.of(ACME), pool.held) == (0, 1, 1)
    filled(pool, DESK)
    late = pool.take((STRANGERS, address("192.0.2.1")))
    with pytest.raises(TooFast, match="requests-of-"):
        late.move(DESK)
    assert pool.of((STRANGERS,)) == 1, "it stays what it was"


def test_one_oversized_body_is_possible_alone() -> None:
    pool = Pool("bytes", 100)
    alone = pool.take(DESK, 500)
    alone.grow(500)
    with pytest.raises(Busy):
        pool.take(OTHER, 1)
    alone.end()
    pool.take(OTHER, 60)
    with pytest.raises(Busy):
        pool.take(DESK, 41)


def test_a_slot_that_ends_twice_gives_back_once() -> None:
    pool = Pool("streams", 20)
    with pool.take(DESK) as slot:
        pool.take(DESK)
        slot.end()
    assert (pool.held, pool.known()) == (1, 2)


PATHS = st.sampled_from(
    [
        (tenant(name), key(id), customer(whose))
        for name in ("acme", "other")
        for id in ("desk", "shop")
        for whose in ("c-1", "c-2")
    ]
    + [(STRANGERS, address(name)) for name in ("a", "b", "c")]
)


@given(st.integers(1, 40), st.lists(st.tuples(st.sampled_from(["take", "end", "move"]), PATHS, st.integers(0, 50))))
def test_pool_and_shares_are_never_exceeded_and_nothing_leaks(size: int, steps: list[tuple[str, Path, int]]) -> None:
    pool = Pool("things", size)
    slots: list[Slot] = []
    for step, path, which in steps:
        try:
            if step == "take":
                before = {path[:depth]: pool.of(path[:depth]) for depth in range(len(path) + 1)}
                slots.append(pool.take(path))
                within = size
                for depth in range(1, len(path) + 1):
                    siblings = before[path[: depth - 1]] - before[path[:depth]]
                    within = room(within, siblings, path[depth - 1].share)
                    assert pool.of(path[:depth]) <= max(within, 1)
            elif slots and step == "end":
                slots.pop(which % len(slots)).end()
            elif slots:
                slots[which % len(slots)].move(path)
        except (TooFast, Busy):
            pass
        assert pool.held == sum(slot.amount for slot in slots) <= size
        for slot in slots:
            assert pool.of(slot.path) >= 1
        assert pool.known() <= 3 * len(slots), "nobody is remembered who holds nothing"
    for slot in slots:
        slot.end()
    assert (pool.held, pool.known()) == (0, 0)


@given(st.integers(2, 200), st.integers(0, 200))
def test_whoever_comes_late_finds_room_whatever_one_tenant_holds(size: int, greed: int) -> None:
    pool = Pool("streams", size)
    for number in range(greed):
        path = (tenant("greedy"), key(str(number % 7)), customer(str(number % 11)))
        if pool.refusal(path, 1) is None:
            pool.take(path)
    pool.take(DESK)


# --- turns -----------------------------------------------------------------------------------------------------------


def turns(
    size: int = 2, of_one: int = 1, waiting: int = 100, waiting_of_one: int = 50, seconds: float = 30.0
) -> FairQueue:
    return FairQueue(
        "reads", size, most_of_one=of_one, most_waiting=waiting, most_waiting_of_one=waiting_of_one, seconds=seconds
    )


class Work:
    """Pieces of work that take as long as the test pleases."""

    def __init__(self, of: FairQueue) -> None:
        self.turns = of
        self.begun: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def asked(self, name: str, key: str) -> None:
        """One more asks, and gets as far as it can."""
        self.gates[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._work(name, key))
        await settled()

    async def done(self, name: str) -> None:
        self.gates[name].set()
        await self.tasks[name]
        await settled()

    async def _work(self, name: str, key: str) -> None:
        async with self.turns.turn(key):
            self.begun.append(name)
            await self.gates[name].wait()


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_one_tenants_long_work_leaves_a_place_for_another() -> None:
    work = Work(turns())
    for number in range(5):
        await work.asked(f"a{number}", "acme")
    await work.asked("b", "other")
    assert work.begun == ["a0", "b"]
    for name in ("a0", "a1", "a2", "a3", "a4", "b"):
        await work.done(name)
    assert (work.turns.running, work.turns.waiting, work.turns.known()) == (0, 0, 0)


async def test_those_who_wait_take_turns_by_key() -> None:
    work = Work(turns(size=1))
    await work.asked("first", "z")
    for number in range(3):
        await work.asked(f"a{number}", "acme")
    await work.asked("b", "other")
    for name in ("first", "a0", "b", "a1", "a2"):
        await work.done(name)
    assert work.begun == ["first", "a0", "b", "a1", "a2"]


async def test_too_many_reads_of_one_tenant_are_refused_alone() -> None:
    work = Work(turns(size=1, waiting_of_one=2))
    for number in range(4):
        await work.asked(f"a{number}", "acme")
    with pytest.raises(TooFast, match="reads-of-tenant"):
        await work.tasks["a3"]
    await work.asked("b", "other")
    assert not work.tasks["b"].done()
    for name in ("a0", "a1", "b", "a2"):
        await work.done(name)


async def test_too_many_reads_in_all_are_refused_as_busy() -> None:
    work = Work(turns(size=1, waiting=1))
    await work.asked("a", "acme")
    await work.asked("b", "other")
    await work.asked("c", "third")
    with pytest.raises(Busy) as refused:
        await work.tasks["c"]
    assert refused.value.reason == "too-many-reads"
    await work.done("a")
    await work.done("b")


async def test_waiting_in_vain_is_blamed_on_the_needed_part() -> None:
    turns = FairQueue("reads", 1, most_of_one=1, most_waiting=9, most_waiting_of_one=9, seconds=0.05, needs="store")
    async with turns.turn("acme"):
        with pytest.raises(TryLater, match="none of the reads under way has ended") as stuck:
            async with turns.turn("acme"):
                raise AssertionError("its turn never came")
    assert stuck.value.part == "store"
    assert (turns.running, turns.waiting, turns.known()) == (0, 0, 0)


async def test_debt_is_not_blamed_on_the_needed_part() -> None:
    turns = FairQueue(
        "reads", 1, most_of_one=1, most_waiting=9, most_waiting_of_one=9, seconds=0.05, needs="store", time_of_one=0.5
    )
    turns.charge("acme", 1000.0)
    with pytest.raises(TooFast, match="uses its share of the reads"):
        async with turns.turn("acme"):
            raise AssertionError("its turn never came")


async def test_waiting_too_long_names_who_is_to_blame() -> None:
    work = Work(turns(size=1, seconds=0.0))
    await work.asked("a", "acme")
    await work.asked("own", "acme")
    await work.asked("others", "other")
    with pytest.raises(TooFast):
        await work.tasks["own"]
    with pytest.raises(Busy):
        await work.tasks["others"]
    await work.done("a")
    assert (work.turns.running, work.turns.waiting, work.turns.known()) == (0, 0, 0)


STEPS = st.lists(
    st.tuples(st.sampled_from(["ask", "ask", "end", "fail", "cancel"]), st.sampled_from("abc"), st.integers(0, 99)),
    max_size=40,
)


@given(STEPS, st.integers(1, 3), st.integers(1, 3))
async def test_every_path_gives_its_turn_back(steps: list[tuple[str, str, int]], size: int, of_one: int) -> None:
    fair = turns(size=size, of_one=of_one)
    running: list[tuple[str, asyncio.Event, asyncio.Task[None]]] = []
    inside: list[str] = []

    async def work(whose: str, gate: asyncio.Event) -> None:
        async with fair.turn(whose):
            inside.append(whose)
            try:
                await gate.wait()
                if gate in failing:
                    raise Refused("no", "it failed")
            finally:
                inside.remove(whose)

    failing: set[asyncio.Event] = set()
    for step, whose, which in steps:
        if step == "ask":
            gate = asyncio.Event()
            running.append((whose, gate, asyncio.create_task(work(whose, gate))))
        elif running:
            _, gate, task = running.pop(which % len(running))
            if step == "cancel":
                task.cancel()
            else:
                failing |= {gate} if step == "fail" else set()
                gate.set()
        if which % 3:
            await settled()
            assert len(inside) <= size
            assert all(inside.count(each) <= of_one for each in "abc")
            assert len(inside) == fair.running
    for _, gate, _ in running:
        gate.set()
    while fair.running or fair.waiting:
        await settled()
    assert fair.known() == 0
