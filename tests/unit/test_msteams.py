"""The token of the Bot Connector, against a vector that was made apart, and the invoke's answer."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.contract.provider_cases import RECORDINGS_FOLDER

from cx_channels.provider import Connection, Mapped, Request
from cx_channels.published_keys import HeldKeys, KeyUnknown
from cx_channels.registry import provider
from cx_events.errors import Fatal, Refused

TEAMS = provider("chat/msteams")
KEYS_URL = "https://login.botframework.com/v1/.well-known/keys"
APP = "00000000-0000-0000-0000-000000000001"
SERVICE = "https://smba.trafficmanager.net/emea/"
AT = 1795850000
TOKEN = (
    "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImV4YW1wbGUta2lkIn0.eyJzZXJ2aWNldXJsIjoiaHR0cHM6Ly9zbWJhLnRyYWZmaWN"
    "tYW5hZ2VyLm5ldC9lbWVhLyIsIm5iZiI6MTc5NTg0OTcwMCwiZXhwIjoxNzk1ODUzMzAwLCJpc3MiOiJodHRwczovL2FwaS5ib3RmcmFtZXdvcms"
    "uY29tIiwiYXVkIjoiMDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAxIn0.wNw5xeSojtYXpSYmaFv1BEAgfCuImpXvIWPOAY6XsJQ"
    "CgRIHZbaQhQRgMlriczfWAAHjN4vrgDfuxoGnXm6kP3fcLkqUuMeXRadTXcKc5yRZE_d1faaQzfvgdhRh9ll5DIcRhrhW_AODvXjq43mmHNgWErS"
    "bu8-dSiVX1yHpKIrId3Un2rPkKsKrORdJa1tmJnrwDeBq2PkqI5WOuFk-gFHPGf5lKl3k2pq7oLZZXHi7NM360U_EPLXTEhT0-pnx-xDrfhrUqzw"
    "ZUPLTbZLgI-xwM94jq7lSYkCYXwaLiMD13TX2Q_ML6O_Gt4ncX6QqRwEshZalSYDQzrDpfOyBaA"
)
"""Made with another library, by a key that is not here."""


def key(**more: Any) -> dict[str, Any]:
    path = RECORDINGS_FOLDER.parent / "providers" / "rsa-example-key.json"
    if not path.exists():
        pytest.skip("the example key is not here")
    return {**json.loads(path.read_text(encoding="utf-8")), "endorsements": ["msteams"], **more}


def connection(*keys: dict[str, Any], **settings: Any) -> Connection:
    held = HeldKeys({KEYS_URL: json.dumps({"keys": keys}).encode()})
    return Connection("acme-teams", "acme", TEAMS.name, settings={"app_id": APP, **settings}, keys=held)


def request(at: int = AT, service: str = SERVICE, channel: str = "msteams", token: str = TOKEN) -> Request:
    body = json.dumps({"type": "message", "serviceUrl": service, "channelId": channel}).encode()
    return Request(body, headers={"authorization": f"Bearer {token}"}, received=at * 1_000_000)


def outcome(asked: Request, its: Connection) -> str:
    assert TEAMS.verify is not None
    try:
        TEAMS.verify(asked, its)
    except Refused as refused:
        assert refused.status == 401
        return refused.reason
    except KeyUnknown:
        return "later"
    return "passes"


def test_a_token_of_another_library_passes() -> None:
    assert outcome(request(), connection(key())) == "passes"
    assert outcome(request(service=SERVICE.rstrip("/")), connection(key())) == "passes"
    assert outcome(request(at=1795853599), connection(key())) == "passes"


def test_a_token_for_something_else_is_refused() -> None:
    ours = connection(key())
    assert outcome(request(at=1795853601), ours) == "too-old"
    assert outcome(request(at=1795849399), ours) == "too-old"
    assert outcome(request(service="https://evil.example/"), ours) == "bad-signature"
    assert outcome(request(channel="webchat"), ours) == "bad-signature"
    assert outcome(request(), connection(key(endorsements=[]))) == "bad-signature"
    assert outcome(request(), connection(key(), app_id="another")) == "bad-signature"
    assert outcome(request(), connection(key(), cloud="government")) == "bad-signature"
    assert outcome(replace(request(), headers={}), ours) == "missing-signature"


def test_an_unknown_key_means_later() -> None:
    assert outcome(request(), connection()) == "later"
    assert outcome(request(), connection(key(kid="another"))) == "later"
    assert outcome(request(), connection(key(kty="EC"))) == "later"
    assert outcome(request(), replace(connection(key()), keys=HeldKeys())) == "later"


@pytest.mark.parametrize("head", ["eyJhbGciOiJub25lIn0", "eyJhbGciOiJIUzI1NiJ9"])
def test_other_algorithms_are_refused(head: str) -> None:
    _, claims, signature = TOKEN.split(".")
    assert outcome(request(token=f"{head}.{claims}.{signature}"), connection(key())) == "bad-signature"


def test_an_invoke_is_answered_with_an_object() -> None:
    assert TEAMS.answer(Mapped(), Request(b'{"type": "invoke"}')).body == b"{}"
    assert TEAMS.answer(Mapped(), Request(b'{"type": "message"}')).body == b""


def test_an_unknown_cloud_stops_the_start() -> None:
    with pytest.raises(Fatal, match="cloud"):
        TEAMS.warnings(connection(cloud="moon"))
