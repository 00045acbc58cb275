"""``verify`` broken off anywhere goes on where it was, in bounded memory, and finds the same."""

from __future__ import annotations

import resource
from pathlib import Path
from random import Random

import pytest
from tests.planting.hubs import Hub, embedded_hub, short_segments
from tests.planting.kinds import KINDS
from tests.projection import CHECKED
from tests.stores import sqlite_store

from cx_events.errors import Refused
from cx_projectors.verify import Findings, How, verify

pytestmark = pytest.mark.clock

DELETED = next(kind for kind in KINDS if kind.kind == "an event deleted")


class BrokenOff(Exception):
    """What ends a verification in the middle, as a kill does: nothing is put in order."""


async def broken_off(hub: Hub, folder: Path, step: str, *, resume: bool = False) -> None:
    def told(what: str, done: int, total: int) -> None:
        if what == step and done:
            raise BrokenOff

    with pytest.raises(BrokenOff):
        await verified(hub, How(folder, resume=resume, origin=b"hub", progress=told, bucket_events=5))


async def verified(hub: Hub, how: How) -> Findings:
    return await verify(hub.store, hub.log, CHECKED, hub.blobs, how)


@pytest.mark.parametrize("step", ["records read", "rows read", "records shared", "events checked"])
async def test_verify_resumed_finds_what_it_would_have(tmp_path: Path, step: str) -> None:
    random, folder = Random(step), tmp_path / "work"
    with short_segments():
        async with embedded_hub(tmp_path, sqlite_store(tmp_path), random) as hub:
            await DELETED.plant(hub, random)
            whole = await hub.verified()
            await broken_off(hub, folder, step)
            await broken_off(hub, folder, "events checked", resume=True)
            resumed = await verified(hub, How(folder, resume=True, origin=b"hub", bucket_events=5))
    assert whole.wrong
    assert (sorted(resumed.wrong), resumed.events, resumed.records, resumed.customers, resumed.blobs) == (
        sorted(whole.wrong), whole.events, whole.records, whole.customers, whole.blobs
    )  # fmt: skip
    assert not folder.exists()


async def test_what_is_left_serves_the_same_hub_alone(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    async with embedded_hub(tmp_path, sqlite_store(tmp_path), Random(1)) as hub:
        with pytest.raises(Refused, match="nothing to go on with"):
            await verified(hub, How(folder, resume=True, origin=b"hub"))
        await broken_off(hub, folder, "rows read")
        assert (folder / "log.spool").stat().st_mode & 0o077 == 0
        with pytest.raises(Refused, match="another log, store or release"):
            await verified(hub, How(folder, resume=True, origin=b"another"))
        assert (await verified(hub, How(folder, origin=b"hub"))).wrong == []


async def test_several_processes_find_the_same(tmp_path: Path) -> None:
    random = Random(2)
    async with embedded_hub(tmp_path, sqlite_store(tmp_path), random) as hub:
        alone = await hub.verified()
        assert await verified(hub, How(workers=2, bucket_events=10)) == alone
        await DELETED.plant(hub, random)
        together = await verified(hub, How(workers=2, bucket_events=10))
        assert sorted(together.wrong) == sorted((await hub.verified()).wrong) != []


async def test_a_small_store_is_checked_in_one_process(tmp_path: Path) -> None:
    def used() -> float:
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime

    async with embedded_hub(tmp_path, sqlite_store(tmp_path), Random(3)) as hub:
        alone, before = await hub.verified(), used()
        assert await verified(hub, How(workers=2)) == alone
        assert used() == before, "starting a process takes longer than checking a bucket"
