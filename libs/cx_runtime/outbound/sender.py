"""Post a body to a URL, within bounds, and say what came of it.

Redirects are not followed, proxies of the environment not used, cookies not kept, answers not decompressed and not read
beyond a few KB. Plain ``http://`` goes only to networks that the operator allows.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import urlsplit

import httpcore2

from cx_runtime.outbound.connections import CheckedConnections, NotReachable
from cx_runtime.outbound.outcomes import Delivered, Gone, Later, Outcome
from cx_runtime.outbound.reach import Reach
from cx_runtime.outbound.signatures import Signatures
from cx_runtime.outbound.urls import check_url

_GONE = 410
_KEPT_OPEN = 4.0
"""Seconds that a connection is kept: many servers close theirs after five, and a request may meet that."""


class Bounds(NamedTuple):
    """Seconds to connect (with name and TLS), seconds for all of a request, bytes read of an answer, connections."""

    connect: float = 5.0
    whole: float = 15.0
    answer: int = 4096
    connections: int = 64


class Sender:
    """Posts. Made by ``open_sender``. ``clock``: seconds since 1970."""

    def __init__(
        self,
        secure: httpcore2.AsyncConnectionPool,
        plain: httpcore2.AsyncConnectionPool,
        bounds: Bounds,
        clock: Callable[[], float],
    ) -> None:
        self._secure = secure
        self._plain = plain
        self._bounds = bounds
        self._clock = clock

    async def post(
        self,
        url: str,
        body: bytes,
        message: str,
        signatures: Signatures,
        content_type: str = "application/cloudevents+json",
        headers: Mapping[str, str] = {},
    ) -> Outcome:
        """Post one message. ``message``: its id, the same at each attempt. Raises ValueError for a URL that
        ``check_url`` refuses; all that a receiver or a network can do is an ``Outcome``."""
        pool = self._secure if urlsplit(check_url(url)).scheme == "https" else self._plain
        sent = {
            "content-type": content_type,
            "user-agent": "throughline",
            **headers,
            **signatures.headers(message, body, self._clock()),
        }
        answered: list[httpcore2.Response] = []
        try:
            async with asyncio.timeout(self._bounds.whole):
                await self._exchange(pool, url, body, sent, answered)
        except (TimeoutError, httpcore2.TimeoutException):
            if not answered:
                return Later("no-answer", f"no answer within {self._bounds.whole:g} s")
        except NotReachable:
            return Later("private-address", _PRIVATE)
        except (httpcore2.ConnectError, ssl.SSLError) as error:
            return Later("no-connection", f"no connection: {_brief(error)}")
        except (httpcore2.NetworkError, httpcore2.ProtocolError, OSError) as error:
            if not answered:
                return Later("no-answer", f"no whole answer: {_brief(error)}")
        return self._judged(answered[0])

    async def _exchange(
        self,
        pool: httpcore2.AsyncConnectionPool,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        answered: list[httpcore2.Response],
    ) -> None:
        """Put the answer into ``answered`` as soon as its head is there: what follows it changes nothing, but is read
        while it is short, so that the connection can serve again."""
        times = {"connect": self._bounds.connect, "pool": self._bounds.whole}
        async with pool.stream(
            "POST", url, headers=list(headers.items()), content=body, extensions={"timeout": times}
        ) as response:
            answered.append(response)
            read = 0
            async for chunk in response.aiter_stream():
                read += len(chunk)
                if read > self._bounds.answer:
                    return

    def _judged(self, response: httpcore2.Response) -> Outcome:
        status = response.status
        if 200 <= status < 300:
            return Delivered(status)
        if status == _GONE:
            return Gone(status, "the receiver answered 410: it wants nothing more")
        if 300 <= status < 400:
            return Later("redirect", f"the receiver answered {status}; redirects are not followed", status)
        asked = next((value for name, value in response.headers if name.lower() == b"retry-after"), b"")
        return Later(f"status-{status}", f"the receiver answered {status}", status, _seconds(asked, self._clock()))


_PRIVATE = (
    "the host has no address that may be reached: private networks, and http:// anywhere, only if CX_OUTBOUND_NETWORKS"
    " lists them"
)


def _brief(error: BaseException) -> str:
    return (str(error) or type(error).__name__)[:200]


def _seconds(value: bytes, now: float) -> float | None:
    """Read ``Retry-After``: seconds or a date (RFC 9110 section 10.2.3). None for what is neither."""
    text = value.decode("latin-1").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(parsedate_to_datetime(text).timestamp() - now, 0.0)
    except (ValueError, OverflowError, TypeError):
        return None


@asynccontextmanager
async def open_sender(
    reach: Reach,
    bounds: Bounds = Bounds(),
    trust: ssl.SSLContext | None = None,
    clock: Callable[[], float] = time.time,
) -> AsyncIterator[Sender]:
    """Open a sender. ``trust``: whose certificates are believed; the system's, or ``SSL_CERT_FILE``'s, without it."""
    resolvers = ThreadPoolExecutor(max_workers=4, thread_name_prefix="resolve")

    def pool(reaches: Callable[[str], bool]) -> httpcore2.AsyncConnectionPool:
        return httpcore2.AsyncConnectionPool(
            ssl_context=trust,
            max_connections=bounds.connections,
            keepalive_expiry=_KEPT_OPEN,
            network_backend=CheckedConnections(reaches, resolvers),
        )

    async with AsyncExitStack() as stack:
        stack.callback(resolvers.shutdown, wait=False, cancel_futures=True)
        secure = await stack.enter_async_context(pool(reach.reaches))
        plain = await stack.enter_async_context(pool(reach.allows))
        yield Sender(secure, plain, bounds, clock)
