"""Requests that the hub sends: signed, bounded, never into private networks unless the operator says so."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from standardwebhooks import Webhook, WebhookVerificationError
from tests.patience import PATIENCE
from tests.receiver import BREAK, FLOOD, HANG, LOCAL, OK, Got, answer, receiving

from cx_runtime.outbound.outcomes import Delivered, Gone, Later, Outcome
from cx_runtime.outbound.reach import Reach
from cx_runtime.outbound.retries import DELAYS, MOST_ASKED, delay_after
from cx_runtime.outbound.sender import Bounds, open_sender
from cx_runtime.outbound.signatures import Signatures, check_secret, message_id
from cx_runtime.outbound.urls import check_url
from cx_runtime.settings import Settings

pytestmark = pytest.mark.clock

OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEW = "whsec_" + "QUJD" * 12
BODY = '{"type": "cx.message.received.v1", "text": "Grüße"}'.encode()
UNSIGNED = Signatures(())
SHORT = Bounds(connect=1.0, whole=0.5)
"""Gives up soon."""
PATIENT = Bounds(connect=PATIENCE, whole=PATIENCE)


async def post(url: str, bounds: Bounds = PATIENT, allowed: str = LOCAL, **more: Any) -> Outcome:
    async with open_sender(Reach.parse(allowed), bounds, **more) as sender:
        return await sender.post(url, BODY, "msg_1", Signatures((NEW, OLD)))


@pytest.mark.parametrize("secret", [OLD, NEW])
async def test_each_secret_verifies_by_the_standard_library(secret: str) -> None:
    async with receiving() as receiver:
        assert await post(receiver.url()) == Delivered(204)
    (got,) = receiver.got
    assert Webhook(secret).verify(got.body, got.headers)["text"] == "Grüße"
    assert got.headers["webhook-id"] == "msg_1"
    assert got.headers["content-type"] == "application/cloudevents+json"


async def test_a_strangers_secret_and_a_changed_body_fail() -> None:
    async with receiving() as receiver:
        await post(receiver.url())
    (got,) = receiver.got
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "WFla" * 12).verify(got.body, got.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(got.body + b" ", got.headers)


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_QUJD", "whsec_" + "é" * 32]
)
def test_what_is_no_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        check_secret(secret)


def test_an_id_tells_its_parts_apart() -> None:
    assert message_id("ab", "c") == message_id("ab", "c") != message_id("a", "bc")
    assert "." not in message_id("//acme.example", "m.1")


def test_an_id_with_a_full_stop_is_refused() -> None:
    with pytest.raises(ValueError, match="full stop"):
        UNSIGNED.headers("a.b", b"", 0)


async def test_a_receiver_that_hangs_is_tried_later() -> None:
    async with receiving(lambda _: HANG) as receiver:
        outcome = await post(receiver.url(), SHORT)
    assert isinstance(outcome, Later) and outcome.reason == "no-answer"


async def test_a_receiver_that_breaks_off_is_tried_later() -> None:
    async with receiving(lambda _: BREAK) as receiver:
        outcome = await post(receiver.url())
    assert isinstance(outcome, Later) and outcome.reason == "no-answer"


async def test_an_answer_without_end_is_not_read_on() -> None:
    async with receiving(lambda _: FLOOD) as receiver:
        assert await post(receiver.url()) == Delivered(200)
    # What lies in the sockets' buffers was sent, too.
    assert receiver.flooded < 64 << 20


async def test_headers_without_end_are_not_read_on() -> None:
    async with receiving(lambda _: b"HTTP/1.1 200 OK\r\nX: " + b"y" * (8 << 20)) as receiver:
        outcome = await post(receiver.url())
    assert isinstance(outcome, Later) and outcome.reason == "no-answer"


async def test_an_answer_counts_whose_body_stops() -> None:
    async with receiving(lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf") as receiver:
        async with asyncio.timeout(PATIENCE):  # on a loaded machine the time may be over before the head has come
            while isinstance(outcome := await post(receiver.url(), SHORT), Later):
                pass
    assert outcome == Delivered(200)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(status: int) -> None:
    async with receiving() as elsewhere, receiving() as receiver:
        receiver.react = lambda _: answer(status, f"Location: {elsewhere.url()}")
        outcome = await post(receiver.url())
    assert isinstance(outcome, Later) and outcome.reason == "redirect"
    assert (len(receiver.got), len(elsewhere.got)) == (1, 0)


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
async def test_what_fails_is_tried_later(status: int) -> None:
    async with receiving(lambda _: answer(status, body=b"secret words")) as receiver:
        outcome = await post(receiver.url())
    assert isinstance(outcome, Later) and outcome.reason == f"status-{status}"
    assert "secret" not in outcome.detail


async def test_a_receiver_that_is_gone_ends_it() -> None:
    async with receiving(lambda _: answer(410)) as receiver:
        assert isinstance(await post(receiver.url()), Gone)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120.0),
        (format_datetime(datetime.fromtimestamp(1_600_000_060, UTC), usegmt=True), 60.0),
        (format_datetime(datetime.fromtimestamp(1_500_000_000, UTC), usegmt=True), 0.0),
        ("-5", None),
        ("soon", None),
        ("9" * 4000, 999_999_999.0),
    ],
)
async def test_how_long_to_wait_is_read(said: str, seconds: float | None) -> None:
    async with receiving(lambda _: answer(503, f"Retry-After: {said}")) as receiver:
        outcome = await post(receiver.url(), clock=lambda: 1_600_000_000.0)
    assert isinstance(outcome, Later) and outcome.retry_after == seconds


async def test_nobody_listening_is_tried_later() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        outcome = await post(f"http://127.0.0.1:{taken.getsockname()[1]}/")
    assert isinstance(outcome, Later) and outcome.reason == "no-connection"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "0.0.0.0"]
)
async def test_this_machine_is_not_reached_unless_allowed(host: str) -> None:
    async with receiving() as receiver:
        outcome = await post(receiver.url(host=host), allowed="10.0.0.0/8")
    assert isinstance(outcome, Later) and outcome.reason == "private-address"
    assert not receiver.got


async def test_a_name_is_resolved_once_and_its_address_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is allowed when it is checked and another address when it is asked again."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def rebinding(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        if host not in ("rebind.example", b"rebind.example"):
            return real(host, port, *rest, **more)
        asked.append("rebind.example")
        address = "127.0.0.2" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    async with receiving() as receiver:
        first = await post(receiver.url(host="rebind.example"), allowed="127.0.0.2/32")
        second = await post(receiver.url(host="rebind.example"), allowed="127.0.0.2/32")
    assert isinstance(first, Later) and first.reason == "no-connection"
    assert isinstance(second, Later) and second.reason == "private-address"
    assert asked == ["rebind.example"] * 2 and not receiver.got


async def test_only_trusted_certificates_of_that_host_are_believed() -> None:
    authority, stranger = trustme.CA(), trustme.CA()

    def served(names: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(names).configure_cert(context)
        return context

    def trusting(ca: trustme.CA) -> ssl.SSLContext:
        context = ssl.create_default_context()
        ca.configure_trust(context)
        return context

    async with receiving(tls=served("127.0.0.1")) as right, receiving(tls=served("other.example")) as other:
        assert await post(right.url(scheme="https"), trust=trusting(authority)) == Delivered(204)
        wrong = [
            await post(right.url(scheme="https"), trust=trusting(stranger)),
            await post(other.url(scheme="https"), trust=trusting(authority)),
        ]
    assert [outcome.reason for outcome in wrong if isinstance(outcome, Later)] == ["no-connection"] * 2
    assert not other.got


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving() as proxy, receiving() as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url("/"))
        assert await post(receiver.url()) == Delivered(204)
    assert not proxy.got


async def test_a_connection_serves_again() -> None:
    seen: list[str] = []

    def react(got: Got) -> bytes:
        seen.append(got.headers["webhook-id"])
        return OK

    async with receiving(react) as receiver, open_sender(Reach.parse(LOCAL)) as sender:
        for number in range(3):
            assert await sender.post(receiver.url(), BODY, f"msg_{number}", UNSIGNED) == Delivered(204)
    assert seen == ["msg_0", "msg_1", "msg_2"]
    assert "webhook-signature" not in receiver.got[0].headers


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3",
        "169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.192", "168.63.129.16", "192.0.2.1", "198.18.0.1",
        "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250", "255.255.255.255", "240.0.0.1",
        "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1",
        "2001::1", "2002:7f00:1::", "2002:0808:0808::1", "3fff::1", "100::1", "64:ff9b:1::a00:1", "5f00::1",
        "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:127.0.0.1", "::127.0.0.1", "64:ff9b::10.0.0.1",
        "64:ff9b::169.254.169.254", "", "example.com", "1", "10.0.0.1/8",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    assert not Reach().reaches(address)


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "1.1.1.1",
        "100.128.0.1",
        "172.32.0.1",
        "192.0.1.1",
        "2606:4700::1111",
        "64:ff9b::8.8.8.8",
        "::ffff:8.8.8.8",
    ],
)
def test_public_addresses_are_reached(address: str) -> None:
    assert Reach().reaches(address) and not Reach().allows(address)


def test_the_operator_allows_networks_in_either_form() -> None:
    reach = Reach.parse("10.0.0.0/8, fd12::/16,::1")
    for address in ("10.9.9.9", "::ffff:10.9.9.9", "64:ff9b::10.9.9.9", "fd12::7", "::1"):
        assert reach.reaches(address) and reach.allows(address)
    assert not reach.reaches("192.168.0.1")


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_judged_as_itself(address: Any) -> None:
    reached = Reach().reaches(str(address))
    assert reached <= address.is_global
    for carrier in ("::ffff:", "64:ff9b::"):
        assert Reach().reaches(f"{carrier}{address}") == reached


def test_a_setting_that_is_no_network_is_refused() -> None:
    with pytest.raises(ValidationError):
        Settings(outbound_networks="intranet")


@pytest.mark.parametrize(
    "url",
    ["", "ftp://example.com", "https://", "https://user:secret@example.com/", "https://example.com/#part",
     "https://example.com/a b", "https://exämple.com/", "https://[::1", "https://example.com:99999/", "/path"],
)  # fmt: skip
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError) as told:
        check_url(url)
    assert "secret" not in str(told.value)


def test_attempts_reach_over_75_hours() -> None:
    assert round(sum(DELAYS) / 3600) == 75
    assert delay_after(len(DELAYS), None, lambda: 0.5) == DELAYS[-1]
    assert delay_after(len(DELAYS) + 1, None, lambda: 0.5) is None


@given(st.integers(1, len(DELAYS)), st.none() | st.floats(0, 1e9), st.floats(0, 1, exclude_max=True))
def test_a_delay_keeps_its_bounds(failures: int, asked: float | None, random: float) -> None:
    delay = delay_after(failures, asked, lambda: random)
    assert delay is not None
    assert DELAYS[failures - 1] * 0.9 <= delay <= max(DELAYS[failures - 1] * 1.1, MOST_ASKED)
    assert delay >= min(asked or 0.0, MOST_ASKED)


async def test_what_is_sent_carries_the_time_of_its_attempt() -> None:
    now = time.time()
    async with receiving() as receiver:
        await post(receiver.url(), clock=lambda: now)
    assert receiver.got[0].headers["webhook-timestamp"] == str(int(now))
