"""Hold the checks of signatures against the vendors' own SDKs: what either signs the other takes, and nothing altered.

Needs the SDKs, which are no dependencies (twilio alone brings a dozen packages), in a folder on ``PYTHONPATH``. One
that is not installed is left out, with a sentence:

    pip install --target FOLDER twilio slack_sdk line-bot-sdk viberbot sendgrid pywa vonage-jwt vonage-http-client \
        mailgun aws-sns-verifier botframework-connector apsig http-message-signatures
    PYTHONPATH=FOLDER .venv/bin/python -m tests.clients.vendor_signatures

Discord, Intercom, Zendesk, X, Rocket.Chat, Chatwoot and Genesys have no library on PyPI that checks what they sign;
Telegram, Rasa, Dialogflow and Postmark sign nothing.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from tests.clients import vendor_checks as checks
from tests.clients.vendor_alterations import (
    STALE,
    TIMES,
    Altered,
    Signed,
    Signer,
    altered,
    altered_now,
    other_channel,
    other_fields,
    other_token,
)  # fmt: skip
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


def _any(_request: Request, _connection: Connection) -> bool:
    return True


def is_signed_event(_request: Request, connection: Connection) -> bool:
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


def is_of_example(request: Request, _connection: Connection) -> bool:
    """Return whether an activity is of an actor whose key is published in trials."""
    try:
        return actor_of(read_body(request)) in EXAMPLE_ACTORS
    except Refused:
        return False


def is_message(request: Request, connection: Connection) -> bool:
    """Return whether a request is a message of one of the connection's topics: a confirmation is fetched besides."""
    try:
        told = sns.envelope_of(request)
    except Refused:
        return False
    return told.get("Type") == sns.NOTIFICATION and told.get("TopicArn") in texts_of(connection.settings, "topics")


class Sdk(NamedTuple):
    """A vendor's library. ``package``: what brings it; ``accepts``: whether it takes a signed request. ``signs``: what
    signs instead of our provider; ``alters``: makes other requests, which neither may take; ``leaves``: how those of
    them begin that the library leaves to whoever calls it. ``concerns``: of the provider's requests, those that are
    signed so."""

    provider: str
    package: str
    accepts: Callable[[Request, Connection], bool]
    signs: Signer | None = None
    alters: Callable[[Signed], Altered] = altered
    concerns: Callable[[Request, Connection], bool] = _any
    settings: Mapping[str, Any] = {}
    leaves: tuple[str, ...] = ()


@dataclass
class Held:
    """What came of one library. ``taken``: signed requests that both took; ``refused``: altered ones, by neither."""

    taken: int = 0
    refused: int = 0
    differences: dict[str, list[str]] = field(default_factory=dict)

    def differ(self, how: str, name: str) -> None:
        """Keep what differs, with the request's name."""
        self.differences.setdefault(how, []).append(name)

    def lines(self) -> Iterator[str]:
        """Yield what differs, each with how often and where first."""
        for how, names in self.differences.items():
            yield f"{how}: {len(names)} times, first {names[0]}"


def _is_text_message(request: Request, _connection: Connection) -> bool:
    """Return whether the older SMS API of Vonage sent a request."""
    try:
        return is_older(read_fields(request)[0])
    except Refused:
        return False


def _sms(method: str) -> dict[str, Any]:
    return {"concerns": _is_text_message, "settings": {"sms_signature": method}, "leaves": TIMES}


_QUERY = ("with another query",)
"""A draft of signatures, as some libraries read it, leaves the query out."""

SDKS = (
    Sdk("chat/twilio", "twilio", checks.twilio),
    Sdk("voice/twilio", "twilio", checks.twilio),
    Sdk("chat/slack", "slack_sdk", checks.slack),
    Sdk("social/line", "line-bot-sdk", checks.line),
    Sdk("social/viber", "viberbot", checks.viber),
    Sdk("email/sendgrid", "sendgrid", checks.sendgrid, concerns=is_signed_event, leaves=TIMES),
    Sdk("social/meta", "pywa", checks.meta),
    Sdk("social/whatsapp", "pywa", checks.meta),
    Sdk("chat/vonage", "vonage-jwt", checks.vonage, leaves=STALE),
    Sdk("voice/vonage", "vonage-jwt", checks.vonage, leaves=STALE),
    *(
        Sdk("chat/vonage", "vonage-http-client", checks.vonage_sms, checks.sign_vonage_sms, **_sms(method))
        for method in ("md5", "sha1", "sha256", "sha512")
    ),
    Sdk("email/mailgun", "mailgun", checks.mailgun, alters=other_token, concerns=_is_own_account),
    *(
        Sdk("email/amazon-ses", "aws-sns-verifier", checks.sns_either, sign, other_fields, is_message, leaves=TIMES)
        for sign in (checks.sign_sns, checks.sign_sns_1)
    ),
    Sdk("chat/msteams", "botframework-connector", checks.msteams, alters=other_channel),
    Sdk("social/mastodon", "apsig", checks.draft, checks.sign_draft, concerns=is_of_example, leaves=_QUERY),
    Sdk("social/mastodon", "apsig", checks.draft, checks.sign_by_apsig, altered_now, is_of_example, leaves=_QUERY),
    *(
        Sdk("social/mastodon", "http-message-signatures", checks.message, sign, concerns=is_of_example, leaves=STALE)
        for sign in (checks.sign_message, checks.sign_by_library)
    ),
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


def takes(known: Provider, request: Request, connection: Connection) -> bool:
    assert known.verify is not None
    try:
        known.verify(request, connection)
    except (Refused, TryLater):
        return False
    return True


def _accepts(sdk: Sdk, request: Request, connection: Connection) -> bool:
    try:
        return sdk.accepts(request, connection)
    except ImportError:
        raise
    except Exception:  # a library's own, of any kind: it can't read the header, or the body
        return False


def _hold(sdk: Sdk, signed: Signed, name: str, held: Held) -> None:
    """Hold one signed request, and what it is altered to, against the library."""
    known, connection = signed.provider, signed.connection
    ours, theirs = takes(known, signed.request, connection), _accepts(sdk, signed.request, connection)
    if ours != theirs:
        held.differ(f"{'we alone take' if ours else 'we alone refuse'} it as it is", name)
    if not (ours and theirs):
        return
    held.taken += 1
    for how, other in sdk.alters(signed):
        theirs = not how.startswith(sdk.leaves) and _accepts(sdk, other, connection)
        takers = ["we"] * takes(known, other, connection) + [sdk.package] * theirs
        for who in takers:
            held.differ(f"{how}, {who} take it", name)
        held.refused += not takers


def held_by(sdk: Sdk) -> Held:
    """Hold one provider against its vendor's library.

    What one refuses (a body that is none of the vendor's), the other must refuse, too.
    """
    known, held = provider(sdk.provider), Held()
    signs = sdk.signs or known.sign
    assert signs is not None
    for case, request in requests_of(known):
        given = connection_of(known, case.path)
        connection = with_keys(known, replace(given, settings={**given.settings, **sdk.settings}))
        if sdk.concerns(request, connection):
            made = signs(request, connection, connection.secrets[0])
            _hold(sdk, Signed(known, request, connection, signs, made), case.name, held)
    if not held.taken:
        held.differ(f"{sdk.package} takes nothing", "all")
    return held


def report(sdks: Iterable[Sdk], how_to_install: str) -> int:
    """Hold all, print a line for each, and return how much differs."""
    wrong = 0
    for sdk in sdks:
        try:
            held = held_by(sdk)
        except ImportError as error:
            print(f"{sdk.provider}: left out, {error}: {how_to_install} {sdk.package}")
            continue
        counted = f"{held.taken} requests taken, {held.refused} altered ones refused, as {sdk.package} has them"
        print(f"{sdk.provider}: {counted}", *held.lines(), sep="\n  ", flush=True)
        wrong += len(held.differences)
    return wrong


if __name__ == "__main__":
    sys.exit(1 if report(SDKS, "pip install --target FOLDER") else 0)
