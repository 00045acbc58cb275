"""Chatwoot: messages, notes, statuses and surveys of an account, by its webhooks. See README.md.

Modules: ``signature``, ``mapping`` (webhooks to events, by kind), ``notice`` (one webhook, and its draft), ``people``
(who is who), ``messages`` and ``conversations`` (kinds of webhooks), ``kinds`` (those that are no event), ``media``
(how files are fetched).
"""

from __future__ import annotations

from collections.abc import Iterator

from cx_channels.chat.chatwoot.mapping import DOCUMENTED, kinds_of, map_request
from cx_channels.chat.chatwoot.media import MEDIA
from cx_channels.chat.chatwoot.people import WEIGHTS
from cx_channels.chat.chatwoot.signature import SIGNATURE, UNSIGNED, sign, takes_unsigned, verify
from cx_channels.kit.settings import check_choice
from cx_channels.provider import Connection, Provider


def _warnings(connection: Connection) -> tuple[str, ...]:
    check_choice(connection, UNSIGNED, "accept", "refuse")
    return tuple(_doubtful(connection))


def _doubtful(connection: Connection) -> Iterator[str]:
    if not connection.settings.get("account"):
        yield "settings.account is missing: what is told of a conversation without messages can't be placed"
    if takes_unsigned(connection):
        yield "settings.unsigned is accept: whoever knows the address may say anything, and all of it is a claim"


PROVIDER = Provider(
    name="chat/chatwoot",
    channel="chat",
    more_channels=frozenset({"email", "sms", "social", "voice"}),
    map=map_request,
    verify=verify,
    sign=sign,
    signature=SIGNATURE,
    kinds=DOCUMENTED,
    kinds_of=kinds_of,
    warnings=_warnings,
    weights=WEIGHTS,
    media=MEDIA,
    settings=frozenset({"account", UNSIGNED}) | MEDIA.settings,
)
