"""Fetch files of messages from the hosts where Sunshine Conversations keeps them, which ask for no token.

docs.smooch.io/guide/receiving-attachments. Where an account has private attachments switched on, addresses of its own
answer to who is signed in only; those are not fetched.
"""

from __future__ import annotations

import re

from cx_channels.kit.media import public_files

_URL = re.compile(r"https://(?:media(?:\.[a-z]{2})?\.smooch\.io|[a-z0-9-]{1,60}\.zdusercontent\.com)/[!-~]{1,2000}")
MEDIA = public_files(_URL, ".smooch.io", ".zdusercontent.com")
