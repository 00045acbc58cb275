"""What vendors leave of an emoji that they cut in two: the rest of the text is kept, in every provider of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from tests.contract.provider_cases import Case, cases_of

from cx_channels.dry_run import outcome_of
from cx_channels.provider import Connection, Provider, Request
from cx_channels.registry import provider, providers

HALF, MENDED = "I am \ud83d", "I am \ufffd"


def with_text(value: Any, text: str) -> bool:
    """Put a text in the place of the first that has a blank and does not look like more, in place."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in list(pairs):
        if isinstance(each, str) and each.count(" ") > 1 and each[:1].isalpha() and each.isprintable():
            value[name] = text
            return True
        if with_text(each, text):
            return True
    return False


def read(case: Case) -> Any:
    try:
        return json.loads(case.content) if case.content[:1] in (b"{", b"[") else None
    except ValueError:
        return None


def of_json() -> Iterator[Any]:
    """Yield each provider with its first request that is JSON with words."""
    for name, each in providers().items():
        for case in cases_of(each):
            if with_text(read(case), HALF):
                yield pytest.param(each, case, id=f"{name}-{case.name}")
                break


@pytest.mark.parametrize(("provider", "case"), list(of_json()))
def test_half_an_emoji_is_one_character_that_is_missing(provider: Provider, case: Case) -> None:
    found = []
    for text in (HALF, MENDED):
        value = json.loads(case.content)
        with_text(value, text)
        request = case.request(provider, json.dumps(value, separators=(",", ":")).encode())
        found.append(outcome_of(provider, request, case.connection(provider)))
    cut, whole = found
    assert cut.lines() == whole.lines()
    assert cut.refused is None


def kept(name: str, body: bytes, content_type: str, *, like: str) -> list[bytes]:
    """Map a body as the fixture ``like`` is mapped, and return its events."""
    known = provider(name)
    case = next(case for case in cases_of(known) if case.name == like)
    headers = {**dict(case.headers), "content-type": content_type}
    result = outcome_of(known, Request(body, headers=headers), case.connection(known))
    assert (result.refused, result.unmapped) == (None, ())
    return [event.raw for event in result.events]


def case_of(name: str, like: str) -> Case:
    return next(case for case in cases_of(provider(name)) if case.name == like)


def test_json_within_a_form_is_read_so_too() -> None:
    (payload,) = parse_qs(case_of("chat/slack", "message-action.form").content.decode())["payload"]
    value = json.loads(payload)
    value["message"]["text"] = HALF
    form = urlencode({"payload": json.dumps(value)}).encode()
    events = kept("chat/slack", form, "application/x-www-form-urlencoded", like="message-action.form")
    assert events
    assert all("\ufffd".encode() in each for each in events)


def test_json_within_json_is_read_so_too() -> None:
    value = json.loads(case_of("email/amazon-ses", "bounce.json").content)
    inner = json.loads(value["Message"])
    inner["bounce"]["bouncedRecipients"][0]["diagnosticCode"] = HALF
    body = json.dumps({**value, "Message": json.dumps(inner)}).encode()
    (event,) = kept("email/amazon-ses", body, "text/plain", like="bounce.json")
    assert MENDED.encode() in event


def test_a_token_in_the_body_is_found_beside_it() -> None:
    known = provider("chat/rocketchat")
    body = json.dumps({"type": "Message", "token": "t0ken", "text": HALF}).encode()
    assert known.verify is not None
    known.verify(
        Request(body, headers={"content-type": "application/json"}), Connection("c", "acme", known.name, ("t0ken",))
    )
