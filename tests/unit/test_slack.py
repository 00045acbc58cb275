"""Slack: its signature and challenge, whose a message is, and what is never kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from tests.contract.provider_cases import Case, cases_of

from cx_channels.chat.slack.content import plain, words_of
from cx_channels.dry_run import DEMO_NOW
from cx_channels.provider import Connection, Mapped, Request
from cx_channels.registry import provider
from cx_events.errors import Refused

SLACK = provider("chat/slack")
JSON, FORM = {"content-type": "application/json"}, {"content-type": "application/x-www-form-urlencoded"}
VECTORS = Path(__file__).parents[2].parent / "shared" / "fixtures" / "signatures" / "slack"
SECOND = 1_000_000
PARTNERS = {"teams": ["T0ACME"]}


def connection(*secrets: str, **settings: Any) -> Connection:
    return Connection("try", "acme", "chat/slack", secrets=secrets, settings=settings)


def mapped(event: dict[str, Any], shared: bool = True, settings: dict[str, Any] | None = None, **more: Any) -> Mapped:
    envelope = {"type": "event_callback", "team_id": "T0ACME", "event_id": "Ev1", "event": event, **more}
    body = json.dumps({**envelope, "is_ext_shared_channel": shared}).encode()
    given = PARTNERS if settings is None else settings
    return SLACK.map(Request(body, headers=JSON), connection(**given))


def message(**more: Any) -> dict[str, Any]:
    return {"type": "message", "channel": "C1", "user": "U1", "ts": "1795300000.000001", "text": "Hi", **more}


def people(found: Mapped) -> list[str]:
    (draft,) = found.drafts
    return [
        f"{each.role} {each.id}{''.join(f'{known.value}@{known.scope}' for known in each.identifiers)}"
        for each in draft.data.participants
    ]


# --- who may send ----------------------------------------------------------------------------------------------------


def check(body: bytes, at: str, signature: str, secret: str, received: int) -> None:
    headers = {"x-slack-request-timestamp": at, "x-slack-signature": signature, **FORM}
    assert SLACK.verify is not None
    SLACK.verify(Request(body, headers=headers, received=received * SECOND), connection("another", secret))


def test_the_signature_of_the_vendors_example_holds() -> None:
    if not VECTORS.is_dir():
        pytest.skip("there are no recordings")
    (path,) = VECTORS.glob("*.json")
    vector = json.loads(path.read_text(encoding="utf-8"))
    body, at = vector["body"].encode(), vector["timestamp"]
    check(body, at, vector["expected"], vector["signing_secret"], int(at))
    for late in (-301, 301):
        with pytest.raises(Refused, match="away from the time"):
            check(body, at, vector["expected"], vector["signing_secret"], int(at) + late)
    with pytest.raises(Refused):
        check(body + b"&x=1", at, vector["expected"], vector["signing_secret"], int(at))


def test_the_signature_covers_escapes_as_they_were_sent() -> None:
    body = rb'{"type":"event_callback","event_id":"Ev0EXAMPLE","event":{"type":"message","text":"caf\u00e9"}}'
    signature = "v0=8e7e99625166ef49b8a9d30ec1b9586011accab41315034c17b97439ce727526"
    check(body, "1795850000", signature, "example-signing-secret", 1_795_850_000)
    with pytest.raises(Refused):
        check(json.dumps(json.loads(body)).encode(), "1795850000", signature, "example-signing-secret", 1_795_850_000)


def test_a_challenge_is_answered_only_where_it_is_signed() -> None:
    body = b'{"token":"x","challenge":"3eZbrw1a","type":"url_verification"}'
    ours = connection("a signing secret")
    request = Request(body, headers=JSON, received=DEMO_NOW)
    with pytest.raises(Refused):
        SLACK.challenge(request, ours)
    assert SLACK.sign is not None
    answer = SLACK.challenge(SLACK.sign(request, ours, "a signing secret"), ours)
    assert answer is not None
    assert (answer.status, answer.body) == (200, b"3eZbrw1a")
    with pytest.raises(Refused):
        SLACK.challenge(SLACK.sign(request, ours, ""), connection())


# --- who is who ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, []),
        ({"teams": ["T0ACME"]}, ["customer U1@T0OTHER"]),
        ({"teams": ["T0ACME", "T0OTHER"]}, ["agent U1"]),
        ({"channels": ["C*"]}, ["customer U1@T0OTHER"]),
        ({"channels": ["C1"], "agents": ["U1"]}, ["agent U1"]),
        ({"customers": ["U1"]}, ["customer U1@T0OTHER"]),
        ({"customers": ["U2"]}, []),
    ],
)
def test_the_settings_say_who_is_a_customer(settings: dict[str, Any], expected: list[str]) -> None:
    found = mapped(message(user_team="T0OTHER"), settings=settings)
    assert [each.kind for each in found.ignored] == ([] if expected else ["colleagues"])
    assert (people(found) if expected else []) == expected


def test_nobody_is_guessed_where_no_team_is_told() -> None:
    reaction = {"type": "reaction_added", "user": "U1", "reaction": "eyes", "item": {"channel": "C1", "ts": "1.1"}}
    assert people(mapped(reaction)) == []
    assert people(mapped(reaction, settings={"customers": ["U1"]})) == ["customer U1"]
    assert people(mapped(reaction, shared=False, settings={"customers": ["U1"]})) == ["customer U1@T0ACME"]


def test_an_organisation_is_the_scope_of_its_people() -> None:
    inside = message(user="W1", team="T0ACME")
    assert people(mapped(inside, settings={"channels": ["C1"]}, enterprise_id="E1")) == ["customer W1@E1"]
    outside = message(user_team="T0OTHER")
    assert people(mapped(outside, settings={"channels": ["C1"]}, enterprise_id="E1")) == ["customer U1@T0OTHER"]


# --- what it is ------------------------------------------------------------------------------------------------------


def test_a_message_and_its_mention_are_one_event() -> None:
    said = message(user_team="T0OTHER", event_ts="1795300000.000001")
    one = mapped({**said, "channel_type": "channel"}, event_id="Ev1", event_context="1-message")
    other = mapped({**said, "type": "app_mention"}, event_id="Ev2", event_context="1-app_mention")
    assert one.drafts == other.drafts


def cases() -> list[Any]:
    return [pytest.param(case, id=case.name) for case in cases_of(SLACK)]


@pytest.mark.parametrize("case", cases())
def test_what_an_event_keeps_becomes_that_event_again(case: Case) -> None:
    ours = case.connection(SLACK)
    try:
        drafts = SLACK.map(case.request(SLACK), ours).drafts
    except Refused:
        return
    for draft in drafts:
        assert isinstance(draft.data.raw, msgspec.Raw)
        assert SLACK.map(Request(bytes(draft.data.raw), headers=JSON), ours).drafts == (draft,)
        for secret in (b"an old token", b"hooks.slack.com", b"xwfp"):
            assert secret not in bytes(draft.data.raw)


def test_a_payload_that_is_no_json_is_refused() -> None:
    for body in ({"payload": "{"}, {"payload": "[]"}):
        with pytest.raises(Refused, match="payload"):
            SLACK.map(Request(urlencode(body).encode(), headers=FORM), connection())


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("a &lt;b&gt; &amp;amp; c", "a <b> &amp; c"),
        ("<https://example.com>", "https://example.com"),
        ("<https://example.com|Shop>", "Shop (https://example.com)"),
        ("<mailto:a@example.com|a@example.com>", "a@example.com"),
        ("<@U1> <@U1|ana> <#C1|help> <#C1>", "@U1 @ana #help #C1"),
        ("<!here> <!subteam^S1|@desk> <!date^1^{date}|today>", "@here @desk today"),
        ("<<<", "<<<"),
    ],
)
def test_mrkdwn_is_shown_as_people_see_it(written: str, shown: str) -> None:
    assert plain(written) == shown


def test_blocks_of_any_depth_are_read_in_bounded_time() -> None:
    block: Any = {"elements": [{"text": "deep"}]}
    for _ in range(50):
        block = {"elements": [block] * 3}
    assert len(words_of({"blocks": [block]})) < 100_000
