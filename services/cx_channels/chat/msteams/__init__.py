"""Microsoft Teams, and other channels of the Bot Framework: activities that a bot gets. See README.md.

Modules: ``signature`` (the token), ``activity`` (one activity, and its draft), ``people`` (who is who), ``content``
(words and files), ``cards``, ``messages`` and ``contacts`` (kinds of activities), ``kinds`` (what is no event),
``mapping``, ``media`` (how files are fetched).
"""

from __future__ import annotations

from cx_channels.chat.msteams.mapping import DOCUMENTED, answer, kinds_of, map_request
from cx_channels.chat.msteams.media import MEDIA
from cx_channels.chat.msteams.people import OTHER, SETTINGS, TEAMS, USER
from cx_channels.chat.msteams.signature import KEYS, SIGNATURE, check_settings, sign, verify
from cx_channels.provider import Connection, Provider


def _warnings(connection: Connection) -> tuple[str, ...]:
    check_settings(connection)
    if any(connection.settings.get(name) for name in SETTINGS):
        return ()
    return (
        "settings name no tenants, channels or customers: everybody is a colleague, and what colleagues say is ignored",
    )


PROVIDER = Provider(
    name="chat/msteams",
    channel="chat",
    map=map_request,
    verify=verify,
    sign=sign,
    signature=SIGNATURE,
    keys=KEYS,
    kinds=DOCUMENTED,
    kinds_of=kinds_of,
    answer=answer,
    warnings=_warnings,
    required={"app_id": "the bot's App ID, which Microsoft's tokens are for"},
    weights={
        USER: {"proved": "Microsoft's own id of somebody logged in, in a request with its token"},
        TEAMS: {"proved": "Teams' own id of somebody, for this bot alone, in a request with Microsoft's token"},
        OTHER: {"claimed": "another channel's id, which its client may choose (Direct Line)"},
        "phone": {"claimed": "a number as the channel sms lets it through"},
        "email": {"claimed": "the From of a mail of the channel email, which anybody can write"},
    },
    media=MEDIA,
    settings=frozenset({"app_id", "agents", "cloud", *SETTINGS}) | MEDIA.settings,
)
