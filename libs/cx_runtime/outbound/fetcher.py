"""Fetch a small document by ``https://``, within bounds: a vendor's published keys, for one.

Redirects are not followed, proxies of the environment not used, cookies not kept, answers not decompressed. The name in
the URL is the one that the certificate must have, and it is resolved once (``connections``).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from urllib.parse import urlsplit

import httpcore2

from cx_runtime.outbound.connections import CheckedConnections, NotReachable
from cx_runtime.outbound.reach import Reach
from cx_runtime.outbound.sender import Bounds

DOCUMENT = Bounds(connect=5.0, whole=10.0, answer=256 << 10, connections=8)
"""Of one document. Keys of the largest vendors have some 20 KB."""

_WANTED = "application/activity+json, application/json, */*;q=0.1"
"""An actor's address shows a page to who does not ask for its document (ActivityPub, section 3.2)."""


class NotFetched(Exception):
    """No document came. ``reason``: a countable slug (``status-404``, ``redirect``, ``too-large``, ``no-answer``,
    ``no-connection``, ``private-address``); the text is a sentence without anything that the host wrote.
    ``retry_after``: seconds that the host asked for."""

    def __init__(self, reason: str, detail: str, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.retry_after = retry_after


@contextmanager
def not_fetched(bounds: Bounds) -> Iterator[None]:
    """Raise ``NotFetched`` for whatever a network or a host can do within the block."""
    try:
        yield
    except (TimeoutError, httpcore2.TimeoutException):
        raise NotFetched("no-answer", f"no whole answer within {bounds.whole:g} s") from None
    except NotReachable:
        raise NotFetched("private-address", "the host has no address that may be reached") from None
    except (httpcore2.ConnectError, ssl.SSLError) as error:
        raise NotFetched("no-connection", f"no connection: {str(error)[:200]}") from None
    except (httpcore2.NetworkError, httpcore2.ProtocolError, OSError) as error:
        raise NotFetched("no-answer", f"no whole answer: {type(error).__name__}") from None


class Fetcher:
    """Gets documents. Made by ``open_fetcher``."""

    def __init__(self, pool: httpcore2.AsyncConnectionPool, bounds: Bounds) -> None:
        self._pool = pool
        self._bounds = bounds

    async def get(self, url: str) -> bytes:
        """Return the document at a URL. Raise ``NotFetched``, or ValueError for a URL that is not ``https://``."""
        if urlsplit(url).scheme != "https":
            raise ValueError("documents are fetched by https:// alone")
        with not_fetched(self._bounds):
            async with asyncio.timeout(self._bounds.whole):
                return await self._exchange(url)

    async def _exchange(self, url: str) -> bytes:
        times = {"connect": self._bounds.connect, "pool": self._bounds.whole}
        headers = [("user-agent", "throughline"), ("accept-encoding", "identity"), ("accept", _WANTED)]
        async with self._pool.stream("GET", url, headers=headers, extensions={"timeout": times}) as response:
            if response.status != 200:
                reason = "redirect" if 300 <= response.status < 400 else f"status-{response.status}"
                raise NotFetched(reason, f"the host answered {response.status}")
            return await read_whole(response, self._bounds, "document")


async def read_whole(response: httpcore2.Response, bounds: Bounds, what: str) -> bytes:
    """Return an answer's content. Raise ``NotFetched("too-large")`` above the bounds. ``what``: the word for it."""
    content = bytearray()
    async for chunk in response.aiter_stream():
        content += chunk
        if len(content) > bounds.answer:
            raise NotFetched("too-large", f"the {what} has more than {bounds.answer} bytes")
    return bytes(content)


@asynccontextmanager
async def open_fetcher(
    reach: Reach, bounds: Bounds = DOCUMENT, trust: ssl.SSLContext | None = None
) -> AsyncIterator[Fetcher]:
    """Open a fetcher. ``trust``: whose certificates are believed; the system's, or ``SSL_CERT_FILE``'s, without it."""
    async with open_pool(reach, bounds, trust, "keys") as pool:
        yield Fetcher(pool, bounds)


@asynccontextmanager
async def open_pool(
    reach: Reach,
    bounds: Bounds,
    trust: ssl.SSLContext | None,
    name: str,
    backend: httpcore2.AsyncNetworkBackend | None = None,
) -> AsyncIterator[httpcore2.AsyncConnectionPool]:
    """Open the connections of a fetcher. ``name``: of the threads that resolve names. ``backend``: what connects, where
    another than ``CheckedConnections`` is to."""
    resolvers = ThreadPoolExecutor(max_workers=2, thread_name_prefix=f"resolve-{name}")
    try:
        async with httpcore2.AsyncConnectionPool(
            ssl_context=trust,
            max_connections=bounds.connections,
            keepalive_expiry=1.0,
            network_backend=backend or CheckedConnections(reach.reaches, resolvers),
        ) as pool:
            yield pool
    finally:
        resolvers.shutdown(wait=False, cancel_futures=True)
