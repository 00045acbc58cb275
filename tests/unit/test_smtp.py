"""The SMTP listener, spoken to by a real client and by hand."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.patience import PATIENCE

from cx_channels.provider import Connection, Request
from cx_channels.smtp.listener import SmtpListener, by_recipient
from cx_events.errors import Fatal, Refused, TooFast, TryLater

SUPPORT = Connection("mail", "acme", "email/mime", settings={"addresses": ["support@acme.example"]})
SALES = Connection("sales", "acme", "email/mime", settings={"domains": ["sales.acme.example"]})
MAIL = b"From: ana@example.com\r\nSubject: Hi\r\n\r\nHello\r\n.dot\r\n..two\r\n"


@dataclass
class Inbox:
    """Where mail is delivered; ``fail`` says for each connection what goes wrong."""

    got: list[tuple[str, Request]] = field(default_factory=list)
    fail: dict[str, Exception] = field(default_factory=dict)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def deliver(self, request: Request, connection: Connection) -> None:
        await self.gate.wait()
        if connection.id in self.fail:
            raise self.fail[connection.id]
        self.got.append((connection.id, request))


@asynccontextmanager
async def listening(inbox: Inbox, *, waiting: bool = False, **settings: Any) -> AsyncIterator[SmtpListener]:
    if not waiting:
        inbox.gate.set()
    listener = SmtpListener("127.0.0.1", 0, by_recipient([SUPPORT, SALES]), inbox.deliver, clock=lambda: 7, **settings)
    await listener.start()
    try:
        yield listener
    finally:
        await listener.stop()


async def with_client(listener: SmtpListener, act: Callable[[smtplib.SMTP], Any]) -> Any:
    def run() -> Any:
        with smtplib.SMTP("127.0.0.1", listener.port, local_hostname="client.example.com", timeout=PATIENCE) as client:
            return act(client)

    return await asyncio.to_thread(run)


async def send(listener: SmtpListener, to: str | list[str], mail: bytes = MAIL, sender: str = "ana@example.com") -> Any:
    return await with_client(listener, lambda client: client.sendmail(sender, to, mail))


class ByHand:
    """Says exactly what it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def hears(self) -> str:
        """The last line of the next reply; "" at the end."""
        while True:
            line = (await self.reader.readline()).decode()
            if line[3:4] != "-":
                return line.rstrip("\r\n")

    async def says(self, words: bytes) -> None:
        self.writer.write(words)
        await self.writer.drain()

    async def asks(self, words: bytes) -> str:
        await self.says(words + b"\r\n")
        return await self.hears()


@asynccontextmanager
async def by_hand(listener: SmtpListener) -> AsyncIterator[ByHand]:
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    try:
        yield ByHand(reader, writer)
    finally:
        writer.close()


async def ready_for_data(hand: ByHand) -> None:
    assert (await asks_for_data(hand)).startswith("354")


async def envelope(hand: ByHand) -> str:
    """What DATA is answered. All is said at once, so that a loaded machine makes no pauses between."""
    await hand.says(
        b"EHLO client.example.com\r\nMAIL FROM:<ana@example.com>\r\nRCPT TO:<support@acme.example>\r\nDATA\r\n"
    )
    for _ in range(3):
        assert (await hand.hears()).startswith("250")
    return await hand.hears()


async def asks_for_data(hand: ByHand) -> str:
    """What DATA is answered to whoever was greeted just now."""
    assert (await hand.hears()).startswith("220 ")
    return await envelope(hand)


async def until_delivering(listener: SmtpListener) -> None:
    async with asyncio.timeout(PATIENCE):
        while not listener.state.delivering:
            await asyncio.sleep(0.01)


async def test_a_mail_is_delivered_unchanged_with_its_envelope() -> None:
    inbox = Inbox()
    async with listening(inbox) as listener:
        assert await send(listener, "Support+token-123@acme.example") == {}
    ((connection, request),) = inbox.got
    assert connection == "mail"
    assert request.body == MAIL
    assert request.method == "SMTP"
    assert request.received == 7
    assert request.headers == {
        "content-type": "message/rfc822",
        "x-envelope-from": "ana@example.com",
        "x-envelope-to": "Support+token-123@acme.example",
        "x-envelope-peer": "127.0.0.1",
    }


async def test_a_closed_listener_is_missed() -> None:
    async with listening(Inbox()) as listener:
        await listener.check()
        assert listener._server is not None
        listener._server.close()
        with pytest.raises(TryLater, match="does not listen"):
            await listener.check()


async def test_smtp_extensions_are_announced() -> None:
    async with listening(Inbox(), max_bytes=5000) as listener:
        features = await with_client(listener, lambda client: (client.ehlo(), client.esmtp_features)[1])
    assert features["size"] == "5000"
    assert {"8bitmime", "smtputf8", "pipelining", "enhancedstatuscodes"} <= set(features)
    assert "auth" not in features
    assert "starttls" not in features


async def test_mail_is_acknowledged_only_after_it_is_delivered() -> None:
    inbox = Inbox()
    async with listening(inbox, waiting=True) as listener, by_hand(listener) as hand:
        await ready_for_data(hand)
        await hand.says(MAIL.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        answer = asyncio.create_task(hand.hears())
        await asyncio.sleep(0.1)
        assert not answer.done()
        inbox.gate.set()
        assert (await answer).startswith("250 ")
        assert inbox.got[0][1].body == MAIL


@pytest.mark.parametrize(
    ("error", "reply"),
    [
        (TryLater("log", "down"), "451 4.3.0"),
        (TooFast("a connection", 7), "451 4.7.1"),
        (RuntimeError("a fault"), "451 4.3.0"),
        (Refused("too-large", "too much", 413), "552 5.3.4"),
        (Refused("forbidden", "not from you", 403), "550 5.7.1"),
        (Refused("malformed", "no mail\r\nat all é"), "554 5.6.0"),
    ],
)
async def test_failures_are_answered_with_status_codes(error: Exception, reply: str) -> None:
    inbox = Inbox(fail={"mail": error})
    async with listening(inbox) as listener:
        with pytest.raises(smtplib.SMTPDataError) as caught:
            await send(listener, "support@acme.example")
    assert f"{caught.value.smtp_code} {caught.value.smtp_error.decode()}".startswith(reply)
    assert "a fault" not in str(caught.value)
    assert inbox.got == []


async def test_an_unknown_recipient_is_refused_beside_a_known_one() -> None:
    inbox = Inbox()
    async with listening(inbox) as listener:
        refused = await send(listener, ["nobody@acme.example", "support@acme.example"])
        assert refused["nobody@acme.example"][0] == 550
        assert refused["nobody@acme.example"][1].startswith(b"5.1.1")
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            await send(listener, ["nobody@acme.example"])
    assert [connection for connection, _ in inbox.got] == ["mail"]


async def test_a_mail_to_several_is_delivered_once_per_connection() -> None:
    inbox = Inbox()
    async with listening(inbox) as listener:
        await send(listener, ["support@acme.example", "a@sales.acme.example", "b@sales.acme.example"])
    assert [(connection, request.headers["x-envelope-to"]) for connection, request in inbox.got] == [
        ("mail", "support@acme.example"),
        ("sales", "a@sales.acme.example, b@sales.acme.example"),
    ]


@pytest.mark.parametrize(
    ("fail", "code"),
    [
        ({"mail": TryLater("log", "down"), "sales": Refused("x", "y")}, 451),
        ({"sales": TryLater("log", "down")}, 451),
        ({"sales": Refused("x", "y")}, 554),
    ],
)
async def test_of_several_connections_the_worst_answer_is_sent(fail: dict[str, Exception], code: int) -> None:
    async with listening(Inbox(fail=fail)) as listener:
        with pytest.raises(smtplib.SMTPDataError) as caught:
            await send(listener, ["support@acme.example", "a@sales.acme.example"])
    assert caught.value.smtp_code == code


async def test_a_bounce_with_the_empty_sender_is_taken() -> None:
    inbox = Inbox()
    async with listening(inbox) as listener:
        await send(listener, "support@acme.example", sender="")
    assert inbox.got[0][1].headers["x-envelope-from"] == "<>"


async def test_addresses_and_fields_beyond_ascii_are_taken() -> None:
    inbox = Inbox()
    async with listening(inbox) as listener:
        mail = "Subject: Größe\r\n\r\nÄ\r\n".encode()

        def act(client: smtplib.SMTP) -> None:
            client.sendmail(
                "añá@example.com", ["support@acme.example"], mail, mail_options=["SMTPUTF8", "BODY=8BITMIME"]
            )

        await with_client(listener, act)
    assert inbox.got[0][1].body == mail
    assert inbox.got[0][1].headers["x-envelope-from"] == "añá@example.com"


async def test_a_mail_announced_as_too_large_is_refused_early() -> None:
    async with listening(Inbox(), max_bytes=1000) as listener, by_hand(listener) as hand:
        await hand.hears()
        await hand.asks(b"EHLO client.example.com")
        assert (await hand.asks(b"MAIL FROM:<ana@example.com> SIZE=1001")).startswith("552")


@pytest.mark.parametrize(("size", "taken"), [(0, True), (1, True), (1000, True), (1001, False), (3000, False)])
async def test_the_size_is_enforced_while_a_mail_comes_in(size: int, taken: bool) -> None:
    inbox = Inbox()
    async with listening(inbox, max_bytes=1000) as listener, by_hand(listener) as hand:
        await ready_for_data(hand)
        body = (b"x" * (size - 2) + b"\r\n")[-size:] if size > 1 else b""
        reply = await hand.asks(body + b"." if size > 1 else b".")
        assert reply.startswith("250" if taken else "552 5.3.4")
        assert [len(request.body) for _, request in inbox.got] == ([len(body)] if taken else [])
        assert (await hand.asks(b"NOOP")).startswith("250")


async def test_a_sender_that_never_ends_is_hung_up_on() -> None:
    async with listening(Inbox(), max_bytes=1000) as listener, by_hand(listener) as hand:
        await ready_for_data(hand)
        with pytest.raises((ConnectionError, EOFError)):
            while True:
                await hand.says(b"x" * 60_000)
                if hand.reader.at_eof():
                    raise EOFError


async def test_long_lines_and_a_split_end_mark_are_accepted() -> None:
    inbox = Inbox()
    async with listening(inbox) as listener, by_hand(listener) as hand:
        await ready_for_data(hand)
        long = b"Subject: x\r\n\r\n" + b"y" * 300_000 + b"\r\n"
        await hand.says(long)
        for piece in (b".", b"\r", b"\n"):
            await asyncio.sleep(0.01)
            await hand.says(piece)
        assert (await hand.hears()).startswith("250")
    assert inbox.got[0][1].body == long


@pytest.mark.parametrize("smuggled", [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\n"])
async def test_only_the_true_end_mark_ends_a_mail(smuggled: bytes) -> None:
    inbox = Inbox()
    async with listening(inbox) as listener, by_hand(listener) as hand:
        await ready_for_data(hand)
        await hand.says(b"Subject: x\r\n\r\none" + smuggled + b"MAIL FROM:<evil@example.com>\r\n.\r\n")
        assert (await hand.hears()).startswith("250")
        assert (await hand.asks(b"NOOP")).startswith("250")
    ((_, request),) = inbox.got
    assert b"MAIL FROM:<evil@example.com>" in request.body


async def test_commands_sent_at_once_are_answered_in_turn() -> None:
    inbox = Inbox()
    async with listening(inbox) as listener, by_hand(listener) as hand:
        one = b"MAIL FROM:<a@example.com>\r\nRCPT TO:<support@acme.example>\r\nDATA\r\n"
        await hand.says(b"EHLO x\r\n" + one + b"Subject: 1\r\n\r\n.\r\n" + one + b"Subject: 2\r\n\r\n.\r\nQUIT\r\n")
        replies = [(await hand.hears())[:3] for _ in range(11)]
    assert replies == ["220", "250", "250", "250", "354", "250", "250", "250", "354", "250", "221"]
    assert [request.body[:10] for _, request in inbox.got] == [b"Subject: 1", b"Subject: 2"]


@pytest.mark.parametrize(
    "command",
    [
        b"MAIL FROM:<<<>",
        b"RCPT TO:",
        b"DATA",
        b"\xff\xfe",
        b"BDAT 1",
        b"MAIL FROM:<" + b"a" * 5000 + b"@x>",
    ],
)
async def test_a_bad_command_does_not_end_the_smtp_session(command: bytes) -> None:
    async with listening(Inbox()) as listener, by_hand(listener) as hand:
        await hand.hears()
        await hand.asks(b"EHLO x")
        assert (await hand.asks(command))[0] in "45"
        assert (await hand.asks(b"NOOP")).startswith("250")


async def test_too_many_recipients_are_put_off() -> None:
    async with listening(Inbox()) as listener, by_hand(listener) as hand:
        await hand.hears()
        await hand.asks(b"EHLO x")
        await hand.asks(b"MAIL FROM:<a@example.com>")
        replies = [await hand.asks(b"RCPT TO:<%d@sales.acme.example>" % number) for number in range(101)]
    assert {reply[:3] for reply in replies[:100]} == {"250"}
    assert replies[100].startswith("452 4.5.3")


async def test_surplus_connections_are_turned_away_until_one_ends() -> None:
    async with listening(Inbox(), max_connections=1) as listener:
        async with by_hand(listener) as first:
            await first.hears()
            async with by_hand(listener) as second:
                assert (await second.hears()).startswith("421 4.3.2")
                assert await second.hears() == ""
            assert (await first.asks(b"QUIT")).startswith("221")
            await first.reader.read()
        await send(listener, "support@acme.example")


async def test_mail_without_room_is_deferred_and_taken_later() -> None:
    inbox = Inbox()
    async with listening(inbox, waiting=True, max_in_flight=100_000) as listener, by_hand(listener) as hand:
        await ready_for_data(hand)
        await hand.says(b"x" * 50_000 + b"\r\n.\r\n")
        await until_delivering(listener)
        assert listener.held == 50_002
        async with by_hand(listener) as early:
            assert (await asks_for_data(early)).startswith("452 4.3.1"), "told before it is sent"
        inbox.gate.set()
        assert (await hand.hears()).startswith("250")
        async with by_hand(listener) as late:
            assert (await asks_for_data(late)).startswith("354")
            await late.says(MAIL + b".\r\n")
            assert (await late.hears()).startswith("250")
        assert listener.held == 0


async def test_a_mail_that_loses_its_room_midway_is_deferred() -> None:
    inbox = Inbox()
    async with listening(inbox, waiting=True, max_in_flight=250_000) as listener, by_hand(listener) as hand:
        await ready_for_data(hand)
        await hand.says(b"x" * 50_000 + b"\r\n.\r\n")
        await until_delivering(listener)
        async with by_hand(listener) as other:
            assert (await asks_for_data(other)).startswith("354")
            await other.says(b"y" * 500_000 + b"\r\n.\r\n")
            assert (await other.hears()).startswith("452 4.3.1")
            assert listener.held == 50_002
            assert (await other.asks(b"NOOP")).startswith("250"), "and the conversation goes on"
        inbox.gate.set()
        assert (await hand.hears()).startswith("250")


async def test_one_mail_alone_may_be_larger_than_all_together() -> None:
    inbox = Inbox()
    async with listening(inbox, max_in_flight=1_000) as listener:
        await send(listener, "support@acme.example", b"x" * 300_000)
    assert len(inbox.got) == 1
    assert listener.held == 0


async def test_a_client_that_disconnects_midway_holds_nothing() -> None:
    async with listening(Inbox()) as listener:
        async with by_hand(listener) as hand:
            await ready_for_data(hand)
            await hand.says(b"x" * 200_000)
            while not listener.held:
                await asyncio.sleep(0.01)
        while listener.held:
            await asyncio.sleep(0.01)


async def test_an_endless_mail_is_cut_off_in_time() -> None:
    async with listening(Inbox()) as listener, by_hand(listener) as hand:
        await ready_for_data(hand)
        await hand.says(b"Subject: x\r\n")
        await listener.stop(0.1)
        assert (await hand.hears()).startswith("421 4.3.2")
        assert await hand.hears() == ""


@pytest.mark.parametrize("said", [b"", b"EHLO x\r\n", b"EHL"])
async def test_a_silent_client_is_hung_up_on(said: bytes) -> None:
    async with listening(Inbox(), idle_seconds=0.2) as listener, by_hand(listener) as hand:
        await hand.says(said)
        heard = (await hand.reader.read()).decode()
    assert "421 4.4.2" in heard


async def test_a_client_that_drips_a_mail_is_disconnected() -> None:
    inbox = Inbox()
    async with listening(inbox, idle_seconds=0.3) as listener, by_hand(listener) as hand:
        await ready_for_data(hand)

        async def drip() -> None:
            while True:
                await hand.says(b"x\r\n")
                await asyncio.sleep(0.05)

        dripping = asyncio.create_task(drip())
        assert "421 4.4.2" in (await hand.reader.read()).decode()
        dripping.cancel()
    assert inbox.got == []


async def test_a_slow_delivery_does_not_end_the_session() -> None:
    inbox = Inbox()
    async with listening(inbox, waiting=True, idle_seconds=0.5) as listener, by_hand(listener) as hand:
        await ready_for_data(hand)
        await hand.says(b"Subject: x\r\n\r\n.\r\n")
        await until_delivering(listener)
        await asyncio.sleep(0.7)
        inbox.gate.set()
        assert (await hand.hears()).startswith("250")


async def test_a_delivery_goes_on_when_the_client_hangs_up() -> None:
    inbox = Inbox()
    async with listening(inbox, waiting=True) as listener:
        async with by_hand(listener) as hand:
            await ready_for_data(hand)
            await hand.says(b"Subject: x\r\n\r\n.\r\n")
            await until_delivering(listener)
        await asyncio.sleep(0.1)
        inbox.gate.set()
    assert len(inbox.got) == 1


async def test_stopping_waits_for_deliveries_under_way_and_answers_them() -> None:
    inbox = Inbox()
    async with listening(inbox, waiting=True) as listener, by_hand(listener) as hand:
        await ready_for_data(hand)
        await hand.says(b"Subject: x\r\n\r\n.\r\n")
        await until_delivering(listener)
        stopping = asyncio.create_task(listener.stop())
        await asyncio.sleep(0.1)
        assert not stopping.done()
        inbox.gate.set()
        await stopping
        assert (await hand.hears()).startswith("250")
        assert (await hand.hears()).startswith("421 4.3.2")
        assert await hand.hears() == ""


async def test_a_port_in_use_is_said_in_one_sentence() -> None:
    async with listening(Inbox()) as listener:
        other = SmtpListener("127.0.0.1", listener.port, by_recipient([]), Inbox().deliver)
        with pytest.raises(Fatal, match=f"no SMTP listener on 127.0.0.1:{listener.port}: .*CX_SMTP_PORT"):
            await other.start()


async def test_an_smtp_session_can_be_encrypted(tmp_path: Path) -> None:
    inbox = Inbox()
    server, client_side = tls_pair(tmp_path)
    async with listening(inbox, tls=server) as listener:

        def act(client: smtplib.SMTP) -> None:
            client.starttls(context=client_side)
            client.ehlo()
            assert "auth" not in client.esmtp_features
            client.sendmail("ana@example.com", ["support@acme.example"], MAIL)

        await with_client(listener, act)
    assert inbox.got[0][1].body == MAIL


# Made for this test alone: self-signed, for 127.0.0.1, good for a hundred years.
CERTIFICATE = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgUwpZg0wh3X2ADpoQ
tbDqAbpwHGgQRtsKfJeJKj6a26yhRANCAAR+3aIwl6c0SUqKa0+dYhpx+c8d6C/u
flUG44UkfQoTiAGYvWODL4AgUbcRSmjLpAi54Tn98g256JBJ31cb3fqy
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBnzCCAUagAwIBAgIUXj79UFoKcmvj88/9M1ljfMKwQ8IwCgYIKoZIzj0EAwIw
HDEaMBgGA1UEAwwRbWFpbC5hY21lLmV4YW1wbGUwIBcNMjYxMTIyMjMwNzMyWhgP
MjEyNjEwMjkyMzA3MzJaMBwxGjAYBgNVBAMMEW1haWwuYWNtZS5leGFtcGxlMFkw
EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEft2iMJenNElKimtPnWIacfnPHegv7n5V
BuOFJH0KE4gBmL1jgy+AIFG3EUpoy6QIueE5/fINueiQSd9XG936sqNkMGIwHQYD
VR0OBBYEFLspzEUkiK2d7y6fU+VNfntMez32MB8GA1UdIwQYMBaAFLspzEUkiK2d
7y6fU+VNfntMez32MA8GA1UdEwEB/wQFMAMBAf8wDwYDVR0RBAgwBocEfwAAATAK
BggqhkjOPQQDAgNHADBEAiAL1FiGcDIc4+HL+syPszjirbmugVj7UjwZclKyhlCP
eAIgNB8sXrMfBBqHuIEMRmgZMiK9F04wKcuVnGsZad93kUY=
-----END CERTIFICATE-----
"""


def tls_pair(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's and a client's side."""
    pem = folder / "mail.pem"
    pem.write_text(CERTIFICATE)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cafile=str(pem))


def test_a_listed_address_goes_before_a_domain() -> None:
    everything = Connection("all", "acme", "email/mime", settings={"domains": ["acme.example"]})
    find = by_recipient([everything, SUPPORT])
    assert find("Support+x@ACME.example") == SUPPORT
    assert find("other@acme.example") == everything
    assert find("other@example.com") is None
    assert find("acme.example") is None
