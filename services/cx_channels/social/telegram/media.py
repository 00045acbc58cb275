"""Ask Telegram for a file: first by its id where it is, then there (core.telegram.org/bots/api#getfile).

Both addresses hold the bot's token. Files of more than 20 MB are not given.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from cx_channels.kit.media import TOKEN, lacks_token, named_in, token_of
from cx_channels.provider import MEDIA_SETTING, Connection, MediaRequest, MediaSource
from cx_channels.social.telegram.content import SCHEME
from cx_events.timestamps import Micros

_REFERENCE = re.compile(re.escape(SCHEME) + r"([A-Za-z0-9_-]{1,300})")
_PATH = re.compile(r"(?!.*\.\.)[A-Za-z0-9_./-]{1,300}")
_HOST = "https://api.telegram.org"


def _request(url: str, connection: Connection, _now: Micros) -> MediaRequest | None:
    match = _REFERENCE.fullmatch(url)
    if match is None:
        return None
    token = quote(token_of(connection), safe=":-_")

    def then(content: bytes) -> MediaRequest:
        path = named_in(content, "result", "file_path")
        if _PATH.fullmatch(path) is None:
            raise ValueError("result.file_path is no path")
        return MediaRequest(f"{_HOST}/file/bot{token}/{path}")

    return MediaRequest(f"{_HOST}/bot{token}/getFile?file_id={match[1]}", then=then)


MEDIA = MediaSource(_request, settings=frozenset({MEDIA_SETTING, TOKEN}), lacks=lacks_token("the bot's token"))
