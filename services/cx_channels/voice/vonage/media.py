"""Ask Vonage for recordings by a token of the application that made them.

developer.vonage.com/en/voice/voice-api/code-snippets/download-a-recording. They are kept for 30 days.
"""

from __future__ import annotations

import re

from cx_channels.kit.vonage_media import HOST, SETTINGS, VONAGE, lacks_key, token_header
from cx_channels.provider import Connection, MediaRequest, MediaSource
from cx_events.timestamps import Micros

_RECORDING = re.compile(HOST + r"/v1/files/[0-9A-Za-z-]{1,64}")


def _request(url: str, connection: Connection, now: Micros) -> MediaRequest | None:
    if _RECORDING.fullmatch(url) is None:
        return None
    return MediaRequest(url, token_header(connection, url, now), VONAGE)


MEDIA = MediaSource(_request, SETTINGS, lacks_key)
