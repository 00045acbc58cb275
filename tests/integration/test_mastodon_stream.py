"""Follow a Mastodon account by stream and API, against a server in this process. What every source must do stands in
``tests/contract/test_pollers.py``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.fediverse_server import ANA, US, FediverseServer, fediverse_serving, mention, status
from tests.mailbox_server import Authority
from tests.patience import PATIENCE
from tests.polled import POLLED, Polled, polled, until
from tests.stores import sqlite_store

from cx_channels.pollers.backoff import Pauses
from cx_channels.social.mastodon.cursor import MOST_SEEN, TAIL, Tail
from cx_context.store import open_store
from cx_events.blob.folder import FolderBlobs
from cx_events.log.sqlite import SqliteLog

pytestmark = pytest.mark.clock


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@asynccontextmanager
async def following(
    authority: Authority, folder: Path, **settings: Any
) -> AsyncIterator[tuple[FediverseServer, Polled]]:
    log, store, blobs = SqliteLog(folder / "log.db", 3), open_store(sqlite_store(folder)), FolderBlobs(folder / "blobs")
    for part in (log, store, blobs):
        await part.start()
    try:
        async with fediverse_serving(authority, **settings) as server, polled(server, log, store, blobs) as at:
            yield server, at
    finally:
        for part in (blobs, store, log):
            await part.stop()


async def told(at: Polled) -> dict[str, dict[str, Any]]:
    """Return the events by their ids, without the accounts' addresses."""
    found = [json.loads(raw) for raw in await at.events()]
    return {each["id"].replace(ANA["uri"], "ANA").replace(US["uri"], "US"): each for each in found}


async def arrived(at: Polled, *ids: str) -> dict[str, dict[str, Any]]:
    async with asyncio.timeout(PATIENCE):
        while not set(ids) <= (found := await told(at)).keys():
            await asyncio.sleep(0.05)
    assert set(found) == set(ids)
    return found


async def test_what_lies_there_at_the_very_start_is_known(authority: Authority, tmp_path: Path) -> None:
    async with following(authority, tmp_path) as (server, at):
        server.listed = [mention(1), mention(2)]
        server.own = [status(3, US)]
        async with at.polling():
            await until(lambda: server.listeners)
            server.say(4)
            await arrived(at, "status/ANA/statuses/4")


async def test_a_thread_is_told_with_edit_deletion_and_answer(authority: Authority, tmp_path: Path) -> None:
    async with following(authority, tmp_path) as (server, at):
        async with at.polling():
            await until(lambda: server.listeners)
            server.say(1)
            await arrived(at, "status/ANA/statuses/1")
            answer = status(
                2, US, in_reply_to_id="9001", mentions=[{"id": "11", "url": ANA["url"], "acct": ANA["acct"]}]
            )
            server.others["/api/v1/accounts/11"] = ANA
            server.stream("update", answer)
            server.stream("update", status(3, ANA))  # somebody else's, in the timeline
            server.stream("status.update", status(1, edited_at="2026-11-22T10:05:00.000Z", content="<p>again</p>"))
            server.stream("delete", "9001")
            server.stream("delete", "4711")
            thread = "status/ANA/statuses/1"
            edit = f"{thread}/edited/1795341900"
            found = await arrived(at, thread, "status/US/statuses/2", edit, f"{thread}/deleted")
        assert {each["data"]["interaction"] for each in found.values()} == {f"{POLLED}/status/{ANA['uri']}/statuses/1"}
        written = found["status/US/statuses/2"]
        assert written["type"] == "cx.social.comment.v1"
        assert written["data"]["direction"] == "outbound"
        assert written["data"]["participants"][0]["identifiers"][0]["value"] == ANA["uri"]
        await until(lambda: not server.listeners)
        # who comes later still knows what a deletion names
        async with at.polling():
            await until(lambda: server.listeners)
            server.stream("delete", "9002")
            await arrived(at, *found, "status/US/statuses/2/deleted")
        assert not await at.letters()


async def test_what_the_stream_lost_is_fetched(authority: Authority, tmp_path: Path) -> None:
    """Redis may lose what it publishes: the connection stands, and nobody tells."""
    async with following(authority, tmp_path, poll_seconds=5) as (server, at):
        async with at.polling():
            await until(lambda: server.listeners)
            server.listed.append(mention(1))
            server.own.append(status(2, US))
            server.say(3)
            await arrived(at, "status/ANA/statuses/1", "status/US/statuses/2", "status/ANA/statuses/3")
        assert server.asked == 1


async def test_what_a_busy_stream_lost_is_fetched(authority: Authority, tmp_path: Path) -> None:
    async with following(authority, tmp_path, poll_seconds=5) as (server, at):
        async with at.polling():
            await until(lambda: server.listeners)
            server.listed.append(mention(1))
            for number in range(2, TAIL + 3):
                server.say(number)
            await arrived(at, *(f"status/ANA/statuses/{number}" for number in range(1, TAIL + 3)))
        assert server.asked == 1


async def test_a_server_without_a_stream_is_asked(authority: Authority, tmp_path: Path) -> None:
    async with following(authority, tmp_path, poll_seconds=5, since="beginning") as (server, at):
        server.has_stream, server.silence = False, 60.0
        server.listed.append(mention(1))
        async with at.polling():
            await arrived(at, "status/ANA/statuses/1")
            server.listed.append(mention(2))
            await arrived(at, "status/ANA/statuses/1", "status/ANA/statuses/2")
        assert server.asked == 1


async def test_a_private_message_goes_by_its_other_account(authority: Authority, tmp_path: Path) -> None:
    async with following(authority, tmp_path, since="beginning") as (server, at):
        server.listed.append(mention(1, visibility="direct"))
        to_ana = [{"id": "11", "url": ANA["url"], "acct": ANA["acct"]}]
        server.own.append(status(2, US, visibility="direct", in_reply_to_id="9001", mentions=to_ana))
        server.others["/api/v1/accounts/11"] = ANA
        async with at.polling():
            found = await arrived(at, "status/ANA/statuses/1", "status/US/statuses/2")
    assert {each["type"] for each in found.values()} == {"cx.message.received.v1", "cx.message.sent.v1"}
    assert {each["data"]["interaction"] for each in found.values()} == {f"{POLLED}/direct/{ANA['uri']}"}


async def test_a_second_token_takes_over_from_a_revoked_one(authority: Authority, tmp_path: Path) -> None:
    async with following(authority, tmp_path, since="beginning") as (server, at):
        server.listed.append(mention(1))
        connection, provider = at.intake.connections[POLLED]
        at.intake.connections[POLLED] = (replace(connection, secrets=("a revoked token", *server.secrets)), provider)
        async with at.polling():
            await arrived(at, "status/ANA/statuses/1")
    assert server.asked == 2


async def test_an_untrusted_certificate_gets_no_token(authority: Authority, tmp_path: Path) -> None:
    async with following(authority, tmp_path, ca_file="") as (server, at):
        async with at.polling(refusals=Pauses(3600.0, 3600.0)) as keeper:
            await until(lambda: POLLED in keeper.running and keeper.running[POLLED].report.state == "refused")
            assert keeper.running[POLLED].report.reason == "bad-certificate"
        assert not server.paths


def test_a_tail_begins_where_the_list_was_read_to() -> None:
    streamed = Tail("100", []).handled(str(number) for number in range(102, 302))
    assert (streamed.floor, len(streamed.seen), streamed.is_new("101")) == ("100", 200, True)
    listed = streamed.handled(["101"], "101")
    assert (listed.floor, len(listed.seen)) == ("101", 200)
    settled = listed.handled([], "290")
    assert (settled.floor, len(settled.seen)) == ("261", TAIL)
    assert len(settled.handled(str(number) for number in range(1000, 5000)).seen) == MOST_SEEN
