"""Check by its form alone whether a URL may be posted to."""

from __future__ import annotations

from urllib.parse import urlsplit


def check_url(url: str) -> str:
    """Return a URL that may be posted to. Raises ValueError with what is wrong; the URL itself is not told."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("the URL can't be read") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("expected https:// and a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a name or password in a URL ends up in logs; requests are signed instead")
    if parts.fragment or port == 0 or not url.isascii() or any(sign <= " " or sign == "\x7f" for sign in url):
        raise ValueError("a URL is ASCII, without blanks and without a fragment")
    return url
