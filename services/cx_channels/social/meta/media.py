"""Fetch files of Messenger and Instagram, whose addresses are good for some time and need no token.

WhatsApp's are fetched, too, where the connection has a token
(developers.facebook.com/docs/messenger-platform/reference/webhook-events/messages).
"""

from __future__ import annotations

import re

from cx_channels.kit.media import TOKEN, public_files, token_of
from cx_channels.kit.whatsapp import media as whatsapp
from cx_channels.provider import MEDIA_SETTING, Connection, MediaRequest, MediaSource
from cx_events.timestamps import Micros

_URL = re.compile(r"https://(?:lookaside\.fbsbx\.com|[a-z0-9.-]{1,80}\.(?:fbcdn\.net|cdninstagram\.com))/[!-~]{1,2000}")
_PUBLIC = public_files(
    _URL,
    ".fbcdn.net", ".cdninstagram.com", ".fbsbx.com",
)  # fmt: skip


def _request(url: str, connection: Connection, now: Micros) -> MediaRequest | None:
    found = whatsapp.MEDIA.request(url, connection, now) if token_of(connection) else None
    return found or _PUBLIC.request(url, connection, now)


MEDIA = MediaSource(_request, settings=frozenset({MEDIA_SETTING, TOKEN}))
