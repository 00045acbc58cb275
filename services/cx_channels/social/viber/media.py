"""Fetch files of messages from Viber's own host; an address is good for an hour or so, and needs no token.

developers.viber.com/docs/api/rest-bot-api/#receive-message-from-user. The link of a message of the type ``url`` is what
somebody typed, and no file.
"""

from __future__ import annotations

import re

from cx_channels.kit.media import public_files

_URL = re.compile(r"https://(?:dl-media|dl|media)\.viber\.com/[!-~]{1,2000}")
MEDIA = public_files(_URL, ".viber.com")
