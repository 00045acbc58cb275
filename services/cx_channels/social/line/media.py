"""Ask LINE for a file of a message by the channel's token.

developers.line.biz/en/reference/messaging-api/#get-content. While a video is prepared the answer is 202.

A file of another place (``contentProvider`` external) is its sender's address, and not asked for.
"""

from __future__ import annotations

import re

from cx_channels.kit.authorization import bearer_header
from cx_channels.kit.media import TOKEN, lacks_token, token_of
from cx_channels.provider import MEDIA_SETTING, Connection, MediaRequest, MediaSource
from cx_channels.social.line.messages import CONTENT
from cx_events.timestamps import Micros

_REFERENCE = re.compile(re.escape(CONTENT) + r"[0-9A-Za-z_-]{1,64}/content")


def _request(url: str, connection: Connection, _now: Micros) -> MediaRequest | None:
    return MediaRequest(url, bearer_header(token_of(connection))) if _REFERENCE.fullmatch(url) else None


MEDIA = MediaSource(
    _request, settings=frozenset({MEDIA_SETTING, TOKEN}), lacks=lacks_token("the channel's access token, long-lived")
)
