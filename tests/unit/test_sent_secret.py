"""Secrets that are sent in ``Authorization`` or in the query."""

from __future__ import annotations

from typing import Any

import pytest

from cx_channels.kit.sent_secret import basic, bearer, check_sent
from cx_channels.provider import Connection, Request
from cx_events.errors import Refused

SECRETS = ("hub:example-secret", "an-older-token")
BOTH: Any = ("basic", "bearer")


def connection(*secrets: str) -> Connection:
    return Connection("acme-bot", "acme", "chat/dialogflow", secrets)


def refusal(request: Request, *secrets: str, schemes: Any = BOTH, **more: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        check_sent(request, connection(*secrets), schemes, **more)
    return refused.value


def test_a_name_with_a_password_and_a_token_pass() -> None:
    given = Request(b"{}", headers={"authorization": "Basic aHViOmV4YW1wbGUtc2VjcmV0"})
    assert basic(Request(b"{}"), SECRETS[0]).headers == given.headers
    check_sent(given, connection(*SECRETS), BOTH)
    check_sent(bearer(Request(b"{}"), "an-older-token"), connection(*SECRETS), BOTH)
    check_sent(Request(b"", query=(("token", "an-older-token"),)), connection(*SECRETS), BOTH, parameter="token")


def test_a_scheme_of_no_vendor_is_refused() -> None:
    assert refusal(basic(Request(b""), SECRETS[0]), *SECRETS, schemes=("bearer",)).status == 401


def test_without_a_secret_nothing_passes() -> None:
    for secret in ("", " ", ":"):
        for request in (basic(Request(b""), secret), bearer(Request(b""), secret)):
            assert refusal(request, secret).status == 401
            assert refusal(request).status == 401
        queried = Request(b"", query=(("token", secret),))
        assert refusal(queried, secret, parameter="token").status == 401


def test_a_header_and_a_parameter_that_differ_are_refused() -> None:
    request = bearer(Request(b"", query=(("token", "x"),)), "an-older-token")
    assert refusal(request, *SECRETS, parameter="token", wrong=403).status == 403
    twice = Request(b"", query=(("token", "an-older-token"), ("token", "x")))
    assert refusal(twice, *SECRETS, parameter="token").status == 401


def test_a_parameter_counts_only_where_it_is_named() -> None:
    assert refusal(Request(b"", query=(("token", "an-older-token"),)), *SECRETS).reason == "missing-signature"
