"""Telegram bots, from the Bot API's webhook. See README.md.

Modules: ``signature``, ``mapping`` (updates to events, by kind), ``update`` (one update, and its draft), ``content``
(words and files of messages), ``messages`` and ``acts`` (kinds of updates), ``kinds`` (those that are no event),
``media`` (how files are fetched).
"""

from __future__ import annotations

from cx_channels.kit.settings import check_choice
from cx_channels.provider import Connection, Provider
from cx_channels.social.telegram.mapping import DOCUMENTED, kinds_of, map_request
from cx_channels.social.telegram.media import MEDIA
from cx_channels.social.telegram.signature import SIGNATURE, sign, verify
from cx_channels.social.telegram.update import WEIGHTS


def _warnings(connection: Connection) -> tuple[str, ...]:
    check_choice(connection, "groups", "take", "ignore")
    return ()


PROVIDER = Provider(
    name="social/telegram",
    channel="social",
    map=map_request,
    verify=verify,
    sign=sign,
    signature=SIGNATURE,
    kinds=DOCUMENTED,
    kinds_of=kinds_of,
    warnings=_warnings,
    weights=WEIGHTS,
    media=MEDIA,
    settings=frozenset({"agents", "groups"}) | MEDIA.settings,
)
