"""Ask Meta for a file of a WhatsApp message: first by its id where it is, then there, each by the access token.

developers.facebook.com/docs/whatsapp/cloud-api/reference/media. An id of a webhook is good for 7 days, the address that
it is exchanged for 5 minutes.
"""

from __future__ import annotations

import re

from cx_channels.kit.authorization import bearer_header
from cx_channels.kit.media import TOKEN, lacks_token, named_in, token_of
from cx_channels.kit.whatsapp.content import GRAPH
from cx_channels.provider import MEDIA_SETTING, Connection, MediaRequest, MediaSource
from cx_events.timestamps import Micros

_REFERENCE = re.compile(re.escape(GRAPH) + r"[0-9]{1,40}")
_FILE = "https://lookaside.fbsbx.com/"


def _request(url: str, connection: Connection, _now: Micros) -> MediaRequest | None:
    if _REFERENCE.fullmatch(url) is None:
        return None
    headers = bearer_header(token_of(connection))

    def then(content: bytes) -> MediaRequest:
        found = named_in(content, "url")
        if not found.startswith(_FILE):
            raise ValueError("url is no address of Meta's")
        return MediaRequest(found, headers)

    return MediaRequest(url, headers, then=then)


MEDIA = MediaSource(
    _request,
    settings=frozenset({MEDIA_SETTING, TOKEN}),
    lacks=lacks_token("an access token of the business with whatsapp_business_messaging"),
)
