"""Zendesk: Sunshine Conversations' webhooks, and Support's webhooks of tickets and messaging. See README.md.

Modules: ``signature``, ``mapping`` (requests to events, by kind), ``notice`` (one event, and its draft), ``people``,
``content`` (words and files), ``conversations`` (Sunshine Conversations, version 2), ``conversations_v1`` (version 1),
``tickets`` (Support), ``kinds`` (what is no event), ``media`` (how files are fetched); ``listing`` (what was missed)
and ``api_settings``.
"""

from __future__ import annotations

from cx_channels.chat.zendesk.api_settings import API_SETTINGS, has_api, support_api
from cx_channels.chat.zendesk.mapping import DOCUMENTED, kinds_of, map_request
from cx_channels.chat.zendesk.media import MEDIA
from cx_channels.chat.zendesk.people import SUNCO_USER, ZENDESK_USER
from cx_channels.chat.zendesk.signature import API_KEY, scheme_of, sign, verify, warnings
from cx_channels.provider import Connection, Provider


def _warnings(connection: Connection) -> tuple[str, ...]:
    """Return what a connection lacks. ``Fatal`` for settings that can't be meant."""
    if has_api(connection):
        support_api(connection)
    return warnings(connection)


PROVIDER = Provider(
    name="chat/zendesk",
    channel="chat",
    map=map_request,
    verify=verify,
    sign=sign,
    signature=API_KEY,
    signature_of=scheme_of,
    kinds=DOCUMENTED,
    kinds_of=kinds_of,
    warnings=_warnings,
    asks=has_api,
    weights={
        SUNCO_USER: {"proved": "the platform's own id of a user of the app"},
        ZENDESK_USER: {
            "proved": "the platform's own id of a user of its messenger",
            "claimed": "the user whom Zendesk found by an address in a mail or a form, which anybody can write",
        },
        "account": {
            "proved": "the business's own id of a user who logged in by its signed token",
            "asserted": "the business's own id, given through its API",
        },
        "email": {"claimed": "typed by a person into a form"},
        "phone": {
            "proved": "a WhatsApp number, of which WhatsApp checks the possession",
            "claimed": "the sender of a text message, or what was noted of a user",
        },
    },
    media=MEDIA,
    settings=frozenset({"webhooks", "bots", *API_SETTINGS}) | MEDIA.settings,
)
