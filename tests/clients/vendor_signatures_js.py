"""Hold the checks of signatures against the vendors' own SDKs in JavaScript; needs Node.

As ``vendor_signatures``, and beyond it Telegram (grammY) and Matrix (matrix-appservice), which have no library on PyPI
that checks. npm has none that checks what Intercom, Zendesk, Chatwoot, Rocket.Chat, Genesys and Mailgun (mailgun.js)
sign; X's own (``twitter-autohook``) does, but needs packages without a licence. ``@vonage/auth`` signs the older SMS
API in another way than Vonage documents and its Python library does (no ``&`` at the beginning, ``_`` for each ``&``
and ``=``, values as in a URL), so that nobody's check takes it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from tests.clients.node_sdks import accepts, signs
from tests.clients.vendor_alterations import AHEAD, PROOF_TWICE, TIMES, by_proof, other_channel, other_fields
from tests.clients.vendor_checks import key_id, sign_draft, sign_message, sign_sns, sign_sns_1, without_query
from tests.clients.vendor_signatures import (
    Held,
    Sdk,
    is_message,
    is_of_example,
    is_signed_event,
    report,
    requests_of,
    takes,
)

from cx_channels.provider import Connection, Request
from cx_channels.registry import provider


def _is_json(request: Request, _connection: Connection) -> bool:
    try:
        json.loads(request.body)
    except ValueError:
        return False
    return True


def _sign_draft(request: Request, connection: Connection, secret: str) -> Request:
    """Return the request signed by Fedify as draft-cavage has it, which leaves the query out."""
    return signs("mastodonDraft", key_id)(without_query(request), connection, secret)


_SNS, _SNS_PAYLOAD, _MASTODON = accepts("sns"), accepts("snsPayload"), accepts("mastodon")
_QUERY = ("with another query",)

SDKS = (
    Sdk("chat/twilio", "twilio", accepts("twilio")),
    Sdk("chat/twilio", "twilio", accepts("twilio"), signs("twilio")),
    Sdk("voice/twilio", "twilio", accepts("twilio")),
    Sdk("voice/twilio", "twilio", accepts("twilio"), signs("twilio")),
    Sdk("email/sendgrid", "@sendgrid/eventwebhook", accepts("sendgrid"), concerns=is_signed_event, leaves=TIMES),
    Sdk("chat/slack", "@slack/bolt", accepts("slack"), leaves=AHEAD),
    Sdk("social/line", "@line/bot-sdk", accepts("line"), leaves=PROOF_TWICE),
    Sdk("social/viber", "viber-bot", accepts("viber")),
    Sdk("social/meta", "whatsapp-api-js", accepts("meta"), leaves=PROOF_TWICE),
    Sdk("social/whatsapp", "whatsapp-api-js", accepts("meta"), leaves=PROOF_TWICE),
    Sdk("social/telegram", "grammy", accepts("telegram"), alters=by_proof, concerns=_is_json),
    Sdk("chat/matrix", "matrix-appservice", accepts("matrix"), alters=by_proof),
    Sdk("chat/vonage", "@vonage/jwt", accepts("vonage"), leaves=TIMES),
    Sdk("voice/vonage", "@vonage/jwt", accepts("vonage"), leaves=TIMES),
    *(
        Sdk("email/amazon-ses", package, check, sign, other_fields, is_message, leaves=TIMES)
        for package, check, sign in (
            ("sns-validator", _SNS, sign_sns_1),
            ("sns-payload-validator", _SNS_PAYLOAD, sign_sns_1),
            ("sns-payload-validator", _SNS_PAYLOAD, sign_sns),
        )
    ),
    Sdk("chat/msteams", "botframework-connector", accepts("msteams"), alters=other_channel),
    Sdk("social/mastodon", "@fedify/fedify", _MASTODON, sign_draft, concerns=is_of_example, leaves=_QUERY),
    Sdk("social/mastodon", "@fedify/fedify", _MASTODON, _sign_draft, concerns=is_of_example, leaves=_QUERY),
    Sdk("social/mastodon", "@fedify/fedify", _MASTODON, sign_message, concerns=is_of_example),
    Sdk("social/mastodon", "@fedify/fedify", _MASTODON, signs("mastodonMessage", key_id), concerns=is_of_example),
)


# --- Twilio's addresses ----------------------------------------------------------------------------------------------

_HOSTS = ("", ":443", ":8443")
_QUERIES = (
    "", "?a=1", "?q=O'Neil", "?q=O%27Neil", "?b=%20x", "?b=+x", "?b=a|b", "?b=a%7Cb", "?a=1&a=2", "?a=2&b=1&a=1",
    "?q=(x)!*", "?empty=", "?empty", "?u=%C3%A9", "?u=%c3%a9", "?x=%22y%22", "?x=a;b", "?x=~y", "?b=%2Fpath/z",
)  # fmt: skip
"""Ports and queries that one product of Twilio's signs in another form than that which it calls. Left out is what we
take beyond the library of today: a name and password, with and without which a URL may be signed, and a SIP address as
it stands (``cx_channels.kit.twilio_signature``)."""


def _addresses() -> Iterator[tuple[str, str]]:
    """Yield pairs of addresses: as signed, and as called."""
    places = [f"https://hub.example.com{port}/v1/hooks/acme" for port in _HOSTS]
    for signed, called in product(product(places, _QUERIES), repeat=2):
        yield "".join(signed), "".join(called)


def hold_addresses() -> Held:
    """Hold which forms of a URL may have been signed against Twilio's library, of a POST and of a GET."""
    known, held, theirs = provider("chat/twilio"), Held(), accepts("twilio")
    assert known.sign is not None
    case, posted = next((case, request) for case, request in requests_of(known) if case.name == "sms.form")
    connection = case.connection(known)
    for request in (posted, replace(posted, method="GET", body=b"", headers={})):
        for signed, called in _addresses():
            made = known.sign(replace(request, url=signed), connection, connection.secrets[0])
            taken = takes(known, replace(made, url=called), connection)
            if taken != theirs(replace(made, url=called), connection):
                held.differ(f"we alone {'take' if taken else 'refuse'} a form of a URL", f"{called} for {signed}")
            held.taken, held.refused = held.taken + taken, held.refused + (not taken)
    return held


def main() -> None:
    found = hold_addresses()
    counted = f"{found.taken} forms of URLs taken, {found.refused} refused, as twilio has them"
    print(f"chat/twilio: {counted}", *found.lines(), sep="\n  ")
    if report(SDKS, "npm install") or found.differences:
        sys.exit(1)


if __name__ == "__main__":
    main()
