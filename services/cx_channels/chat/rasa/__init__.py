"""Rasa: the trail of an assistant, by an event broker's records or whole trackers. See README.md.

Modules: ``signature``, ``mapping`` (bodies to records, by kind), ``record`` (one record, and its draft), ``records``
(kinds that are events), ``kinds`` (those that are none).
"""

from __future__ import annotations

from cx_channels.chat.rasa.mapping import DOCUMENTED, MAX_BYTES, kinds_of, map_request
from cx_channels.chat.rasa.signature import SIGNATURE, sign, verify
from cx_channels.kit import bot_trails
from cx_channels.kit.settings import check_choice
from cx_channels.provider import Connection, Provider


def _warnings(connection: Connection) -> tuple[str, ...]:
    check_choice(connection, "interaction", "sender_id")
    check_choice(connection, "messages", "take", "ignore")
    bot_trails.check_settings(connection)
    return ()


PROVIDER = Provider(
    name="chat/rasa",
    channel="chat",
    map=map_request,
    verify=verify,
    sign=sign,
    signature=SIGNATURE,
    kinds=DOCUMENTED,
    kinds_of=kinds_of,
    max_bytes=MAX_BYTES,
    warnings=_warnings,
    weights=bot_trails.WEIGHTS,
    settings=frozenset({"handoff_actions", "messages"}) | bot_trails.SETTINGS,
)
