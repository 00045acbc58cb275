"""Test what every stream and poller must do under the supervisor: lose nothing and double nothing, whatever the other
side does, and whoever of us dies. Each vendor here is a server of its own kind in this process; a new client is a line.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.asterisk_server import Asterisk, telephoning
from tests.aws_server import QueueServer, StreamServer, queue_serving, stream_serving
from tests.fediverse_server import FediverseServer, fediverse_serving
from tests.feed_server import FeedServer, feeding
from tests.freeswitch_server import Switch, switching
from tests.mailbox_server import Authority, MailServer, mail_serving
from tests.patience import PATIENCE
from tests.polled import POLLED, Faults, Polled, Vendor, polled, until
from tests.reddit_server import RedditServer, reddit_serving
from tests.stores import sqlite_store
from tests.youtube_server import YouTubeServer, youtube_serving

from cx_channels.pollers.backoff import Pauses
from cx_context.store import Store, open_store, poller_rows
from cx_context.store.poller_rows import PollerLost
from cx_events.blob.folder import FolderBlobs
from cx_events.log import Log
from cx_events.log.sqlite import SqliteLog

pytestmark = pytest.mark.clock

SERVERS = pytest.param("servers", marks=[pytest.mark.kafka, pytest.mark.postgres])
FAULTS = {
    "drops": Faults(drop=2),
    "stalls": Faults(stall=3),
    "repeats": Faults(repeat=True),
    "reorders": Faults(reorder=True),
    "drops and reorders": Faults(drop=3, reorder=True),
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(params=["feed", "mailbox", "youtube", "reddit", "switch", "fediverse", "queue", "stream", "ami", "ari"])
async def vendor(request: pytest.FixtureRequest, authority: Authority) -> AsyncIterator[Vendor]:
    if request.param == "feed":
        async with feeding() as feed:
            yield feed
    elif request.param == "youtube":
        async with youtube_serving(since="beginning") as channel:
            yield channel
    elif request.param == "reddit":
        async with reddit_serving(since="beginning") as account:
            yield account
    elif request.param == "switch":
        async with switching() as switch:
            yield switch
    elif request.param == "queue":
        async with queue_serving() as queue:
            yield queue
    elif request.param == "stream":
        async with stream_serving(since="beginning") as stream:
            yield stream
    elif request.param in ("ami", "ari"):
        async with telephoning(request.param) as system:
            system.check = 0.4  # what an event did not tell is found by comparing
            yield system
    elif request.param == "fediverse":
        async with fediverse_serving(authority, since="beginning") as server:
            yield server
    else:
        async with mail_serving(authority, since="beginning") as mailbox:
            yield mailbox


@pytest.fixture(params=["embedded", SERVERS])
def parts(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Log, str]:
    if request.param == "servers":
        log: Log = request.getfixturevalue("kafka_log")(partitions=3)
        return log, request.getfixturevalue("postgres_store")
    return SqliteLog(tmp_path / "log.db", 3), sqlite_store(tmp_path)


@pytest.fixture
async def at(vendor: Vendor, parts: tuple[Log, str], tmp_path: Path) -> AsyncIterator[Polled]:
    log, store, blobs = parts[0], open_store(parts[1]), FolderBlobs(tmp_path / "blobs")
    for part in (log, store, blobs):
        await part.start()
    try:
        async with polled(vendor, log, store, blobs) as at:
            yield at
    finally:
        for part in (blobs, store, log):
            await part.stop()


def has_cursor(at: Polled) -> bool:
    """Whether there is a place to go on at: a queue keeps what is unread itself, and is told what to delete."""
    return not isinstance(at.vendor, QueueServer)


@pytest.mark.parametrize("parts", ["embedded"], indirect=True)
@pytest.mark.parametrize("fault", FAULTS)
async def test_all_arrives_once_whatever_the_server_does(at: Polled, fault: str) -> None:
    at.vendor.faults = FAULTS[fault]
    for number in range(1, 9):
        at.vendor.say(number)
    async with at.polling():
        await until(lambda: at.vendor.asked)
        for number in range(9, 13):
            at.vendor.say(number)
        if FAULTS[fault].reorder:  # what is hidden until a later one shows
            at.vendor.say(13)
            at.vendor.say(14)
        await at.arrived(range(1, 15 if FAULTS[fault].reorder else 13))
    assert not await at.letters()


async def test_who_comes_later_goes_on_at_the_cursor(at: Polled) -> None:
    async with at.polling():
        at.vendor.say(1)
        at.vendor.say(2)
        await at.arrived([1, 2])
        await moved(at, b"")
    cursor = await at.cursor()
    assert bool(cursor) is has_cursor(at)
    at.vendor.say(3)
    async with at.polling():
        await at.arrived([1, 2, 3])
        await moved(at, cursor)
    assert len((await at.numbers())[1]) == 1
    assert (await at.cursor() != cursor) is has_cursor(at)


async def moved(at: Polled, before: bytes) -> None:
    """Wait until the cursor, where there is one, is another: it moves after what was read has arrived."""
    async with asyncio.timeout(PATIENCE):
        while has_cursor(at) and await at.cursor() == before:
            await asyncio.sleep(0.02)


async def test_a_dead_owner_is_replaced_and_fenced(at: Polled) -> None:
    """The first owner is frozen: it neither renews nor knows that its time is over."""
    frozen = at.keeper(steady=lambda: 0.0, lease=1.0)
    await frozen.turn()
    at.vendor.say(1)
    await at.arrived([1])
    first = await at.owner()
    run = frozen.running[POLLED]
    async with at.polling(lease=1.0) as second:
        await until(lambda: POLLED in second.running)
        assert await at.owner() not in ("", first)
        at.vendor.say(2)
        await at.arrived([1, 2])
        with pytest.raises(PollerLost):
            await run._move_to(b"what the dead have seen")
        assert await at.cursor() != b"what the dead have seen"
        if has_cursor(at):  # whoever reads a queue as well does no harm, and has no place to lose
            await until(lambda: all(task.done() for _, task in frozen._running.values()))
    await frozen.close()


async def test_one_of_two_keepers_polls(at: Polled) -> None:
    async with at.polling(lease=600.0) as one:
        await until(lambda: POLLED in one.running)
        async with at.polling(lease=600.0) as other:
            at.vendor.say(1)
            await at.arrived([1])
            assert not other.running
            assert at.vendor.asked == 1


@pytest.mark.parametrize("parts", ["embedded"], indirect=True)
async def test_a_stop_in_good_order_hands_over_at_once(at: Polled) -> None:
    async with at.polling(lease=600.0) as one:
        await until(lambda: POLLED in one.running)
    assert await at.owner() == ""
    second = at.keeper(lease=600.0)
    await second.turn()
    assert POLLED in second.running
    await second.close()


@pytest.mark.parametrize("parts", ["embedded"], indirect=True)
async def test_the_cursor_waits_for_the_log(at: Polled) -> None:
    at.log.broken = True
    at.vendor.say(1)
    async with at.polling() as keeper:
        await until(lambda: POLLED in keeper.running and keeper.running[POLLED].report.state == "waiting")
        assert keeper.running[POLLED].report.reason == "log"
        assert not await at.events()
        before = await at.cursor()
        at.log.broken = False
        await at.arrived([1])
        await until(lambda: keeper.running[POLLED].report.state == "connected")
        await moved(at, before)
        assert (await at.cursor() != before) is has_cursor(at)


@pytest.mark.parametrize("parts", ["embedded"], indirect=True)
async def test_a_refusal_is_named_and_tried_slowly(at: Polled) -> None:
    at.vendor.faults = Faults(refuse=True)
    at.vendor.say(1)
    async with at.polling(refusals=Pauses(3600.0, 3600.0)) as keeper:
        await until(lambda: POLLED in keeper.running and keeper.running[POLLED].report.state == "refused")
        notes = (await at.health.ready()).notes
        assert "login-refused" in notes[f"poller {POLLED}"]
        assert at.vendor.asked == 1
        counted = {"connection": POLLED, "reason": "login-refused"}
        assert at.metrics.registry.get_sample_value("cx_poller_failures_total", counted) == 1
        await keeper.turn()
        assert at.metrics.registry.get_sample_value("cx_poller_connected", {"connection": POLLED}) == 0
    at.vendor.faults = Faults()
    async with at.polling() as keeper:
        await at.arrived([1])
        await keeper.turn()
        assert at.metrics.registry.get_sample_value("cx_poller_connected", {"connection": POLLED}) == 1
        assert not (await at.health.ready()).notes


@pytest.mark.parametrize("parts", ["embedded"], indirect=True)
async def test_a_cut_connection_is_made_anew(at: Polled) -> None:
    async with at.polling():
        at.vendor.say(1)
        await at.arrived([1])
        at.vendor.cut()
        at.vendor.say(2)
        await at.arrived([1, 2])
    assert at.vendor.asked >= 2


async def test_an_outdated_owner_reports_nothing(at: Polled) -> None:
    store: Store = at.store
    keeper = at.keeper()
    await keeper.turn()
    await keeper.close()
    async with store.writing() as tx:
        await poller_rows.write_reports(tx, "somebody else", {POLLED: b"{}"})
    async with store.reading() as tx:
        assert (await poller_rows.standings(tx))[POLLED].report != b"{}"


async def test_what_can_not_go_on_stops_and_says_so(tmp_path: Path) -> None:
    log, store, blobs = SqliteLog(tmp_path / "log.db", 3), open_store(sqlite_store(tmp_path)), FolderBlobs(tmp_path)
    for part in (log, store, blobs):
        await part.start()
    try:
        async with feeding() as feed, polled(feed, log, store, blobs) as at:
            feed.is_broken = True
            async with at.polling() as keeper:
                await until(lambda: POLLED in keeper.running and keeper.running[POLLED].report.state == "stopped")
                assert "begins anew" in (await at.health.ready()).notes[f"poller {POLLED}"]
                feed.is_broken = False
                await asyncio.sleep(0.5)
                assert feed.asked == 1
    finally:
        for part in (blobs, store, log):
            await part.stop()


def test_all_servers_are_vendors() -> None:
    """Their types are checked here: fixtures are not."""
    vendors: list[type[Vendor]] = [FeedServer, MailServer, YouTubeServer, RedditServer, Switch, FediverseServer]
    vendors += [QueueServer, StreamServer, Asterisk]
    assert vendors
