"""Telephone systems by AMI and by ARI: what is heard, what is missed while nobody listens, and how that is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.asterisk_server import Asterisk, telephoning
from tests.patience import PATIENCE
from tests.polled import POLLED, Faults, Polled, polled, until
from tests.stores import sqlite_store

from cx_channels.pollers.backoff import Pauses
from cx_context.store import open_store
from cx_events.blob.folder import FolderBlobs
from cx_events.log.sqlite import SqliteLog

pytestmark = pytest.mark.clock

FAULTS = {
    "drops": Faults(drop=2),
    "stalls": Faults(stall=3),
    "repeats": Faults(repeat=True),
    "reorders": Faults(reorder=True),
    "drops and reorders": Faults(drop=3, reorder=True),
}


@pytest.fixture(params=["ami", "ari"])
async def system(request: pytest.FixtureRequest) -> AsyncIterator[Asterisk]:
    async with telephoning(request.param) as system:
        yield system


@pytest.fixture
async def at(system: Asterisk, tmp_path: Path) -> AsyncIterator[Polled]:
    log, store, blobs = SqliteLog(tmp_path / "log.db", 3), open_store(sqlite_store(tmp_path)), FolderBlobs(tmp_path)
    for part in (log, store, blobs):
        await part.start()
    try:
        async with polled(system, log, store, blobs) as at:
            yield at
    finally:
        for part in (blobs, store, log):
            await part.stop()


async def types(at: Polled) -> dict[int, list[str]]:
    """The types of each channel's events."""
    found: dict[int, list[str]] = {}
    for raw in await at.events():
        event = msgspec.json.decode(raw)
        found.setdefault(at.vendor.number_of(event), []).append(event["type"].split(".")[2])
    return found


async def until_types(at: Polled, expected: dict[int, list[str]]) -> None:
    """Wait until the events have these types; a repeated one counts once."""
    async with asyncio.timeout(PATIENCE):
        while {number: list(dict.fromkeys(each)) for number, each in (await types(at)).items()} != expected:
            await asyncio.sleep(0.05)


async def connected(at: Polled, keeper: Any) -> None:
    await until(lambda: POLLED in keeper.running and keeper.running[POLLED].report.state == "connected")


@pytest.mark.parametrize("fault", FAULTS)
async def test_all_arrives_once_whatever_the_system_does(at: Polled, system: Asterisk, fault: str) -> None:
    """What an event did not tell is found in the list of channels."""
    system.faults, system.check = FAULTS[fault], 0.4
    for number in range(1, 9):
        system.say(number)
    async with at.polling():
        await until(lambda: system.asked)
        for number in range(9, 13):
            system.say(number)
        await at.arrived(range(1, 13))
    assert not await at.letters()
    customers = {raw_customer(raw) for raws in (await at.numbers()).values() for raw in raws}
    assert customers == {f"+15550100{number:03}" for number in range(1, 13)}


def raw_customer(raw: bytes) -> str:
    people = msgspec.json.decode(raw)["data"]["participants"]
    return next(str(each["identifiers"][0]["value"]) for each in people if each["role"] == "customer")


@pytest.mark.parametrize("system", ["ami"], indirect=True)
async def test_events_behind_an_answer_are_heard(at: Polled, system: Asterisk) -> None:
    """A call that is over before the channels are listed is told by these events alone."""
    system.behind = system.begun(1) + system.ended(1)
    async with at.polling():
        await until_types(at, {1: ["started", "abandoned"]})


async def test_calls_that_end_while_nobody_listens_get_their_end(at: Polled, system: Asterisk) -> None:
    async with at.polling():
        system.say(1)
        system.say(2)
        await at.arrived([1, 2])
        await until(lambda: "CoreShowChannels" in system.actions or "/ari/channels" in system.actions)
    system.hang_up(1)
    system.say(3)
    async with at.polling() as keeper:
        await until_types(at, {1: ["started", "ended"], 2: ["started"], 3: ["started"]})
        await until(lambda: POLLED in keeper.running and keeper.running[POLLED].report.reason == "gap")
        report = keeper.running[POLLED].report
        assert report.state == "connected"
        assert "1 channels began and 1 ended meanwhile" in report.detail
        counted = {"connection": POLLED, "reason": "gap"}
        assert at.metrics.registry.get_sample_value("cx_poller_failures_total", counted) == 1
        system.hang_up(2)
        await until_types(at, {1: ["started", "ended"], 2: ["started", "abandoned"], 3: ["started"]})
    reasons = {}
    for raw in await at.events():
        event = msgspec.json.decode(raw)
        if event["type"] == "cx.interaction.ended.v1" or event["type"] == "cx.interaction.abandoned.v1":
            reasons[at.vendor.number_of(event)] = event["data"]["reason"]
    assert reasons == {1: "lost", 2: "normal clearing"}


async def test_events_that_go_missing_are_found_by_comparing(at: Polled, system: Asterisk) -> None:
    system.check = 0.4
    async with at.polling() as keeper:
        system.say(1)
        await at.arrived([1])
        system.deaf = True
        system.hang_up(1)
        system.say(2)
        await until_types(at, {1: ["started", "ended"], 2: ["started"]})
        await until(lambda: "events went missing" in keeper.running[POLLED].report.detail)
    assert system.asked == 1


async def test_a_cut_connection_is_made_anew(at: Polled, system: Asterisk) -> None:
    async with at.polling():
        system.say(1)
        await at.arrived([1])
        system.cut()
        system.say(2)
        await at.arrived([1, 2])
    assert system.asked >= 2


async def test_a_wrong_password_is_named_and_tried_slowly(at: Polled, system: Asterisk) -> None:
    system.faults = Faults(refuse=True)
    async with at.polling(refusals=Pauses(3600.0, 3600.0)) as keeper:
        await until(lambda: POLLED in keeper.running and keeper.running[POLLED].report.state == "refused")
        assert "login-refused" in (await at.health.ready()).notes[f"poller {POLLED}"]
        assert system.asked == 1


@pytest.mark.parametrize("system", ["ari"], indirect=True)
async def test_a_replaced_application_is_not_taken_back(at: Polled, system: Asterisk) -> None:
    async with at.polling(refusals=Pauses(3600.0, 3600.0)) as keeper:
        await until(lambda: system.lines)
        system.tell(b'{"type": "ApplicationReplaced", "application": "throughline"}')
        await until(lambda: POLLED in keeper.running and keeper.running[POLLED].report.state == "refused")
        assert keeper.running[POLLED].report.reason == "replaced"


@pytest.mark.parametrize("system", ["ami"], indirect=True)
async def test_a_user_without_permission_is_told(at: Polled, system: Asterisk) -> None:
    system.lists = False
    async with at.polling(refusals=Pauses(3600.0, 3600.0)) as keeper:
        await until(lambda: POLLED in keeper.running and keeper.running[POLLED].report.state == "refused")
        assert "write = reporting" in keeper.running[POLLED].report.detail
