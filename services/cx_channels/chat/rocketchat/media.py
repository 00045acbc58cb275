"""Ask the tenant's own workspace for files, by a user's personal access token.

developer.rocket.chat/apidocs/authentication-api (``X-Auth-Token``, ``X-User-Id``); github.com/RocketChat/Rocket.Chat,
apps/meteor/app/file-upload/server/lib/FileUpload.ts: while files are protected, who is logged in may read them, and a
workspace that keeps them in an object store sends on there.
"""

from __future__ import annotations

import re

from cx_channels.kit.media import FILE_NAME, OF_A_SERVER, TOKEN, is_on_server, lacks_server, stores_of, token_of
from cx_channels.kit.settings import text_setting
from cx_channels.provider import Connection, MediaRequest, MediaSource
from cx_events.timestamps import Micros

USER = "media_user"

_PATH = re.compile(rf"/file-upload/[A-Za-z0-9]{{1,64}}/{FILE_NAME}(?:\?token=[A-Za-z0-9._-]{{1,2000}})?")
"""Of one file, by its id and name, and of nothing else: the API answers below the same address."""


def _request(url: str, connection: Connection, _now: Micros) -> MediaRequest | None:
    if not is_on_server(url, connection, _PATH):
        return None
    headers = {"x-auth-token": token_of(connection), "x-user-id": text_setting(connection, USER, "")}
    return MediaRequest(url, headers, stores_of(connection))


MEDIA = MediaSource(
    _request,
    settings=OF_A_SERVER | {TOKEN, USER},
    lacks=lacks_server(
        "the workspace's address", {TOKEN: "a personal access token", USER: "the id of the user whose token it is"}
    ),
)
