"""Ask the tenant's own homeserver for files, by the application service's token, whichever server they lie on.

spec.matrix.org/latest/client-server-api, "Content repository": ``GET /_matrix/client/v1/media/download/SERVER/ID``, of
version 1.11 and later (MSC3916). The homeserver fetches what lies on others itself, so no sender chooses a host. It may
send on to where its files are delivered from.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from cx_channels.kit.authorization import bearer_header
from cx_channels.kit.media import OF_A_SERVER, TOKEN, lacks_server, server_of, stores_of, token_of
from cx_channels.provider import Connection, MediaRequest, MediaSource
from cx_events.timestamps import Micros

_REFERENCE = re.compile(
    r"mxc://((?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9][A-Za-z0-9.-]{0,229})(?::[0-9]{1,5})?)/([A-Za-z0-9_-]{1,255})"
)
"""A server's name (appendices, "Server Name") and an id of those letters alone (client-server-api, "Matrix Content URIs
and security considerations"): in a path neither leads elsewhere."""


def _request(url: str, connection: Connection, _now: Micros) -> MediaRequest | None:
    match = _REFERENCE.fullmatch(url)
    if match is None:
        return None
    at = f"{server_of(connection)}/_matrix/client/v1/media/download/{quote(match[1], safe=':')}/{match[2]}"
    return MediaRequest(at, bearer_header(token_of(connection)), stores_of(connection))


MEDIA = MediaSource(
    _request,
    settings=OF_A_SERVER | {TOKEN},
    lacks=lacks_server(
        "the homeserver's address for clients", {TOKEN: "the application service's as_token of the registration"}
    ),
)
