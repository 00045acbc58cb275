"""Test what one address may use of the SMTP listener, and what others keep."""

from __future__ import annotations

import asyncio

import pytest
from tests.unit.test_smtp import ByHand, Inbox, envelope, listening, ready_for_data, send

from cx_channels.smtp.bounds import SmtpLimits
from cx_channels.smtp.listener import SmtpListener
from cx_runtime.rates import Rate

pytestmark = pytest.mark.clock


async def dialled(listener: SmtpListener, source: str) -> ByHand:
    hand = ByHand(*await asyncio.open_connection("127.0.0.1", listener.port, local_addr=(source, 0)))
    hand.greeting = await hand.hears()  # type: ignore[attr-defined]
    return hand


async def test_one_address_leaves_sessions_to_others() -> None:
    told: list[str] = []
    async with listening(Inbox(), max_connections=10, refused=told.append) as listener:
        greedy = [await dialled(listener, "127.0.0.2") for _ in range(5)]
        greetings = [hand.greeting[:9] for hand in greedy]  # type: ignore[attr-defined]
        assert greetings[:2] == ["220 throu", "220 throu"]
        assert set(greetings[2:]) == {"421 4.7.0"}
        assert told == ["sessions-of-address"] * 3
        await send(listener, "support@acme.example")
        for hand in greedy:
            hand.writer.close()


async def test_a_session_of_commands_without_a_mail_is_ended() -> None:
    limits = SmtpLimits(commands=20, pace=Rate(1000.0, 1000.0))
    async with listening(Inbox(), limits=limits) as listener:
        hand = await dialled(listener, "127.0.0.2")
        replies = []
        while reply := await hand.asks(b"NOOP"):
            replies.append(reply)
        assert len(replies) == 20
        assert replies[-1].startswith("421 4.7.0")
        assert not listener.state.open


async def test_a_session_with_mails_goes_on_however_many() -> None:
    limits = SmtpLimits(commands=8)
    async with listening(Inbox(), limits=limits) as listener:
        hand = await dialled(listener, "127.0.0.2")
        for _ in range(5):
            await hand.asks(b"EHLO x")
            await hand.asks(b"MAIL FROM:<a@example.com>")
            for number in range(20):
                assert (await hand.asks(b"RCPT TO:<%d@sales.acme.example>" % number)).startswith("250")
            await hand.asks(b"DATA")
            assert (await hand.asks(b"From: a@example.com\r\n\r\nHello\r\n.")).startswith("250")
        hand.writer.close()


async def test_a_flood_of_commands_is_answered_ever_more_slowly() -> None:
    limits = SmtpLimits(pace=Rate(0.001, 3.0))
    async with listening(Inbox(), limits=limits) as listener:
        hand = await dialled(listener, "127.0.0.2")
        await hand.says(b"NOOP\r\n" * 50)
        answered = 0
        try:
            async with asyncio.timeout(0.8):
                while await hand.hears():
                    answered += 1
        except TimeoutError:
            pass
        assert answered < 20
        hand.writer.close()


async def test_a_session_ends_though_it_is_never_idle() -> None:
    inbox = Inbox()
    limits = SmtpLimits(session_seconds=0.5)
    async with listening(inbox, limits=limits) as listener:
        hand = await dialled(listener, "127.0.0.2")
        assert (await envelope(hand)).startswith("354")
        last = asyncio.create_task(hand.hears())
        while not last.done():
            hand.writer.write(b"drop\r\n")
            await asyncio.sleep(0.05)
        assert last.result().startswith("421 4.4.2")
        while listener.state.open:
            await asyncio.sleep(0.01)
        assert (inbox.got, listener.held) == ([], 0)


async def test_one_address_leaves_room_for_the_mails_of_others() -> None:
    inbox = Inbox()
    async with listening(inbox, waiting=True, max_in_flight=400_000) as listener:
        held = [await dialled(listener, "127.0.0.2") for _ in range(3)]
        answers = []
        for hand in held:
            await hand.asks(b"EHLO client.example.com")
            await hand.asks(b"MAIL FROM:<ana@example.com>")
            await hand.asks(b"RCPT TO:<support@acme.example>")
            answer = await hand.asks(b"DATA")
            answers.append(answer[:3])
            if answer.startswith("354"):
                await hand.says(b"x" * 90_000 + b"\r\n.\r\n")
                while listener.held < 90_000:
                    await asyncio.sleep(0.01)
        assert answers == ["354", "354", "452"]
        other = ByHand(*await asyncio.open_connection("127.0.0.1", listener.port))
        await ready_for_data(other)
        await other.says(b"Subject: small\r\n\r\nmail\r\n.\r\n")
        inbox.gate.set()
        assert (await other.hears()).startswith("250")
        for hand in (*held, other):
            hand.writer.close()
