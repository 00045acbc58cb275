"""A folder that is read for the first time while mails arrive in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.mailbox_server import Authority, MailServer, mail_serving
from tests.polled import POLLED, Polled, polled
from tests.stores import sqlite_store

from cx_context.store import open_store
from cx_events.blob.folder import FolderBlobs
from cx_events.log.sqlite import SqliteLog

pytestmark = pytest.mark.clock


@pytest.fixture
async def at(tmp_path: Path, since: str) -> AsyncIterator[Polled]:
    log, store, blobs = SqliteLog(tmp_path / "log.db", 3), open_store(sqlite_store(tmp_path)), FolderBlobs(tmp_path)
    for part in (log, store, blobs):
        await part.start()
    try:
        async with (
            mail_serving(Authority(tmp_path), since=since) as mailbox,
            polled(mailbox, log, store, blobs) as at,
        ):
            yield at
    finally:
        for part in (blobs, store, log):
            await part.stop()


class Postman:
    """Delivers mail 1 right after the ``count``-th answer to a command that begins with ``words``."""

    def __init__(self, server: MailServer, words: bytes, count: int) -> None:
        self._server, self._words, self._left = server, words, count

    def __call__(self, words: bytes) -> None:
        if words.startswith(self._words):
            self._left -= 1
            if not self._left:
                self._server.say(1)


@pytest.mark.parametrize(
    ("since", "words", "count"),
    [
        *((since, *when) for since in ("beginning", "2026-11-01") for when in ((b"EXAMINE", 1), (b"UID SEARCH", 1))),
        *((since, b"UID SEARCH", 2) for since in ("beginning", "2026-11-01")),
        ("now", b"UID SEARCH", 1),
    ],
)
async def test_what_arrives_as_reading_begins_is_fetched(at: Polled, words: bytes, count: int) -> None:
    server = at.vendor
    assert isinstance(server, MailServer)
    server.answered = Postman(server, words, count)
    async with at.polling():
        await at.arrived([1])


@pytest.mark.parametrize("since", ["beginning"])
async def test_what_is_told_as_idling_begins_is_fetched(at: Polled) -> None:
    server = at.vendor
    assert isinstance(server, MailServer)
    server.tells_early, server.answered = True, Postman(server, b"UID SEARCH", 2)
    async with at.polling() as keeper:
        await at.arrived([1])
        assert not keeper.running[POLLED].report.failed_at
