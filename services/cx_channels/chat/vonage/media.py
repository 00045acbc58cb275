"""Ask Vonage for files of messages, by a token of the application where the connection has its private key.

developer.vonage.com/en/messages/concepts/secure-inbound-media: an address is good for 48 hours. Whoever has it may
fetch the file, unless the application has *Secure Inbound Media* on: then a token of the application is asked for.
"""

from __future__ import annotations

import re

from cx_channels.kit.vonage_media import HOST, KEY, SETTINGS, VONAGE, lacks_key, token_header
from cx_channels.provider import Connection, MediaRequest, MediaSource
from cx_events.timestamps import Micros

_FILE = re.compile(HOST + r"/v3/media/[0-9A-Za-z-]{1,64}")


def _request(url: str, connection: Connection, now: Micros) -> MediaRequest | None:
    return MediaRequest(url, token_header(connection, url, now), VONAGE) if _FILE.fullmatch(url) else None


def _lacks(connection: Connection) -> tuple[str, ...]:
    return lacks_key(connection) if KEY in connection.settings else ()


MEDIA = MediaSource(_request, SETTINGS, _lacks)
