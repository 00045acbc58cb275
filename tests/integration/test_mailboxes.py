"""A real mail server's mailbox: what is fetched from Dovecot, through all faults, and by which door it came first."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.dovecot import Dovecot, dovecot
from tests.mailbox_server import PASSWORD, USER, mail
from tests.polled import POLLED, Faults, Polled, polled, until
from tests.stores import sqlite_store

from cx_channels.email.imap import PROVIDER
from cx_channels.email.imap.poller import Mailbox, open_source
from cx_channels.pollers.source import SourcePorts
from cx_channels.provider import Connection, Request
from cx_context.store import open_store
from cx_events.blob.folder import FolderBlobs
from cx_events.codec import same_content
from cx_events.log.sqlite import SqliteLog
from cx_runtime.tenants import ConnectionConfig

pytestmark = pytest.mark.clock

DOOR = "acme-mail"


class Box:
    """Dovecot's mailbox as a ``Vendor``; its folder is emptied for each test."""

    provider = PROVIDER

    def __init__(self, server: Dovecot) -> None:
        self.server = server
        self.secrets: tuple[str, ...] = (PASSWORD,)
        self.faults = Faults()
        self.asked = 0
        self.settings: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": server.port,
            "user": USER,
            "ca_file": str(server.authority.ca_file),
            "addresses": [USER],
            "since": "beginning",
            "poll_seconds": 5,
        }

    def open_source(self, connection: Connection, ports: SourcePorts) -> Mailbox:
        self.asked += 1
        return open_source(connection, ports)

    def say(self, number: int) -> None:
        self.server.deliver(mail(number))

    def number_of(self, event: dict[str, Any]) -> int:
        return int(event["data"]["message"]["id"].removeprefix("n-").partition("@")[0])

    def cut(self) -> None:
        self.server.stop()
        self.server.start()


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot() as server:
        yield server


@pytest.fixture
def box(server: Dovecot) -> Iterator[Box]:
    server.empty()
    yield Box(server)


@pytest.fixture
async def at(box: Box, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Polled]:
    """``indirect`` parameters are settings of the connection."""
    box.settings |= getattr(request, "param", {})
    if box.settings.get("tls") == "starttls":
        box.settings["port"] = box.server.starttls_port
    log, store, blobs = SqliteLog(tmp_path / "log.db", 3), open_store(sqlite_store(tmp_path)), FolderBlobs(tmp_path)
    for part in (log, store, blobs):
        await part.start()
    door = ConnectionConfig(provider="email/mime", settings={"addresses": [USER]})
    try:
        async with polled(box, log, store, blobs, {DOOR: door}) as at:
            yield at
    finally:
        for part in (blobs, store, log):
            await part.stop()


settings: Callable[..., pytest.MarkDecorator] = lambda **its: pytest.mark.parametrize(  # noqa: E731
    "at", [pytest.param(its, id="-".join(its))], indirect=True
)


async def test_mails_are_fetched_as_they_come(at: Polled, box: Box) -> None:
    box.say(1)
    async with at.polling():
        await at.arrived([1])
        box.say(2)  # IDLE tells of it
        await at.arrived([1, 2])
    assert box.asked == 1


async def test_a_server_that_restarts_costs_nothing(at: Polled, box: Box) -> None:
    async with at.polling():
        box.say(1)
        await at.arrived([1])
        await asyncio.to_thread(box.cut)
        box.say(2)
        await at.arrived([1, 2])
    assert len((await at.numbers())[1]) == 1


@settings(tls="starttls")
async def test_starttls_serves_as_well(at: Polled, box: Box) -> None:
    box.say(1)
    async with at.polling():
        await at.arrived([1])


@settings(since="now")
async def test_what_lay_there_before_stays_there(at: Polled, box: Box) -> None:
    box.say(1)
    async with at.polling() as keeper:
        await until(lambda: POLLED in keeper.running and keeper.running[POLLED].report.state == "connected")
        box.say(2)
        await at.arrived([2])


@settings(folders=["INBOX", "Anfragen/Büro"])
async def test_several_folders_are_read(at: Polled, box: Box) -> None:
    box.server.deliver(mail(2), ".Anfragen.B&APw-ro")
    box.say(1)
    async with at.polling():
        await at.arrived([1, 2])


@pytest.mark.skipif("FAKETIME" in os.environ, reason="Dovecot goes by the machine's own clock")
async def test_a_folder_made_anew_doubles_nothing(at: Polled, box: Box) -> None:
    """Dovecot gives another UIDVALIDITY to a mailbox whose lists of UIDs are gone."""
    box.say(1)
    async with at.polling():
        await at.arrived([1])
    before = msgspec.json.decode(await at.cursor())
    box.server.forget_uids()
    box.say(2)
    async with at.polling():
        await at.arrived([1, 2])
    after = msgspec.json.decode(await at.cursor())
    assert before["folders"]["INBOX"]["validity"] != after["folders"]["INBOX"]["validity"]


async def test_a_wrong_password_is_told_in_the_servers_words(at: Polled, box: Box) -> None:
    connection = Connection(POLLED, "acme", PROVIDER.name, ("another password",), settings=box.settings)
    source = open_source(connection, SourcePorts(lambda: 0, 1000))
    with pytest.raises(Exception, match=r"login-refused: .*Authentication failed"):
        await anext(source.steps(b""))


async def test_a_large_mail_is_fetched_in_pieces(at: Polled, box: Box) -> None:
    whole = mail(1, "x" * 900 + "\r\n" + "ein Wort\r\n" * 110_000)
    box.server.deliver(whole)
    async with at.polling():
        await at.arrived([1])
    (raw,) = (await at.numbers())[1]
    kept = msgspec.json.decode(raw)["data"]["raw"]
    assert kept["bytes"] == len(whole)
    assert await at.blobs.get("acme", kept["blob"]) == whole


async def test_a_mail_too_large_is_a_dead_letter(at: Polled, box: Box) -> None:
    at.max_bytes = 1000
    box.server.deliver(mail(1, "y" * 3000))
    box.server.deliver(mail(2, "z" * 9000))
    box.say(3)
    async with at.polling():
        await at.arrived([3])
    letters = {len(each.content): each for each in await at.letters()}
    assert letters.keys() == {len(mail(1, "y" * 3000)), 4000}
    assert {each.reason for each in letters.values()} == {"too-large"}
    assert "the first 4000 are kept" in letters[4000].detail
    assert letters[4000].headers["x-mailbox-folder"] == "INBOX"


async def test_what_is_no_mail_is_a_dead_letter(at: Polled, box: Box) -> None:
    box.server.deliver(b"\r\nno header at all\r\n")
    box.say(1)
    async with at.polling():
        await at.arrived([1])
    (letter,) = await at.letters()
    assert (letter.reason, letter.content) == ("malformed", b"\r\nno header at all\r\n")


@pytest.mark.parametrize("first", ["smtp", "mailbox"])
@settings(delivers_as=DOOR, addresses=[])
async def test_a_mail_by_two_doors_is_one_event(at: Polled, box: Box, first: str) -> None:
    """The copy in the mailbox has a trace field more."""
    connection = at.intake.connection(DOOR)[0]
    headers = {"x-envelope-from": "ana@example.com", "x-envelope-to": USER, "content-type": "message/rfc822"}
    by_smtp = Request(mail(1), "SMTP", headers=headers, received=at.intake.now())
    if first == "smtp":
        await at.intake.receive(by_smtp, connection)
    box.server.deliver(
        b"Received: from mx.example.com by imap.acme.example; Sun, 22 Nov 2026 10:02:12 +0000\r\n" + mail(1)
    )
    async with at.polling():
        await until(lambda: at.metrics.registry.get_sample_value(*TAKEN) == (2 if first == "smtp" else 1))
    if first == "mailbox":
        await at.intake.receive(by_smtp, connection)
    one, two = (await at.numbers())[1]
    ids = [(event["source"], event["id"]) for event in map(msgspec.json.decode, (one, two))]
    assert ids[0] == ids[1]
    assert ids[0][0] == "//throughline/acme/connections/acme-mail"
    assert same_content(one, two)


TAKEN = (
    "cx_intake_requests_total",
    {"provider": "email/mime", "connection": DOOR, "outcome": "accepted"},
)


async def test_nothing_on_the_server_changes(at: Polled, box: Box) -> None:
    box.say(1)
    async with at.polling():
        await at.arrived([1])
    assert box.server.flags() == [""]
