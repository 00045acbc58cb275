"""The client of IMAP: what it makes of a server's words, where it is in a folder, and how it logs in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.mailbox_server import PASSWORD, TOKEN, USER, Authority, MailServer, mail, mail_serving
from tests.polled import Faults

from cx_channels.email.imap import PROVIDER
from cx_channels.email.imap.client.login import xoauth2
from cx_channels.email.imap.client.names import date_word, folder_name, internal_date
from cx_channels.email.imap.client.responses import as_pairs, literal_size, read_status, read_values
from cx_channels.email.imap.cursor import TAIL, Cursor, FolderPlace, read_cursor
from cx_channels.email.imap.poller import open_source
from cx_channels.email.imap.settings import mailbox_settings
from cx_channels.pollers.source import SourcePorts, Step
from cx_channels.provider import Connection
from cx_channels.readiness import setup_problems
from cx_events.errors import Fatal, Refused, TryLater

pytestmark = pytest.mark.clock


# --- what a server says -----------------------------------------------------------------------------------------------


def test_a_response_with_literals_is_read() -> None:
    parts = [b'12 FETCH (UID 7 INTERNALDATE "a \\" b" FLAGS (\\Seen) BODY[]<0> {5}', b"a)b\r\n", b" X NIL)"]
    number, name, items = read_values(parts)
    assert (number, name) == (b"12", b"FETCH")
    found = as_pairs(items)
    assert (found[b"UID"], found[b"INTERNALDATE"], found[b"BODY[]<0>"]) == (b"7", b'a " b', b"a)b\r\n")
    assert found[b"FLAGS"] == [b"\\Seen"]
    assert found[b"X"] is None


@pytest.mark.parametrize("text", [b"1 FETCH (UID 7", b"1 FETCH UID 7)", b'1 FETCH "UID', b"(" * 50])
def test_what_is_no_response_is_asked_again(text: bytes) -> None:
    with pytest.raises(TryLater, match="can't be read"):
        read_values([text])


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=5))
def test_no_response_raises_anything_else(parts: list[bytes]) -> None:
    read_status(parts[0])
    literal_size(parts[0])
    try:
        values = read_values(parts)
    except TryLater:
        return
    for value in values:
        as_pairs(value)


def test_a_status_has_a_code_and_words() -> None:
    status = read_status(b"NO [UNAVAILABLE] try \x01again")
    assert status is not None
    assert (status.kind, status.code, status.text) == ("NO", "UNAVAILABLE", "try again")
    told = read_status(b"OK [UIDVALIDITY 7] fine")
    assert told is not None
    assert (told.code, told.argument) == ("UIDVALIDITY", b"7")
    throttled = read_status(b"BAD Request is throttled. Suggested Backoff Time: 2500 milliseconds")
    assert throttled is not None
    assert throttled.backoff == 3
    assert read_status(b"5 EXISTS") is None


def test_names_and_dates_are_written_as_imap_has_them() -> None:
    assert folder_name('Anfragen/Büro & "Co"') == b'"Anfragen/B&APw-ro &- \\"Co\\""'
    assert folder_name("台北") == b'"&U,BTFw-"'
    assert date_word(date(2026, 11, 5)) == b"5-Nov-2026"
    assert internal_date(b" 5-Nov-2026 09:00:00 +0130") == datetime(2026, 11, 5, 7, 30, tzinfo=UTC)
    assert internal_date(b"yesterday") is None
    assert internal_date(b"31-Feb-2026 09:00:00 +0000") is None


# --- where it is in a folder ------------------------------------------------------------------------------------------


def test_a_place_knows_what_is_new() -> None:
    place = FolderPlace(7).handled([1, 2, 4], "2026-11-29")
    assert (place.last, place.seen, place.day) == (4, [1, 2], "2026-11-29")
    assert place.wanted([1, 2, 3, 4, 5]) == [3, 5]
    assert place.handled([3]).wanted([3, 5]) == [5]


def test_a_place_before_a_mail_wants_none_below() -> None:
    place = FolderPlace.before(7, 500, "2026-11-29")
    assert place.wanted(range(1, 503)) == [500, 501, 502]
    assert FolderPlace.before(7, 1, "").wanted([1, 2]) == [1, 2]


@given(st.lists(st.integers(1, 400), unique=True))
def test_every_uid_of_the_tail_is_handled_once(uids: list[int]) -> None:
    place, fetched = FolderPlace(7), list[int]()
    visible: set[int] = set()
    for uid in uids:
        visible.add(uid)
        for each in place.wanted(visible):
            fetched.append(each)
            place = place.handled([each])
    assert len(fetched) == len(set(fetched))
    highest = 0
    for uid in uids:
        assert uid in fetched or uid <= highest - TAIL
        highest = max(highest, uid)
    assert len(place.seen) < TAIL


def test_a_cursor_that_can_not_be_read_stops() -> None:
    assert read_cursor(Cursor({"INBOX": FolderPlace(7, 3)}).stored()).folders["INBOX"].last == 3
    with pytest.raises(Fatal, match="cursor"):
        read_cursor(b"{")


# --- settings ---------------------------------------------------------------------------------------------------------


def connection(*secrets: str, **settings: Any) -> Connection:
    return Connection("acme-mailbox", "acme", "email/imap", secrets, settings=settings)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"user": "a"}, "settings.host is a text, and it is missing"),
        ({"host": "a", "user": "b", "port": 0}, "settings.port is a whole number from 1 to 65535, not 0"),
        ({"host": "a", "user": "b", "tls": "none"}, "tls is implicit or starttls"),
        ({"host": "a", "user": "b", "folders": "INBOX"}, "settings.folders is a list"),
        ({"host": "a", "user": "b", "since": "yesterday"}, "settings.since is now, beginning or a date"),
        ({"host": "a", "user": "b", "token_url": "http://x"}, "settings.token_url is an https:// URL"),
        ({"host": "a", "user": "b", "addresses": "c"}, "'addresses' is not a list"),
        ({"host": "a\r\nb", "user": "b"}, "settings.host is a text"),
    ],
)
def test_settings_that_can_not_be_meant_are_named(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(Fatal, match=named):
        PROVIDER.warnings(connection("a secret", **settings))


def test_what_a_mailbox_lacks_is_named() -> None:
    found = setup_problems(connection(host="a", user="b", auth="xoauth2"), PROVIDER, "")
    assert [(each.reason, each.works) for each in found] == [
        ("no-secrets", False),
        ("incomplete-settings", True),
        ("incomplete-settings", True),
    ]
    assert mailbox_settings(connection(host="a", user="b", since=date(2026, 11, 1))).since == "2026-11-01"


# --- sessions ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def server(authority: Authority) -> AsyncIterator[MailServer]:
    async with mail_serving(authority, since="beginning") as server:
        yield server


async def steps_of(server: MailServer, count: int, *secrets: str, cursor: bytes = b"") -> list[Step]:
    """Return the first steps with mails."""
    made = connection(*(secrets or (PASSWORD,)), **server.settings)
    steps = open_source(made, SourcePorts(lambda: 1_800_000_000_000_000, 30 << 20)).steps(cursor)
    found: list[Step] = []
    try:
        async for step in steps:
            found += [step] if step.deliveries else []
            if len(found) >= count:
                return found
    finally:
        await steps.aclose()
    return found


async def test_xoauth2_is_written_as_google_says(server: MailServer) -> None:
    """https://developers.google.com/gmail/imap/xoauth2-protocol"""
    assert xoauth2(USER, TOKEN)
    wanted = b"dXNlcj1zdXBwb3J0QGV4YW1wbGUuY29tAWF1dGg9QmVhcmVyIHlhMjkuRVhBTVBMRQEB"
    assert xoauth2("support@example.com", "ya29.EXAMPLE") == wanted
    server.settings["auth"] = "xoauth2"
    server.say(1)
    (step,) = await steps_of(server, 1, TOKEN)
    assert step.deliveries[0].request.body == mail(1)
    with pytest.raises(Refused, match="login-refused"):
        await steps_of(server, 1, "an old token")


async def test_the_older_of_two_passwords_serves(server: MailServer) -> None:
    server.say(1)
    assert await steps_of(server, 1, "a password that is not set yet", PASSWORD)
    with pytest.raises(Refused, match="login-refused"):
        await steps_of(server, 1, "one", "another")


async def test_a_login_by_command_where_no_plain_is(server: MailServer) -> None:
    server.capabilities = b"IMAP4rev1"
    server.say(1)
    assert await steps_of(server, 1)
    server.capabilities = b"IMAP4rev1 LOGINDISABLED"
    with pytest.raises(Refused, match="takes no passwords"):
        await steps_of(server, 1)


async def test_a_server_that_is_busy_is_no_refusal(server: MailServer) -> None:
    server.faults = Faults(refuse=True)
    for words in (b"NO [UNAVAILABLE] later", b"NO Request is throttled. Suggested Backoff Time: 9000 milliseconds"):
        server.refusal = words
        with pytest.raises(TryLater) as later:
            await steps_of(server, 1)
    assert later.value.retry_after == 9


async def test_a_folder_that_is_not_there_is_refused(server: MailServer) -> None:
    server.refuses_folder = True
    with pytest.raises(Refused, match="no-such-folder: the folder 'INBOX'"):
        await steps_of(server, 1)


async def test_a_strangers_certificate_is_refused(server: MailServer, tmp_path: Path) -> None:
    server.settings["ca_file"] = str(Authority(tmp_path).ca_file)
    with pytest.raises(Refused, match="bad-certificate"):
        await steps_of(server, 1)


async def test_starttls_forgets_what_was_said_in_clear(authority: Authority) -> None:
    """https://nostarttls.secvuln.info: answers that somebody on the way adds before TLS begins."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK ready\r\n")
        while words := (await reader.readline()).split():
            if words[1] == b"CAPABILITY":
                writer.write(b"* CAPABILITY IMAP4rev1 STARTTLS\r\n" + words[0] + b" OK done\r\n")
            else:
                writer.write(words[0] + b" OK go on\r\n* CAPABILITY IMAP4rev1 EVIL\r\nc3 OK done\r\n")
                await writer.drain()
                break  # no TLS: what was added must not be taken for it
        writer.close()

    spoiled = await asyncio.start_server(serve, "127.0.0.1", 0)
    settings = {"host": "127.0.0.1", "user": USER, "tls": "starttls", "ca_file": str(authority.ca_file)}
    try:
        made = connection(PASSWORD, **settings, port=spoiled.sockets[0].getsockname()[1])
        source = open_source(made, SourcePorts(lambda: 0, 1000)).steps(b"")
        with pytest.raises(OSError):
            await anext(source)
    finally:
        spoiled.close()


@pytest.mark.parametrize("greeting", [b"* PREAUTH welcome", b"* OK ready"])
async def test_nothing_is_said_without_tls(authority: Authority, greeting: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting + b"\r\n")
        while words := (await reader.readline()).split():
            writer.write(b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n" + words[0] + b" OK done\r\n")

    bare = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        made = connection(PASSWORD, host="127.0.0.1", user=USER, tls="starttls", port=bare.sockets[0].getsockname()[1])
        with pytest.raises(Refused, match="no-tls"):
            await anext(open_source(made, SourcePorts(lambda: 0, 1000)).steps(b""))
    finally:
        bare.close()


async def test_a_mail_that_is_gone_is_passed_over(server: MailServer) -> None:
    server.say(1)
    (first,) = await steps_of(server, 1)
    gone = server.deliver(mail(2))
    server.say(3)
    content = server.mails.pop(gone)
    server.mails[gone] = content
    listed, server.mails = server.visible(), {uid: each for uid, each in server.mails.items() if uid != gone}
    server.visible = lambda: listed  # type: ignore[method-assign]
    (step,) = await steps_of(server, 1, cursor=first.cursor or b"")
    assert step.deliveries[0].request.body == mail(3)


async def test_nothing_but_reading_is_asked(server: MailServer) -> None:
    server.say(1)
    await steps_of(server, 1)
    verbs = {line.split()[1] if line.split()[1] != b"UID" else line.split()[2] for line in server.commands}
    assert verbs <= {b"CAPABILITY", b"AUTHENTICATE", b"EXAMINE", b"SEARCH", b"FETCH", b"IDLE"}
    assert not [line for line in server.commands if b"BODY[" in line]
