"""Ask the Bot Connector for pictures by the bot's own token, and SharePoint for files by an address that needs none.

learn.microsoft.com/microsoftteams/platform/bots/how-to/agents-inline-images (``contentUrl`` asks for the bot's token),
.../bots/how-to/bots-filesv4 (``downloadUrl`` is open for some minutes). The token: learn.microsoft.com/azure/
bot-service/rest-api/bot-framework-rest-connector-authentication, "Bot to Connector"; logins and hosts of each cloud are
those of Microsoft's own SDK (github.com/microsoft/teams.net, CloudEnvironment). Anybody may register a name below
trafficmanager.net, and a client of Direct Line writes its own addresses, so hosts are compared whole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

from cx_channels.kit.json_values import text
from cx_channels.kit.media import lacks_settings
from cx_channels.kit.settings import text_setting, texts_of
from cx_channels.provider import MEDIA_SETTING, Connection, MediaRequest, MediaSource, TokenForm
from cx_events.timestamps import Micros

SECRET = "media_secret"  # noqa: S105 - the name of a setting
TENANT = "media_tenant"


class _Cloud(NamedTuple):
    """``tenant``: of the login of bots that serve several; ``hosts``: of the Bot Connector."""

    login: str
    tenant: str
    scope: str
    hosts: frozenset[str]


_CLOUDS: Mapping[str, _Cloud] = {
    "public": _Cloud(
        "https://login.microsoftonline.com",
        "botframework.com",
        "https://api.botframework.com/.default",
        frozenset({
            "smba.trafficmanager.net", "smba.onyx.prod.teams.trafficmanager.net", "smba.infra.gcc.teams.microsoft.com",
        }),
    ),
    "government": _Cloud(
        "https://login.microsoftonline.us",
        "MicrosoftServices.onmicrosoft.us",
        "https://api.botframework.us/.default",
        frozenset({"smba.infra.gov.teams.microsoft.us", "smba.infra.dod.teams.microsoft.us"}),
    ),
    "china": _Cloud(
        "https://login.partner.microsoftonline.cn",
        "microsoftservices.partner.onmschina.cn",
        "https://api.botframework.azure.cn/.default",
        frozenset({"frontend.botapi.msg.infra.teams.microsoftonline.cn"}),
    ),
}  # fmt: skip

_ATTACHMENT = re.compile(
    r"https://([a-z.]{1,80})(?:/[A-Za-z0-9-]{1,60}){0,3}/v3/attachments/[A-Za-z0-9_-]{1,200}/views/[A-Za-z]{1,20}"
)
_SHARED = re.compile(
    r"https://[a-z0-9-]{1,80}\.sharepoint\.(?:com|us|cn)(?:/[!-~]{1,1000})?/_layouts/15/download\.aspx\?[!-~]{1,4000}"
)


def _request(url: str, connection: Connection, _now: Micros) -> MediaRequest | None:
    if _SHARED.fullmatch(url):
        return MediaRequest(url, no_page=True)
    cloud = _CLOUDS.get(text(connection.settings.get("cloud")), _CLOUDS["public"])
    match = _ATTACHMENT.fullmatch(url)
    if match is None or match[1] not in cloud.hosts:
        return None
    return MediaRequest(url, login=_login(cloud, connection))


def _login(cloud: _Cloud, connection: Connection) -> TokenForm:
    """Return what is posted for the bot's token: to Microsoft's login of the cloud, whoever wrote the message."""
    tenant = quote(text_setting(connection, TENANT, "") or cloud.tenant, safe="")
    form = {
        "grant_type": "client_credentials",
        "client_id": next(iter(texts_of(connection.settings, "app_id")), ""),
        "client_secret": text_setting(connection, SECRET, ""),
        "scope": cloud.scope,
    }
    return TokenForm(f"{cloud.login}/{tenant}/oauth2/v2.0/token", tuple(form.items()))


MEDIA = MediaSource(
    _request,
    settings=frozenset({MEDIA_SETTING, SECRET, TENANT}),
    lacks=lacks_settings({SECRET: "a client secret of the bot's app registration"}),
)
