"""Vonage's Voice API (formerly Nexmo): calls and their legs, from its webhooks. See README.md.

Modules: ``mapping`` (the table of kinds, a function for each), ``callback`` (one request, and its drafts), ``parties``
(who is the customer), ``media`` (how recordings are fetched).
"""

from __future__ import annotations

from cx_channels.kit.vonage_signature import SIGNATURE, sign, verify
from cx_channels.provider import Answer, Connection, Mapped, Provider, Request
from cx_channels.voice.vonage.callback import read_fields
from cx_channels.voice.vonage.mapping import DOCUMENTED, kind_of, kinds_of, map_request
from cx_channels.voice.vonage.media import MEDIA
from cx_events.errors import Refused


def _answer(_mapped: Mapped, request: Request) -> Answer:
    """Nothing: whatever stands in the answer to an event may replace what the call does. Who asks what to do with a
    call gets an NCCO without actions, which ends it."""
    try:
        asked = kind_of(request.once(read_fields)[0]) == "answer-webhook"
    except Refused:
        asked = False
    return Answer(body=b"[]", content_type="application/json") if asked else Answer(204)


def _warnings(connection: Connection) -> tuple[str, ...]:
    if connection.settings.get("numbers"):
        return ()
    return (
        "settings.numbers is missing: without the business's own numbers nobody becomes the customer of an outbound"
        " call, or of the question what to do with a call",
    )


PROVIDER = Provider(
    name="voice/vonage",
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
    weights={
        "phone": {"claimed": "a caller's number is what the caller's network lets through; a dialled one is dialled"},
    },
    media=MEDIA,
    settings=frozenset({"application", "numbers", "same_call", "staff"}) | MEDIA.settings,
)
