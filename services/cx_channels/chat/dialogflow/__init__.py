"""Dialogflow ES and CX (Conversational Agents): the trail of a bot, by webhooks and conversation events. See README.md.

Modules: ``signature``, ``mapping`` (which of the three a request is), ``es`` and ``cx`` (requests of the two editions),
``conversation`` (events by Pub/Sub), ``turn`` (one turn, and its drafts), ``kinds`` (what is no event).
"""

from __future__ import annotations

from cx_channels.chat.dialogflow.mapping import DOCUMENTED, answer, kinds_of, map_request
from cx_channels.chat.dialogflow.signature import SIGNATURE, sign, verify
from cx_channels.kit import bot_trails
from cx_channels.kit.settings import check_choice
from cx_channels.provider import Connection, Provider


def _warnings(connection: Connection) -> tuple[str, ...]:
    check_choice(connection, "channel", "chat", "voice")
    check_choice(connection, "messages", "take", "ignore")
    bot_trails.check_settings(connection)
    return ()


PROVIDER = Provider(
    name="chat/dialogflow",
    channel="chat",
    more_channels=frozenset({"voice"}),
    map=map_request,
    verify=verify,
    sign=sign,
    signature=SIGNATURE,
    answer=answer,
    kinds=DOCUMENTED,
    kinds_of=kinds_of,
    warnings=_warnings,
    weights=bot_trails.WEIGHTS,
    settings=frozenset({"channel", "messages"}) | bot_trails.SETTINGS,
)
