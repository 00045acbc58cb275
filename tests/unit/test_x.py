"""X's signature and its challenge, which must sign nothing that could be a delivery."""

from __future__ import annotations

import json

import pytest

from cx_channels.provider import Connection, Request
from cx_channels.social.x import PROVIDER
from cx_events.errors import Refused

CONNECTION = Connection("acme-x", "acme", "social/x", ("example-consumer-secret", "an older one"))


def ask(token: str, connection: Connection = CONNECTION) -> bytes:
    answer = PROVIDER.challenge(Request(b"", "GET", query=(("crc_token", token),)), connection)
    assert answer is not None
    assert answer.content_type == "application/json"
    return answer.body


def test_the_challenge_is_answered_under_the_newest_secret() -> None:
    assert json.loads(ask("challenge_string")) == {
        "response_token": "sha256=u67W5WlNqSw3yOcw2YN3Hdv9nrHSyiqUOPgN9VUIBEM="
    }
    assert ask("test token")


@pytest.mark.parametrize("token", ["", '{"a":1}', "[1]", '"x"', "x" * 129, "a\nb", "é", "1:2"])
def test_nothing_is_signed_that_could_be_a_delivery(token: str) -> None:
    with pytest.raises(Refused):
        ask(token)


def test_two_tokens_or_no_secret_are_refused() -> None:
    twice = Request(b"", "GET", query=(("crc_token", "a"), ("crc_token", "b")))
    with pytest.raises(Refused):
        PROVIDER.challenge(twice, CONNECTION)
    for secrets in ((), ("",), (" ",)):
        with pytest.raises(Refused):
            ask("a", Connection("acme-x", "acme", "social/x", secrets))


def test_a_token_in_a_post_is_no_challenge() -> None:
    assert PROVIDER.challenge(Request(b"{}", "POST", query=(("crc_token", "a"),)), CONNECTION) is None
    assert PROVIDER.challenge(Request(b"", "GET"), CONNECTION) is None


def test_a_known_signature_passes() -> None:
    assert PROVIDER.verify is not None
    headers = {"x-twitter-webhooks-signature": "sha256=dDlBMVy17WG0TbYFaNjqG80riVmaYCHgblNaXqAh+Gs="}
    PROVIDER.verify(Request(b'{"for_user_id":"1","user_event":{}}', headers=headers), CONNECTION)


def test_keys_of_encrypted_messages_are_not_kept() -> None:
    payload = {
        "id": "1",
        "sender_id": "2",
        "conversation_id": "2:3",
        "conversation_token": "SECRET",
        "encoded_event": "SECRET",
    }
    body = json.dumps({"data": {"event_type": "chat.received", "filter": {"user_id": "3"}, "payload": payload}})
    (draft,) = PROVIDER.map(Request(body.encode()), CONNECTION).drafts
    assert b"SECRET" not in bytes(draft.data.raw)  # type: ignore[arg-type]
