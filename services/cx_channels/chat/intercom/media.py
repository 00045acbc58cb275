"""Fetch files of conversations from Intercom's own hosts; an address is signed, and good for some time.

developers.intercom.com/docs/references/rest-api/api.intercom.io/conversations (``attachments``).
"""

from __future__ import annotations

import re

from cx_channels.kit.media import public_files

_URL = re.compile(
    r"https://[a-z0-9-]{1,40}\.(?:[a-z0-9-]{1,20}\.)?(?:intercomcdn\.com|intercomcdn\.eu|intercom-attachments\.com)/"
    r"[!-~]{1,2000}"
)
MEDIA = public_files(_URL, ".intercomcdn.com", ".intercomcdn.eu", ".intercom-attachments.com")
