"""Hold the checks of signatures against the vendors' own SDKs: what either signs the other takes, and nothing spoiled.

Needs the SDKs, which are no dependencies (twilio alone brings a dozen packages), in a folder on ``PYTHONPATH``. One
that is not installed is left out, with a sentence:

    pip install --target FOLDER twilio slack_sdk line-bot-sdk viberbot sendgrid pywa vonage-jwt vonage-http-client \
        mailgun aws-sns-verifier botframework-connector apsig http-message-signatures
    PYTHONPATH=FOLDER .venv/bin/python -m tests.clients.vendor_signatures

Discord, Intercom, Zendesk, X, Rocket.Chat, Chatwoot and Genesys have no library on PyPI that checks what they sign;
Telegram, Rasa, Dialogflow and Postmark sign nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from tests.clients import vendor_checks as checks
from tests.contract.provider_cases import Case, cases_of, connection_of, with_keys

from cx_channels.chat.vonage.notice import is_older, read_fields
from cx_channels.email.mailgun.fields import proofs_of
from cx_channels.kit.aws import sns
from cx_channels.kit.settings import texts_of
from cx_channels.provider import Connection, Provider, Request
from cx_channels.registry import provider
from cx_channels.social.mastodon.activity import actor_of
from cx_channels.social.mastodon.keys import EXAMPLE_ACTORS
from cx_channels.social.mastodon.mapping import read_body
from cx_events.errors import Refused, TryLater

URL = "https://hub.example.com/v1/hooks/acme?a=1&b=%20x"

Signer = Callable[[Request, Connection, str], Request]


def _spoiled(request: Request) -> Request:
    """Return the request with the last bit of its body turned."""
    return replace(request, body=request.body[:-1] + bytes([request.body[-1] ^ 1]))


def _other_letter(header: str) -> Callable[[Request], Request]:
    def spoil(request: Request) -> Request:
        value, at = request.headers[header], len(request.headers[header]) - 9
        letter = "B" if value[at] != "B" else "C"
        return replace(request, headers={**request.headers, header: value[:at] + letter + value[at + 1 :]})

    return spoil


def _other_token(request: Request) -> Request:
    """Return a request of Mailgun's with the first letter of its token changed."""
    token = proofs_of(request, Connection("acme", "acme", "email/mailgun"))[0][1].encode()
    return replace(request, body=request.body.replace(token, b"x" + token[1:]))


def _other_message(request: Request) -> Request:
    """Return a message of SNS with another id."""
    told = json.loads(request.body)
    return replace(request, body=json.dumps({**told, "MessageId": f"{told['MessageId']}0"}).encode())


def _any(_request: Request, _connection: Connection) -> bool:
    return True


def _is_signed_event(_request: Request, connection: Connection) -> bool:
    """Return whether a connection of SendGrid's has its requests signed."""
    return "authentication" not in connection.settings


def _is_own_account(request: Request, connection: Connection) -> bool:
    """Return whether a request of Mailgun's has one proof, which can be read."""
    return "subaccounts" not in connection.settings and len(_proofs(request, connection)) == 1


def _proofs(request: Request, connection: Connection) -> list[Any]:
    try:
        signed = provider("email/mailgun")
        assert signed.sign is not None
        return list(proofs_of(signed.sign(request, connection, connection.secrets[0]), connection))
    except Refused:
        return []


def _is_of_example(request: Request, _connection: Connection) -> bool:
    """Return whether an activity is of an actor whose key is published in trials."""
    try:
        return actor_of(read_body(request)) in EXAMPLE_ACTORS
    except Refused:
        return False


def _is_message(request: Request, connection: Connection) -> bool:
    """Return whether a request is a message of one of the connection's topics: a confirmation is fetched besides."""
    try:
        told = sns.envelope_of(request)
    except Refused:
        return False
    return told.get("Type") == sns.NOTIFICATION and told.get("TopicArn") in texts_of(connection.settings, "topics")


class Sdk(NamedTuple):
    """A vendor's library. ``package``: what brings it; ``accepts``: whether it takes a signed request. ``signs``: what
    signs instead of our provider; ``spoils``: makes another request, which neither may take; ``concerns``: of the
    provider's requests, those that are signed so."""

    provider: str
    package: str
    accepts: Callable[[Request, Connection], bool]
    signs: Signer | None = None
    spoils: Callable[[Request], Request] = _spoiled
    concerns: Callable[[Request, Connection], bool] = _any
    settings: Mapping[str, Any] = {}


def _is_text_message(request: Request, _connection: Connection) -> bool:
    """Return whether the older SMS API of Vonage sent a request."""
    try:
        return is_older(read_fields(request)[0])
    except Refused:
        return False


def _sms(method: str) -> dict[str, Any]:
    return {"concerns": _is_text_message, "settings": {"sms_signature": method}}


SDKS = (
    Sdk("chat/twilio", "twilio", checks.twilio),
    Sdk("voice/twilio", "twilio", checks.twilio),
    Sdk("chat/slack", "slack_sdk", checks.slack),
    Sdk("social/line", "line-bot-sdk", checks.line),
    Sdk("social/viber", "viberbot", checks.viber),
    Sdk("email/sendgrid", "sendgrid", checks.sendgrid, concerns=_is_signed_event),
    Sdk("social/meta", "pywa", checks.meta),
    Sdk("social/whatsapp", "pywa", checks.meta),
    Sdk("chat/vonage", "vonage-jwt", checks.vonage),
    Sdk("voice/vonage", "vonage-jwt", checks.vonage),
    *(
        Sdk("chat/vonage", "vonage-http-client", checks.vonage_sms, checks.sign_vonage_sms, **_sms(method))
        for method in ("md5", "sha1", "sha256", "sha512")
    ),
    Sdk("email/mailgun", "mailgun", checks.mailgun, spoils=_other_token, concerns=_is_own_account),
    Sdk("email/amazon-ses", "aws-sns-verifier", checks.sns_either, checks.sign_sns, _other_message, _is_message),
    Sdk("email/amazon-ses", "aws-sns-verifier", checks.sns_either, checks.sign_sns_1, _other_message, _is_message),
    Sdk("chat/msteams", "botframework-connector", checks.msteams, spoils=_other_letter("authorization")),
    Sdk("social/mastodon", "apsig", checks.draft, checks.sign_draft, concerns=_is_of_example),
    Sdk("social/mastodon", "apsig", checks.draft, checks.sign_by_apsig, concerns=_is_of_example),
    Sdk("social/mastodon", "http-message-signatures", checks.message, checks.sign_message, concerns=_is_of_example),
    Sdk("social/mastodon", "http-message-signatures", checks.message, checks.sign_by_library, concerns=_is_of_example),
)


def requests_of(known: Provider) -> Iterator[tuple[Case, Request]]:
    """Yield the provider's own requests, those that are posted and are text, as they come now: most libraries look at
    the machine's clock."""
    for case in cases_of(known):
        try:
            request = case.request(known)
            request.body.decode()
        except (Refused, UnicodeDecodeError):
            continue
        if request.method == "POST" and request.body:
            yield case, replace(request, url=URL, received=time.time_ns() // 1000)


def _takes(known: Provider, request: Request, connection: Connection) -> bool:
    assert known.verify is not None
    try:
        known.verify(request, connection)
    except (Refused, TryLater):
        return False
    return True


def held(sdk: Sdk) -> int:
    """Hold one provider against its vendor's library; return how many requests both took.

    What one refuses (a body that is none of the vendor's), the other must refuse, too.
    """
    known, count = provider(sdk.provider), 0
    for case, request in requests_of(known):
        given = connection_of(known, case.path)
        connection = with_keys(known, replace(given, settings={**given.settings, **sdk.settings}))
        if not sdk.concerns(request, connection):
            continue
        signs = sdk.signs or known.sign
        assert signs is not None
        name, signed = f"{known.name} {case.name}", signs(request, connection, connection.secrets[0])
        ours, theirs = _takes(known, signed, connection), sdk.accepts(signed, connection)
        assert ours == theirs, f"{name}: we take it: {ours}, {sdk.package} takes it: {theirs}"
        other = sdk.spoils(signed)
        assert not _takes(known, other, connection), f"{name}: we take a spoiled request"
        assert not sdk.accepts(other, connection), f"{name}: {sdk.package} takes a spoiled request"
        count += ours
    assert count, f"{known.name}: {sdk.package} took nothing"
    return count


def main() -> None:
    for sdk in SDKS:
        try:
            print(f"{sdk.provider}: {held(sdk)} requests, as {sdk.package} has them")
        except ImportError as error:
            print(f"{sdk.provider}: left out, {error}: pip install --target FOLDER {sdk.package}")


if __name__ == "__main__":
    main()
