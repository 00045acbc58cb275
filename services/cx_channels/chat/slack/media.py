"""Ask Slack for a file by the app's token (docs.slack.dev/reference/objects/file-object).

Without the scope ``files:read`` Slack answers 200 and the page of its login.
"""

from __future__ import annotations

import re

from cx_channels.kit.authorization import bearer_header
from cx_channels.kit.media import TOKEN, lacks_token, named_in, token_of, within
from cx_channels.provider import MEDIA_SETTING, Connection, MediaRequest, MediaSource
from cx_events.timestamps import Micros

_FILE = re.compile(r"https://files\.slack\.com/files-(?:pri|tmb)/[!-~]{1,1000}")
_ABOUT = re.compile(r"https://slack\.com/api/files\.info\?file=F[A-Z0-9]{1,40}")
_SLACK = within(".slack.com")


def _request(url: str, connection: Connection, _now: Micros) -> MediaRequest | None:
    headers = bearer_header(token_of(connection))
    if _FILE.fullmatch(url):
        return MediaRequest(url, headers, _SLACK, no_page=True)

    def then(content: bytes) -> MediaRequest:
        found = named_in(content, "file", "url_private_download")
        if _FILE.fullmatch(found) is None:
            raise ValueError("file.url_private_download is no address of Slack's")
        return MediaRequest(found, headers, _SLACK, no_page=True)

    return MediaRequest(url, headers, then=then) if _ABOUT.fullmatch(url) else None


MEDIA = MediaSource(
    _request, settings=frozenset({MEDIA_SETTING, TOKEN}), lacks=lacks_token("the bot's token, xoxb-, with files:read")
)
