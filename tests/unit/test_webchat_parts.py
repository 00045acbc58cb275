"""The web chat's parts that need no socket: sessions, rates, and what is kept for a page's return."""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.patience import PATIENCE

from cx_channels.chat.webchat.protocol import parse
from cx_channels.chat.webchat.server import deliveries
from cx_channels.chat.webchat.server.deliveries import OVERLAP, Address, Delivery, LogDeliveries
from cx_channels.chat.webchat.session import Session, issue, resume
from cx_channels.chat.webchat.visitors import Known, Visitor
from cx_channels.kit.signing import sign
from cx_channels.provider import Connection
from cx_events.envelope import Identifier
from cx_events.errors import Refused
from cx_events.log import INTERACTIONS, Record
from cx_events.log.sqlite import SqliteLog
from cx_events.testing.builders import START, an_event
from cx_events.timestamps import Micros
from cx_runtime.health import Health

CHAT = Connection("acme-chat", "acme", "chat/webchat", ("new secret", "old secret"))
OLD = Connection("acme-chat", "acme", "chat/webchat", ("old secret",))
SESSION = Session("s-1", "acme-chat", 1_000, Known(Visitor("Ana", (Identifier(kind="cookie", value="c-7"),))))
IN_TIME = 999_999_999


def test_a_session_is_read_back_until_it_expires() -> None:
    assert resume(issue(SESSION, CHAT), CHAT, IN_TIME) == SESSION
    with pytest.raises(Refused, match="session-expired"):
        resume(issue(SESSION, CHAT), CHAT, IN_TIME + 1)


def test_a_secret_can_be_rotated_without_a_gap() -> None:
    assert resume(issue(SESSION, OLD), CHAT, IN_TIME) == SESSION
    with pytest.raises(Refused, match="bad-session"):
        resume(issue(SESSION, CHAT), OLD, IN_TIME)


def test_a_proof_of_a_visitor_is_no_session() -> None:
    payload, _, _ = issue(SESSION, CHAT).partition(".")
    proof = sign("new secret", payload.encode())
    with pytest.raises(Refused, match="bad-session"):
        resume(f"{payload}.{proof}", CHAT, IN_TIME)


def test_a_clever_user_name_does_not_yield_session_keys() -> None:
    """A site that signs its users' bare names signs any text that somebody takes for a name."""
    payload, _, _ = issue(SESSION, CHAT).partition(".")
    raw = urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    for name in ("throughline webchat session", payload):
        key = sign("new secret", name.encode())
        forged = urlsafe_b64encode(bytes.fromhex(sign(key, raw))).rstrip(b"=").decode()
        with pytest.raises(Refused, match="bad-session"):
            resume(f"{payload}.{forged}", CHAT, IN_TIME)


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: raw.hex() + "." + raw.hex()))
def test_any_text_is_a_session_or_refused(token: str) -> None:
    with pytest.raises(Refused, match="bad-session"):
        resume(token, CHAT, IN_TIME)


def test_a_connection_without_a_secret_begins_no_chat() -> None:
    with pytest.raises(Refused, match="no-secret"):
        issue(SESSION, Connection("acme-chat", "acme", "chat/webchat"))


@given(st.text(max_size=80))
def test_any_text_is_a_message_or_refused(text: str) -> None:
    with pytest.raises(Refused):
        parse(text, 1000)


# --- deliveries ------------------------------------------------------------------------------------------------------


@pytest.fixture
def tail(sqlite_log_path: object) -> LogDeliveries:
    return LogDeliveries(SqliteLog(sqlite_log_path))  # type: ignore[arg-type]


def sent(id: str, interaction: str = "chat-1", text: str = "hello", recorded: Micros = START) -> bytes:
    type = "cx.message.sent.v1"
    return an_event(type, id=id, interaction=interaction, role="agent", text=text, recorded=recorded).raw


def ids(found: list[Delivery]) -> list[str]:
    return [delivery.event.id for delivery in found]


def test_a_page_is_given_messages_after_its_last(tail: LogDeliveries) -> None:
    for id in "abc":
        tail.take(sent(id))
    address = Address("acme", "chat-1")
    assert ids(tail.recent(address)) == ["a", "b", "c"]
    assert ids(tail.recent(address, "//acme.example/chat#b")) == ["c"]
    assert ids(tail.recent(address, "//acme.example/chat#forgotten")) == ["a", "b", "c"]
    assert tail.recent(Address("other", "chat-1")) == []


def test_what_another_process_had_not_read_follows(tail: LogDeliveries) -> None:
    """Two answers lie in two partitions: the process that the page comes from had read the later one alone."""
    ended = an_event("cx.interaction.ended.v1", id="end", interaction="chat-1", role="agent", recorded=START).raw
    recorded = {
        "a": (1, START),
        "b": (0, START + OVERLAP),
        "c": (1, START + OVERLAP + 1),
        "d": (1, START + OVERLAP + 2),
    }
    tail.take(ended, 1)
    for id, (partition, at) in recorded.items():
        tail.take(sent(id, recorded=at), partition)
    assert ids(tail.recent(Address("acme", "chat-1"), "//acme.example/chat#b")) == ["a", "c", "d"]
    assert ids(tail.recent(Address("acme", "chat-1"), "//acme.example/chat#d")) == ["b"]


def test_followers_hear_their_own_chat_until_they_leave(tail: LogDeliveries) -> None:
    heard: list[Delivery] = []
    leave = tail.follow(Address("acme", "chat-1"), heard.append)
    tail.take(sent("a"))
    tail.take(sent("b", "chat-2"))
    tail.take(an_event("cx.message.received.v1", id="c", interaction="chat-1", text='"cx.message.sent.v1"').raw)
    tail.take(b'{"type":"cx.message.sent.v1"}')
    leave()
    leave()
    tail.take(sent("d"))
    assert ids(heard) == ["a"]


def test_an_answer_that_was_sent_again_is_shown_once(tail: LogDeliveries) -> None:
    heard: list[Delivery] = []
    tail.follow(Address("acme", "chat-1"), heard.append)
    for id in ("a", "b", "a"):
        tail.take(sent(id))
    assert ids(heard) == ids(tail.recent(Address("acme", "chat-1"))) == ["a", "b"]


def test_a_failing_chat_does_not_delay_others(tail: LogDeliveries) -> None:
    def fails(_delivery: Delivery) -> None:
        raise ZeroDivisionError("a fault")

    heard: list[Delivery] = []
    tail.follow(Address("acme", "chat-1"), fails)
    tail.follow(Address("acme", "chat-1"), heard.append)
    tail.take(sent("a"))
    assert ids(heard) == ["a"]


async def test_restarted_deliveries_miss_and_repeat_nothing(tmp_path: Path) -> None:
    log, health = SqliteLog(tmp_path / "log.db", 1), Health()
    await log.start()
    tail = LogDeliveries(log, health.expect("chat-deliveries"))
    heard: list[Delivery] = []
    tail.follow(Address("acme", "chat-1"), heard.append)
    for number in range(3):
        running = asyncio.create_task(tail.run())
        await log.append([Record(INTERACTIONS, b"k", sent(f"{number}"))])
        async with asyncio.timeout(PATIENCE):
            while len(heard) <= number:
                await asyncio.sleep(0.01)
        assert (await health.ready()).ok
        running.cancel()
        await asyncio.wait([running])
        assert (await health.ready()).parts["chat-deliveries"].why == "it is not at work"
        await log.append([Record(INTERACTIONS, b"k", sent(f"{number}", "chat-2"))])
    assert ids(heard) == ["0", "1", "2"]
    await log.stop()


def test_kept_deliveries_are_bounded(tail: LogDeliveries, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "KEPT_OF_ONE", 3)
    monkeypatch.setattr(deliveries, "KEPT_EVENTS", 5)
    for n in range(5):
        tail.take(sent(f"a-{n}", "chat-1"))
    assert ids(tail.recent(Address("acme", "chat-1"))) == ["a-2", "a-3", "a-4"]
    for n in range(3):
        tail.take(sent(f"b-{n}", "chat-2"))
    assert ids(tail.recent(Address("acme", "chat-1"))) == ["a-3", "a-4"]
    monkeypatch.setattr(deliveries, "KEPT_BYTES", 5_000)
    tail.take(sent("c", "chat-3", "x" * 4_000))
    assert tail.recent(Address("acme", "chat-1")) == []
    assert ids(tail.recent(Address("acme", "chat-3"))) == ["c"]
