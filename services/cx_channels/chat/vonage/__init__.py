"""Vonage Messages: SMS, MMS, RCS, WhatsApp, Messenger and Viber, and the older SMS API. See README.md.

Modules: ``signature``, ``notice`` (one request, in any form), ``mapping`` (kinds to events), ``people`` (who is at an
address), ``media`` (how files are fetched).
"""

from __future__ import annotations

from cx_channels.chat.vonage.mapping import DOCUMENTED, kinds_of, map_request
from cx_channels.chat.vonage.media import MEDIA
from cx_channels.chat.vonage.people import WEIGHTS
from cx_channels.chat.vonage.signature import ALGORITHMS, UNSIGNED, verify
from cx_channels.kit.settings import check_choice
from cx_channels.kit.vonage_signature import SIGNATURE, sign
from cx_channels.provider import Connection, Provider


def _warnings(connection: Connection) -> tuple[str, ...]:
    check_choice(connection, "sms_signature", *ALGORITHMS)
    check_choice(connection, UNSIGNED, "accept", "refuse")
    if connection.settings.get(UNSIGNED) == "accept":
        return ("unsigned: accept: whoever knows the address can send text messages in anybody's name",)
    return ()


PROVIDER = Provider(
    name="chat/vonage",
    channel="chat",
    more_channels=frozenset({"sms", "social"}),
    map=map_request,
    verify=verify,
    sign=sign,
    signature=SIGNATURE,
    kinds=DOCUMENTED,
    kinds_of=kinds_of,
    methods=frozenset({"GET", "POST"}),
    warnings=_warnings,
    weights=WEIGHTS,
    media=MEDIA,
    settings=frozenset({"application", "sms_signature", UNSIGNED}) | MEDIA.settings,
)
