"""Mapping in worker processes: real ones, that are stopped, killed and starved."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from tests.patience import PATIENCE

from cx_channels.email.mime import PROVIDER
from cx_channels.mapping_pool import MOST_WAITING, MappingPool
from cx_channels.provider import Connection, Request
from cx_events.errors import Busy, Refused, TryLater

CONNECTION = Connection("mail", "acme", "email/mime", ("a secret",), settings={"addresses": ["support@acme.example"]})
MAIL = Request(
    b"From: ana@example.com\r\nMessage-ID: <m-1@example.com>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\n\r\nHello\r\n--b\r\nContent-Type: image/png; name=a.png\r\n\r\n\x89PNG\0\xff\r\n--b--\r\n",
    "SMTP",
    headers={"x-envelope-from": "ana@example.com"},
    received=1_795_000_000_000_000,
)


@pytest.fixture
async def workers() -> AsyncIterator[MappingPool]:
    pool = MappingPool(1, deadline=PATIENCE)
    await pool.start()
    yield pool
    await pool.stop()


async def test_a_worker_maps_exactly_as_the_provider_does(workers: MappingPool) -> None:
    assert await workers.map("email/mime", MAIL, CONNECTION) == PROVIDER.map(MAIL, CONNECTION)


async def test_a_refusal_comes_back_as_it_was_raised(workers: MappingPool) -> None:
    with pytest.raises(Refused, match="no header field") as caught:
        await workers.map("email/mime", Request(b"nothing", "SMTP"), CONNECTION)
    assert (caught.value.reason, caught.value.status) == ("malformed", 422)


async def test_a_mail_of_fifty_thousand_parts_is_mapped_bounded(workers: MappingPool) -> None:
    body = b"From: a@example.com\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 50_000
    (draft,) = (await workers.map("email/mime", Request(body, "SMTP"), CONNECTION)).drafts
    assert b'"left_out":["parts"]' in bytes(draft.data.raw)  # type: ignore[arg-type]


async def test_a_second_worker_starts_once_the_first_is_busy() -> None:
    pool = MappingPool(2, deadline=PATIENCE)
    await pool.start()
    try:
        (first,) = pool.pids
        for _ in range(3):
            await pool.map("email/mime", MAIL, CONNECTION)
        assert pool.pids == [first], "one after the other they need no second"
        os.kill(first, signal.SIGSTOP)
        slow = asyncio.create_task(pool.map("email/mime", MAIL, CONNECTION))
        await asyncio.sleep(0.05)  # it is in the worker's hands
        assert (await pool.map("email/mime", MAIL, CONNECTION)).drafts
        assert len(pool.pids) == 2
        os.kill(first, signal.SIGCONT)
        assert (await slow).drafts
        await pool.check()
    finally:
        await pool.stop()


async def test_a_worker_that_dies_unused_is_missed_and_replaced() -> None:
    pool = MappingPool(2, deadline=PATIENCE)
    running = asyncio.create_task(pool.run())

    async def complete() -> bool:
        try:
            await pool.check()
        except TryLater:
            return False
        return True

    try:
        async with asyncio.timeout(PATIENCE):
            while not await complete():
                await asyncio.sleep(0.05)
            await asyncio.gather(*(pool.map("email/mime", MAIL, CONNECTION) for _ in range(2)))
            dead = pool.pids[0]
            os.kill(dead, signal.SIGKILL)
            while dead in pool.pids:
                await asyncio.sleep(0.005)
            assert not await complete()
            while not await complete():
                await asyncio.sleep(0.05)
        assert len(pool.pids) == 2
        assert await pool.map("email/mime", MAIL, CONNECTION) == PROVIDER.map(MAIL, CONNECTION)
    finally:
        running.cancel()
        await asyncio.wait([running])
        await pool.stop()


async def test_a_hanging_worker_is_replaced_and_its_mail_returned() -> None:
    pool = MappingPool(1, deadline=0.3)
    await pool.start()
    try:
        (hanging,) = pool.pids
        os.kill(hanging, signal.SIGSTOP)
        mapped = await pool.map("email/mime", MAIL, CONNECTION)
        assert mapped.drafts == ()
        (lost,) = mapped.unmapped
        assert lost.reason == "took-too-long"
        assert lost.original == MAIL.body
        assert hanging not in pool.pids
    finally:
        await pool.stop()


async def test_more_requests_than_may_wait_are_refused_at_once(
    workers: MappingPool,
) -> None:
    (frozen,) = workers.pids
    os.kill(frozen, signal.SIGSTOP)
    waiting = [asyncio.create_task(workers.map("email/mime", MAIL, CONNECTION))]
    await asyncio.sleep(0.1)  # it is in the worker's hands
    waiting += [asyncio.create_task(workers.map("email/mime", MAIL, CONNECTION)) for _ in range(MOST_WAITING)]
    while workers.waiting < MOST_WAITING:
        await asyncio.sleep(0.01)
    with pytest.raises(Busy) as refused:
        await workers.map("email/mime", MAIL, CONNECTION)
    assert refused.value.reason == "too-many-mappings"
    os.kill(frozen, signal.SIGCONT)
    assert all(len(mapped.drafts) == 1 for mapped in await asyncio.gather(*waiting))


async def test_one_tenants_slow_mails_leave_others_a_worker() -> None:
    pool = MappingPool(2, deadline=PATIENCE, tenant_share=0.5)
    await pool.start()
    (frozen,) = pool.pids
    os.kill(frozen, signal.SIGSTOP)
    slow = [asyncio.create_task(pool.map("email/mime", MAIL, CONNECTION)) for _ in range(5)]
    try:
        while pool.waiting < 4:
            await asyncio.sleep(0.01)
        assert (await pool.map("email/mime", MAIL, replace(CONNECTION, tenant="other"))).drafts
        assert pool.waiting == 4, "only those of the one tenant wait"
        os.kill(frozen, signal.SIGCONT)
        assert all([(await each).drafts for each in slow])
    finally:
        await pool.stop()


async def test_a_killed_worker_is_replaced_and_its_mail_mapped(workers: MappingPool) -> None:
    (doomed,) = workers.pids
    os.kill(doomed, signal.SIGSTOP)  # so that it is killed with the mail in its hands
    mapping = asyncio.create_task(workers.map("email/mime", MAIL, CONNECTION))
    await asyncio.sleep(0.05)
    os.kill(doomed, signal.SIGKILL)
    assert await mapping == PROVIDER.map(MAIL, CONNECTION)
    assert workers.pids
    assert doomed not in workers.pids


async def test_a_mail_beyond_a_workers_memory_is_returned_whole() -> None:
    pool = MappingPool(1, deadline=PATIENCE, memory=200 << 20)
    await pool.start()
    try:
        large = Request(MAIL.body + b"x" * (200 << 20), "SMTP")
        (lost,) = (await pool.map("email/mime", large, CONNECTION)).unmapped
        assert lost.reason == "mapping-crashed"
        assert lost.original == large.body
        assert (await pool.map("email/mime", MAIL, CONNECTION)).drafts
    finally:
        await pool.stop()


async def test_a_cancelled_mapping_does_not_answer_the_next_request(workers: MappingPool) -> None:
    slow = asyncio.create_task(workers.map("email/mime", replace(MAIL, body=MAIL.body + b"y" * 8_000_000), CONNECTION))
    await asyncio.sleep(0.01)
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    assert await workers.map("email/mime", MAIL, CONNECTION) == PROVIDER.map(MAIL, CONNECTION)


async def test_many_mails_share_few_workers(workers: MappingPool) -> None:
    mails = [replace(MAIL, body=MAIL.body.replace(b"m-1", b"m-%d" % number)) for number in range(20)]
    found = await asyncio.gather(*(workers.map("email/mime", mail, CONNECTION) for mail in mails))
    assert [mapped.drafts[0].id.partition("/")[0] for mapped in found] == [f"m-{n}@example.com" for n in range(20)]


async def test_a_stopped_pool_refuses_work_and_leaves_no_process() -> None:
    pool = MappingPool(2)
    await pool.start()
    pids = pool.pids
    await pool.stop()
    with pytest.raises(TryLater):
        await pool.map("email/mime", MAIL, CONNECTION)
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
