"""Connect to a hub over HTTP: turn requests and answers of the core into httpx2's."""

from __future__ import annotations

from typing import Any

import httpx2

from cx_client.core.exchanges import Answer, NoAnswer, Request
from cx_client.release import USER_AGENT

SECONDS = 30.0
"""The usual time for a connection, and for each pause of an answer."""


def options(url: str, key: str, timeout: float, more: dict[str, Any]) -> dict[str, Any]:
    """Return arguments for an httpx2 client. Raises ``ValueError`` for a URL or a key that can't be.

    ``more``: further ones (``verify``, ``proxy``, ``transport``). The environment's proxies are not used, and redirects
    not followed, so that a key goes nowhere else.
    """
    if not url.startswith(("http://", "https://")):
        raise ValueError("url: the hub's address begins with http:// or https://")
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ValueError("key: a key is ASCII without blanks")
    headers = {"authorization": f"Bearer {key}", "user-agent": USER_AGENT}
    return {"base_url": url.rstrip("/"), "headers": headers, "timeout": timeout, "trust_env": False, **more}


def arguments(request: Request) -> dict[str, Any]:
    """Return a request's arguments for httpx2."""
    return {
        "method": request.method,
        "url": request.path,
        "params": list(request.query) or None,
        "headers": dict(request.headers),
        "content": request.content,
    }


def head_of(response: httpx2.Response, content: bytes = b"") -> Answer:
    """Return an answer without its body, or with ``content`` as its body."""
    return Answer(response.status_code, {name.lower(): value for name, value in response.headers.items()}, content)


def no_answer(error: Exception, url: str) -> NoAnswer:
    """Return a failure of the network in words."""
    return NoAnswer(f"no answer from {url}: {error or type(error).__name__} ({type(error).__name__})")
