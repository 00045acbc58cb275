"""Check the origins of a tenant's pages, as browsers write them."""

from __future__ import annotations

import re

_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?", re.IGNORECASE)
_LEFT_OUT = {("http", "80"), ("https", "443")}
"""Ports that a browser leaves out (https://html.spec.whatwg.org/#ascii-serialisation-of-an-origin)."""


def check_origin(text: str) -> str:
    """Return an origin. Raises ``ValueError`` for what no browser would send, since it would never match."""
    if "*" in text:
        raise ValueError(f"{text[:64]!r}: list each origin; there are no wildcards")
    match = _ORIGIN.match(text)
    if match is None or text[match.end() : match.end() + 1] not in ("", "/"):
        raise ValueError(f"{text[:64]!r} is no origin like https://desk.example.com")
    if match.end() != len(text):
        raise ValueError(f"{text[:64]!r}: write an origin without a path: {text[: match.end()]}")
    if text != text.lower():
        raise ValueError(f"{text[:64]!r}: write it in lower case")
    if (match[1], match[3]) in _LEFT_OUT:
        raise ValueError(f"{text[:64]!r}: leave out :{match[3]}, as browsers do")
    return text
