"""Ask Mailgun for files of a stored message, by the API's key (documentation.mailgun.com/docs/mailgun/user-manual/
receive-forward-store/storing-and-retrieving-messages). It keeps them for three days.
"""

from __future__ import annotations

import re

from cx_channels.kit.authorization import basic_header
from cx_channels.kit.media import TOKEN, lacks_token, token_of
from cx_channels.provider import MEDIA_SETTING, Connection, MediaRequest, MediaSource
from cx_events.timestamps import Micros

_REFERENCE = re.compile(
    r"https://(?:[a-z0-9-]{1,40}\.)?api\.(?:eu\.)?mailgun\.net/v[23]/domains/[!-~]{1,400}/attachments/[0-9]{1,4}"
)


def _request(url: str, connection: Connection, _now: Micros) -> MediaRequest | None:
    return MediaRequest(url, basic_header("api", token_of(connection))) if _REFERENCE.fullmatch(url) else None


MEDIA = MediaSource(
    _request, settings=frozenset({MEDIA_SETTING, TOKEN}), lacks=lacks_token("an API key of the account")
)
