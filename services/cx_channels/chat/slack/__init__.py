"""Slack: messages of customers in shared channels and help desks, by the Events API. See README.md.

Modules: ``signature``, ``mapping`` (requests to events, by kind), ``notice`` (one request, and its draft), ``people``
(who is who), ``content`` (words and files), ``messages`` and ``controls`` (kinds of notices), ``kinds`` (what is no
event), ``media`` (how files are fetched); ``listing`` (what was missed) and ``api_settings``.
"""

from __future__ import annotations

from cx_channels.chat.slack.api_settings import API_SETTINGS, has_api, slack_api
from cx_channels.chat.slack.mapping import DOCUMENTED, kinds_of, map_request
from cx_channels.chat.slack.media import MEDIA
from cx_channels.chat.slack.people import SETTINGS, USER
from cx_channels.chat.slack.signature import SIGNATURE, challenge, sign, verify
from cx_channels.provider import Connection, Provider


def _warnings(connection: Connection) -> tuple[str, ...]:
    if has_api(connection):
        slack_api(connection)
    if any(connection.settings.get(name) for name in SETTINGS):
        return ()
    return (
        "settings name no teams, channels or customers: everybody is a colleague, and what colleagues say is ignored",
    )


PROVIDER = Provider(
    name="chat/slack",
    channel="chat",
    map=map_request,
    verify=verify,
    sign=sign,
    signature=SIGNATURE,
    challenge=challenge,
    kinds=DOCUMENTED,
    kinds_of=kinds_of,
    warnings=_warnings,
    asks=has_api,
    weights={USER: {"proved": "Slack's own id of somebody logged in there, in a request that the secret signed"}},
    media=MEDIA,
    settings=frozenset({"agents", "installations", *SETTINGS, *API_SETTINGS}) | MEDIA.settings,
)
