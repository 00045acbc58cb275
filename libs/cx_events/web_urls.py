"""Decide which URLs of files are handed on to people and programs."""

from __future__ import annotations

import re

from cx_events.envelope import Attachment

_WEB = re.compile(r"https?://[^\s/\\][^\s]*", re.IGNORECASE)


def web_url(file: Attachment) -> str:
    """Return where a browser can fetch a file, or "".

    A URL is its sender's word. One of another scheme (``javascript:``, ``file:``) is no place of a provider's, and
    nothing for an agent to click on; the event keeps it.
    """
    return file.url if _WEB.fullmatch(file.url) is not None else ""
