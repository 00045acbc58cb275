"""Twilio Programmable Voice. See README.md for what it sends and how to connect it.

Modules: ``mapping`` (the table of kinds), ``kinds`` (tells a request's kind), ``callback`` (one request, and its
drafts), ``events`` (a function for each kind), ``parties`` (who is the customer), ``addresses`` (numbers, SIP and
clients), ``attestation`` (how far a caller's number is believed), ``listing`` (what was missed).
"""

from __future__ import annotations

from cx_channels.kit.catch_up_settings import CATCH_UP_SETTINGS, catch_up_settings
from cx_channels.kit.twilio_forms import TWIML
from cx_channels.kit.twilio_lists import API_SETTINGS, has_api, twilio_api
from cx_channels.kit.twilio_media import MEDIA
from cx_channels.kit.twilio_shared_keys import SETTING, keys_of
from cx_channels.kit.twilio_signature import SIGNATURE, sign, verify
from cx_channels.provider import Answer, Connection, Mapped, Provider, Request
from cx_channels.voice.twilio.addresses import listed
from cx_channels.voice.twilio.mapping import DOCUMENTED, expects_twiml, kinds_of, map_request


def _answer(mapped: Mapped, request: Request) -> Answer:
    """TwiML that does nothing for a request that asks what to do: anything else is error 12300 (Invalid Content-Type).
    Status callbacks take any 2xx: 204, without a body. Other products may ask for 200, as hooks of Conversations do."""
    if expects_twiml(request):
        return Answer(body=TWIML, content_type="text/xml; charset=utf-8")
    return Answer(status=200 if mapped.unmapped else 204)


def _warnings(connection: Connection) -> tuple[str, ...]:
    """Return what a connection lacks. ``Fatal`` for shared keys that can't be meant."""
    found = []
    keys_of(connection)
    if has_api(connection):
        twilio_api(connection)
        catch_up_settings(connection)
    if not listed(connection.settings, "numbers", connection.region):
        found.append(
            "settings.numbers is missing: without the business's own numbers nobody becomes the customer of an outbound"
            " call, of a leg, or of what a softphone dials"
        )
    return tuple(found)


PROVIDER = Provider(
    name="voice/twilio",
    channel="voice",
    map=map_request,
    verify=verify,
    sign=sign,
    signature=SIGNATURE,
    kinds=DOCUMENTED,
    kinds_of=kinds_of,
    answer=_answer,
    methods=frozenset({"GET", "POST"}),
    warnings=_warnings,
    asks=has_api,
    weights={
        "phone": {
            "asserted": "the caller's own carrier attests the number (StirVerstat, attestation A)",
            "claimed": "a caller's number is whatever the caller's network lets through; a dialled one is dialled",
        },
        "twilio-client": {"claimed": "the application's token names the client; whom it checked is not known here"},
    },
    media=MEDIA,
    settings=frozenset({"clients", "mask_digits", "numbers", SETTING, "staff", *API_SETTINGS, *CATCH_UP_SETTINGS})
    | MEDIA.settings,
    secret_settings=frozenset({SETTING}),
)
