"""Genesys Cloud: conversations on every medium, from EventBridge, notification topics and Analytics. See README.md.

Modules: ``mapping`` (topics), ``conversation`` (what all events of one share), ``people`` (who is who),
``detail_events`` (steps, by EventBridge), ``legs`` (the state of a conversation), ``analytics`` (a conversation's
details), ``transcription`` (words), ``summaries`` (what a model makes of them); ``poller`` (the source that
reads queues and streams).
"""

from __future__ import annotations

from cx_channels.kit.aws import reading
from cx_channels.kit.aws.doors import MAX_BYTES, SIGNATURE, answer, sign, verify
from cx_channels.kit.settings import text_setting
from cx_channels.provider import Connection, Provider
from cx_channels.voice.genesys_cloud.mapping import DOCUMENTED, kinds_of, map_request
from cx_events.errors import Fatal

_NETWORK = "the messaging network knows whom it serves, and Genesys says so"
_ASSERTED = "the setting external_contacts says that it is matched by more than a caller's number"


def _warnings(connection: Connection) -> tuple[str, ...]:
    text_setting(connection, "same_call", "")
    trusted = connection.settings.get("external_contacts", "claimed")
    if trusted not in ("asserted", "claimed"):
        raise Fatal(f"the connection {connection.id}: external_contacts is asserted or claimed, not {trusted!r}")
    found = reading.warnings_of(connection)
    if connection.settings.get("organization"):
        return found
    return (*found, "settings.organization is missing: events of any organization that reach the address are taken")


PROVIDER = Provider(
    name="voice/genesys-cloud",
    channel="voice",
    more_channels=frozenset({"chat", "email", "sms"}),
    map=map_request,
    verify=verify,
    sign=sign,
    signature=SIGNATURE,
    kinds=DOCUMENTED,
    kinds_of=kinds_of,
    answer=answer,
    max_bytes=MAX_BYTES,
    warnings=_warnings,
    weights={
        "phone": {
            "asserted": f"of WhatsApp, whose users have proved their number to it: {_NETWORK}",
            "claimed": "Genesys passes no attestation on: a caller's number is what the caller's network lets through",
        },
        "email": {"claimed": "the From of a mail, which anybody can write"},
        "cookie": {"claimed": "a browser of web messaging"},
        "genesys-contact": {
            "asserted": _ASSERTED,
            "claimed": "an external contact may have been found by the number that a caller shows",
        },
        "genesys-open": {"claimed": "whoever integrates open messaging writes the id"},
        "facebook-psid": {"asserted": _NETWORK},
        "instagram": {"asserted": _NETWORK},
        "line": {"asserted": _NETWORK},
        "x": {"asserted": _NETWORK},
        "apple-business": {"asserted": _NETWORK},
        **{kind: {"asserted": _NETWORK} for kind in ("linkedin", "telegram", "viber", "wechat", "kakao")},
    },
    settings=frozenset({"attributes", "external_contacts", "organization", "same_call"}) | reading.SETTING_NAMES,
    secret_settings=reading.SECRET_NAMES,
    asks=reading.asks,
    notes=reading.notes_of,
)
