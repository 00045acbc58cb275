"""Viber: its signature over bytes, and tokens that no float may touch."""

from __future__ import annotations

import json

import msgspec
import pytest
from tests.contract.provider_cases import Case, cases_of

from cx_channels.provider import Connection, Request
from cx_channels.registry import provider
from cx_events.errors import Refused

VIBER = provider("social/viber")
BODY = b'{"event":"webhook","timestamp":1795850000000,"message_token":5000000000000000001}'
SIGNATURE = "57abc364bf90f84d3d1b21e5416ecb29c76dd74d65bab20d5885e00296429b33"


def passes(body: bytes, signature: str, *secrets: str) -> bool:
    assert VIBER.verify is not None
    headers = {"x-viber-content-signature": signature} if signature else {}
    try:
        VIBER.verify(Request(body, headers=headers), Connection("try", "acme", "social/viber", secrets=secrets))
    except Refused as refused:
        assert refused.status == 401
        return False
    return True


def test_the_signature_covers_the_bytes_as_sent() -> None:
    assert passes(BODY, SIGNATURE, "a new token", "example-viber-auth-token")
    assert not passes(json.dumps(json.loads(BODY)).encode(), SIGNATURE, "example-viber-auth-token")
    assert not passes(BODY, "", "example-viber-auth-token")
    assert not passes(BODY, SIGNATURE)


def test_a_token_is_kept_digit_by_digit() -> None:
    body = b'{"event":"delivered","timestamp":1795850000000,"message_token":5000000000000000001,"user_id":"aNa="}'
    (draft,) = VIBER.map(Request(body), Connection("try", "acme", "social/viber")).drafts
    assert draft.id == "delivered/5000000000000000001/aNa=/1795850000000"
    assert bytes(msgspec.json.encode(draft.data.raw)) == body


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in cases_of(VIBER)])
def test_what_an_event_keeps_becomes_that_event_again(case: Case) -> None:
    ours = case.connection(VIBER)
    try:
        drafts = VIBER.map(case.request(VIBER), ours).drafts
    except Refused:
        return
    for draft in drafts:
        assert isinstance(draft.data.raw, msgspec.Raw)
        assert VIBER.map(Request(bytes(draft.data.raw)), ours).drafts == (draft,)
