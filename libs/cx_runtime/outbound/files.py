"""Fetch a file by ``https://`` with credentials, within bounds: what a vendor keeps of a message.

Redirects lead to hosts that the caller allows and nowhere else, and credentials go to the first host alone. Proxies of
the environment are not used, cookies not kept, answers not decompressed. A name is resolved once, and private addresses
are refused (``connections``).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple
from urllib.parse import urlencode, urljoin, urlsplit

import httpcore2

from cx_runtime.outbound.fetcher import NotFetched, not_fetched, open_pool, read_whole
from cx_runtime.outbound.reach import Reach
from cx_runtime.outbound.sender import Bounds

FILE = Bounds(connect=10.0, whole=120.0, answer=40 << 20, connections=8)
"""Of one file. 40 MB is the largest mail that Amazon SES takes; messengers' videos have 16 to 64."""

MOST_REDIRECTS = 4
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_PAUSE = 86_400.0

LeadsTo = Callable[[str], bool]
"""Returns whether a redirect may lead to a host, whose name is in lower case."""


class File(NamedTuple):
    """A file as it came. ``content_type``: the media type alone, in lower case; "" where the host states none."""

    content: bytes
    content_type: str


class FileFetcher:
    """Gets files. Made by ``open_files``."""

    def __init__(self, pool: httpcore2.AsyncConnectionPool, bounds: Bounds) -> None:
        self._pool = pool
        self._bounds = bounds

    async def get(self, url: str, headers: Mapping[str, str], leads_to: LeadsTo) -> File:
        """Return the file at a URL. ``headers``: sent to the URL's own host only.

        Raise ``NotFetched``, whose reason is ``redirect`` for one that leads elsewhere. The URL may hold secrets and is
        told nowhere.
        """
        first = _host_of(url)
        with not_fetched(self._bounds):
            async with asyncio.timeout(self._bounds.whole):
                for _ in range(MOST_REDIRECTS + 1):
                    host = _host_of(url)
                    found = await self._exchange(url, headers if host == first else {})
                    if isinstance(found, File):
                        return found
                    url = _joined(url, found)
                    if _host_of(url) != first and not leads_to(_host_of(url)):
                        raise NotFetched("redirect", f"the host sends on to {_host_of(url)[:100]!a}, which is not its")
        raise NotFetched("redirect", f"the host sends on more than {MOST_REDIRECTS} times")

    async def post(self, url: str, form: Mapping[str, str]) -> File:
        """Return the answer to a form: an access token, for one. Raise ``NotFetched``; no redirect is followed."""
        _host_of(url)
        kind = {"content-type": "application/x-www-form-urlencoded"}
        with not_fetched(self._bounds):
            async with asyncio.timeout(self._bounds.whole):
                found = await self._exchange(url, kind, urlencode(form).encode())
        if isinstance(found, File):
            return found
        raise NotFetched("redirect", "the host sends on what was posted to it")

    async def _exchange(self, url: str, headers: Mapping[str, str], form: bytes | None = None) -> File | str:
        """Return the file, or where the host sends on. ``form``: what is posted; a file is asked for without it."""
        times = {"connect": self._bounds.connect, "pool": self._bounds.whole}
        sent = {"user-agent": "throughline", "accept-encoding": "identity", "accept": "*/*", **headers}
        method, told = "GET" if form is None else "POST", list(sent.items())
        async with self._pool.stream(
            method, url, headers=told, content=form, extensions={"timeout": times}
        ) as response:
            named = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
            if response.status in _REDIRECTS and "location" in named:
                return named["location"]
            if response.status != 200:
                pause = named.get("retry-after", "").strip()
                asked = min(float(pause[:9]), _MOST_PAUSE) if pause.isascii() and pause.isdigit() else None
                raise NotFetched(f"status-{response.status}", f"the host answered {response.status}", asked)
            content = await read_whole(response, self._bounds, "file")
            return File(content, named.get("content-type", "").partition(";")[0].strip().lower())


def _joined(url: str, location: str) -> str:
    """Return where a host sends on. Raise ``NotFetched`` for what is no URL, such as ``//[``."""
    try:
        return urljoin(url, location)
    except ValueError:
        raise NotFetched("redirect", "the host sends on to what is no URL") from None


def _host_of(url: str) -> str:
    """Return the host of a URL that may be asked: ``https://`` on its own port, without a name or password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise NotFetched("redirect", "the host sends on to what is no URL") from None
    if parts.scheme != "https" or not parts.hostname or port not in (None, 443) or "@" in parts.netloc:
        raise NotFetched("redirect", "files are fetched by https:// alone, on its own port")
    if not url.isascii() or any(sign <= " " or sign == "\x7f" for sign in url):
        raise NotFetched("redirect", "the host sends on to what is no URL")
    return parts.hostname.lower()


@asynccontextmanager
async def open_files(
    reach: Reach,
    bounds: Bounds = FILE,
    trust: ssl.SSLContext | None = None,
    backend: httpcore2.AsyncNetworkBackend | None = None,
) -> AsyncIterator[FileFetcher]:
    """Open a fetcher of files. ``trust``: whose certificates are believed; the system's, or ``SSL_CERT_FILE``'s,
    without it. ``backend``: what connects, where another than ``CheckedConnections`` is to."""
    async with open_pool(reach, bounds, trust, "media", backend) as pool:
        yield FileFetcher(pool, bounds)
