"""Hold the checks of signatures against the vendors' own SDKs: what either signs the other takes, and nothing spoiled.

Needs the SDKs, which are no dependencies (twilio alone brings a dozen packages), in a folder on ``PYTHONPATH``:

    pip install --target FOLDER twilio slack_sdk line-bot-sdk
    PYTHONPATH=FOLDER .venv/bin/python -m tests.clients.vendor_signatures
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from tests.contract.provider_cases import Case, cases_of

from cx_channels.dry_run import DEMO_NOW
from cx_channels.provider import Connection, Provider, Request
from cx_channels.registry import provider
from cx_events.errors import Refused
from cx_events.strict_json import is_json

SECRET = "a secret of the vendor"
URL = "https://hub.example.com/v1/hooks/acme?a=1&b=%20x"


class Sdk(NamedTuple):
    """A vendor's library. ``accepts``: whether it takes a signed request; ``package``: what brings it."""

    provider: str
    package: str
    accepts: Callable[[Request], bool]


def _twilio(request: Request) -> bool:
    validator: Any = import_module("twilio.request_validator").RequestValidator(SECRET)
    body = request.body.decode()
    given: Any = body if is_json(request.content_type) else parse_qs(body, keep_blank_values=True)
    fields = given if isinstance(given, str) else _Fields(given)
    return bool(validator.validate(request.url, fields, request.headers["x-twilio-signature"]))


class _Fields(dict[str, list[str]]):
    """A form as Django hands it to Twilio's validator."""

    def getlist(self, name: str) -> list[str]:
        return self[name]


def _slack(request: Request) -> bool:
    module: Any = import_module("slack_sdk.signature")

    class Now:
        def now(self) -> float:
            return request.received / 1_000_000

    verifier = module.SignatureVerifier(SECRET, clock=Now())
    return bool(verifier.is_valid_request(request.body, dict(request.headers)))


def _line(request: Request) -> bool:
    validator: Any = import_module("linebot.v3.webhook").SignatureValidator(SECRET)
    return bool(validator.validate(request.body.decode(), request.headers["x-line-signature"]))


SDKS = (
    Sdk("chat/twilio", "twilio", _twilio),
    Sdk("voice/twilio", "twilio", _twilio),
    Sdk("chat/slack", "slack_sdk", _slack),
    Sdk("social/line", "line-bot-sdk", _line),
)


def requests_of(known: Provider) -> Iterator[tuple[Case, Request]]:
    """Yield the provider's own requests, those that are posted and are text."""
    for case in cases_of(known):
        try:
            request = case.request(known)
            request.body.decode()
        except (Refused, UnicodeDecodeError):
            continue
        if request.method == "POST" and request.body:
            yield case, replace(request, url=URL, received=DEMO_NOW)


def spoiled(request: Request) -> Request:
    """Return the request with one character of its body changed."""
    return replace(request, body=request.body[:-1] + bytes([request.body[-1] ^ 1]))


def held(sdk: Sdk) -> int:
    """Hold one provider against its vendor's library; return how many requests were tried."""
    known = provider(sdk.provider)
    assert known.sign is not None
    assert known.verify is not None
    count = 0
    for case, request in requests_of(known):
        connection = Connection("acme", "acme", known.name, secrets=(SECRET,))
        signed = known.sign(request, connection, SECRET)
        assert sdk.accepts(signed), f"{known.name} {case.name}: the vendor's library refuses what we sign"
        known.verify(signed, connection)
        other = spoiled(signed)
        assert not sdk.accepts(other), f"{known.name} {case.name}: the vendor's library takes a spoiled request"
        try:
            known.verify(other, connection)
        except Refused:
            count += 1
            continue
        raise AssertionError(f"{known.name} {case.name}: a spoiled request passes")
    return count


def main() -> None:
    for sdk in SDKS:
        try:
            print(f"{sdk.provider}: {held(sdk)} requests, as {sdk.package} has them")
        except ImportError as error:
            sys.exit(f"{error}: pip install --target FOLDER {sdk.package}, and PYTHONPATH=FOLDER")


if __name__ == "__main__":
    main()
