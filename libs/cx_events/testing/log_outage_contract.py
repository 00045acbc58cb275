"""Hold logs that can be down to their contract: in an outage and after it."""

from __future__ import annotations

import asyncio

import pytest

from cx_events.errors import TryLater
from cx_events.log import (
    INTERACTIONS,
    RecordMetadata,
)
from cx_events.testing.log_helpers import (
    ANSWER_SECONDS,
    MakeLog,
    Outage,
    append_until_stored,
    from_start,
    record,
    take,
)


class LogOutageContract:
    """Fixtures: ``make_log`` as in ``LogFixtures``, and ``outage``, an ``Outage`` of that log's place."""

    async def test_appends_in_an_outage_fail_until_it_ends(self, make_log: MakeLog, outage: Outage) -> None:
        log = make_log(partitions=2)
        await log.start()
        await log.append([record("k", "before")])
        reader = await from_start(log)
        assert [r.value for r in await take(reader, 1)] == [b"before"]
        await outage.begin()
        try:
            answers = []
            for _ in range(2):
                async with asyncio.timeout(ANSWER_SECONDS):
                    answers += await asyncio.gather(
                        *(log.append([record("k", f"lost-{n}")]) for n in range(20)), return_exceptions=True
                    )
            assert all(isinstance(answer, TryLater) for answer in answers), answers
        finally:
            await outage.end()
        await append_until_stored(log, record("k", "after"))
        seen: list[bytes] = []
        while b"after" not in seen:
            try:
                seen += [r.value for r in await reader.read(100)]
            except TryLater:
                await asyncio.sleep(0.05)
        # Records of the outage may be there, since their outcome is unknown; nothing from before comes again.
        assert {value for value in seen if not value.startswith(b"lost-")} == {b"after"}
        await reader.close()
        await log.stop()

    async def test_acknowledged_records_survive_an_outage(self, make_log: MakeLog, outage: Outage) -> None:
        log = make_log(partitions=2)
        await log.start()
        acknowledged: dict[RecordMetadata, bytes] = {}
        refused = asyncio.Event()
        over = asyncio.Event()

        async def write(name: str) -> None:
            """Append until ten appends were acknowledged after the outage."""
            n = after = 0
            while after < 10:
                given = [record(name, f"{name}:{n}:{i}") for i in range(5)]
                try:
                    offsets = await log.append(given)
                except TryLater:
                    refused.set()
                    await asyncio.sleep(0.05)
                    continue
                acknowledged.update({at: r.value for at, r in zip(offsets, given, strict=True)})
                n += 1
                after += over.is_set()
                await asyncio.sleep(0.01)

        writers = [asyncio.create_task(write(f"w{n}")) for n in range(8)]
        await asyncio.sleep(0.2)
        await outage.begin()
        try:
            await refused.wait()
        finally:
            await outage.end()
            over.set()
        await asyncio.gather(*writers)

        reader = await from_start(log)
        ends = await log.end_offsets(INTERACTIONS)
        found: dict[RecordMetadata, bytes] = {}
        reached = dict.fromkeys(ends, 0)
        while any(reached[number] < end for number, end in ends.items()):
            for r in await reader.read(1000):
                found[RecordMetadata(r.topic, r.partition, r.offset)] = r.value
                reached[r.partition] = r.offset + 1
        assert acknowledged.items() <= found.items()
        await reader.close()
        await log.stop()

    async def test_a_start_in_an_outage_is_try_later(self, make_log: MakeLog, outage: Outage) -> None:
        first = make_log(partitions=2)
        await first.start()
        await first.stop()
        log = make_log(partitions=2)
        await outage.begin()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                with pytest.raises(TryLater):
                    await log.start()
        finally:
            await outage.end()
        while True:
            try:
                await log.start()
            except TryLater:
                continue
            break
        await append_until_stored(log, record("k", "v"))
        await log.stop()
