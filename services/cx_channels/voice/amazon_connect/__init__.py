"""Amazon Connect: contacts from its events, records, agent events and Contact Lens. See README.md.

Modules: ``mapping`` (which stream an event is of), ``contact`` (what all streams say of a contact), ``contact_events``,
``contact_records``, ``agent_events``, ``contact_lens`` (words and findings), ``chat_messages``, ``flow_requests`` (a
flow's question to a function); ``doors`` (who may post), ``poller`` (the source that reads queues and streams),
``media`` (how recordings are fetched).
"""

from __future__ import annotations

from cx_channels.kit.aws import reading, sns
from cx_channels.kit.aws.doors import MAX_BYTES, SIGNATURE
from cx_channels.provider import Provider
from cx_channels.voice.amazon_connect.doors import answer, sign, signature_of, verify, warnings_of
from cx_channels.voice.amazon_connect.mapping import DOCUMENTED, kinds_of, map_request
from cx_channels.voice.amazon_connect.media import MEDIA

PROVIDER = Provider(
    name="voice/amazon-connect",
    channel="voice",
    more_channels=frozenset({"chat", "email", "sms"}),
    map=map_request,
    verify=verify,
    sign=sign,
    signature=SIGNATURE,
    signature_of=signature_of,
    keys=sns.KEYS,
    kinds=DOCUMENTED,
    kinds_of=kinds_of,
    answer=answer,
    max_bytes=MAX_BYTES,
    weights={
        "phone": {
            "claimed": "Connect passes no attestation on: a caller's number is what the caller's network lets through"
        },
        "email": {"claimed": "the From of a mail, which anybody can write"},
        "crm": {"claimed": "the flow set CustomerId, often by looking up the caller's number"},
    },
    media=MEDIA,
    settings=frozenset({"attributes", "customer_id", "same_call"})
    | sns.SETTINGS
    | reading.SETTING_NAMES
    | MEDIA.settings,
    secret_settings=reading.SECRET_NAMES,
    asks=reading.asks,
    warnings=warnings_of,
    notes=reading.notes_of,
)
