"""Ask an account's server: its API over HTTPS, and its stream of server-sent events, both bounded.

docs.joinmastodon.org/methods/streaming, .../api/rate-limits. Redirects are not followed, proxies of the environment not
used: the access token goes to the server that is configured, and to the host that this one names for streams.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx2
import msgspec

from cx_channels.kit.authorization import bearer_header
from cx_channels.kit.json_values import number, obj, text
from cx_channels.pollers.tls import client_tls
from cx_channels.social.mastodon.settings import ServerSettings
from cx_events.errors import Refused, TryLater
from cx_events.strict_json import mend_surrogates

READ_SECONDS = 60.0
"""Within which something must have come; a stream says ``:thump`` every 15 s."""
_TIMES = httpx2.Timeout(READ_SECONDS, connect=15.0)
_MOST_ANSWER = 16 << 20
_MOST_EVENT = 4 << 20
"""Bytes of an answer and of one event: a status holds 500 characters, on some servers much more."""


class StreamEvent(NamedTuple):
    """An event of the stream, its data as text."""

    name: str
    data: str


class Api:
    """The API of one account. ``token``: its access token."""

    def __init__(self, client: httpx2.AsyncClient, server: str, token: str) -> None:
        self._client = client
        self._server = server
        self._headers = {**bearer_header(token), "accept-encoding": "identity"}

    async def get(self, path: str, **query: str) -> Any:
        """Return an answer's JSON; None where there is nothing (404, 410). Raise ``Refused`` where the token is refused
        or lacks a scope, else ``TryLater`` or ``OSError``."""
        try:
            async with self._client.stream(
                "GET", f"{self._server}{path}", params=query, headers=self._headers
            ) as response:
                if response.status_code in (404, 410):
                    return None
                await _check(response, path)
                content = bytearray()
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > _MOST_ANSWER:
                        raise TryLater("server", f"{path} answers more than {_MOST_ANSWER} bytes")
                return msgspec.json.decode(mend_surrogates(bytes(content)))
        except httpx2.HTTPError as error:
            raise _unreachable(error) from None
        except msgspec.MsgspecError:
            raise TryLater("server", f"{path} answers what is no JSON") from None

    async def streaming_server(self) -> str:
        """Return where the stream is, which may be another host: ``configuration.urls.streaming`` (wss://)."""
        instance = obj(await self.get("/api/v2/instance"))
        told = text(obj(obj(instance.get("configuration")).get("urls")).get("streaming")).rstrip("/")
        return f"https://{told.removeprefix('wss://')}" if told.startswith("wss://") else self._server

    @asynccontextmanager
    async def stream(self, server: str) -> AsyncIterator[AsyncIterator[StreamEvent | None] | None]:
        """Open the account's stream, and yield its events; None for a sign of life. None itself where the server has no
        stream (404)."""
        headers = {**self._headers, "accept": "text/event-stream"}
        try:
            async with self._client.stream("GET", f"{server}/api/v1/streaming/user", headers=headers) as response:
                if response.status_code == 404:
                    yield None
                    return
                await _check(response, "/api/v1/streaming/user")
                yield _events(response)
        except httpx2.HTTPError as error:
            raise _unreachable(error) from None


async def _events(response: httpx2.Response) -> AsyncIterator[StreamEvent | None]:
    """Read server-sent events (html.spec.whatwg.org, "Interpreting an event stream"). One that breaks off is none."""
    pending, name, data = b"", "", list[str]()
    async for chunk in response.aiter_bytes():
        *lines, pending = (pending + chunk).split(b"\n")
        for raw in lines:
            line = raw.rstrip(b"\r").decode("utf-8", "replace")
            if line.startswith("event:"):
                name = line[6:].strip()
            elif line.startswith("data:"):
                data.append(line[5:].removeprefix(" "))
            elif not line and (name or data):
                yield StreamEvent(name, "\n".join(data))
                name, data = "", []
        if len(pending) + sum(map(len, data)) > _MOST_EVENT:
            raise TryLater("server", f"an event of the stream has more than {_MOST_EVENT} bytes")
        yield None
    raise EOFError("the server ended the stream")


async def _check(response: httpx2.Response, path: str) -> None:
    status = response.status_code
    if status == 200:
        return
    if status in (401, 403):
        why = (await response.aread())[:300].decode("utf-8", "replace") if _is_short(response) else ""
        raise Refused("login-refused", f"{path} answers {status}, the access token or its scopes: {why}")
    pause = number(response.headers.get("retry-after")) if status == 429 else None
    raise TryLater("server", f"{path} answers {status}", int(pause) if pause is not None and pause > 0 else 1)


def _is_short(response: httpx2.Response) -> bool:
    size = number(response.headers.get("content-length"))
    return size is not None and size < 10_000


def _unreachable(error: httpx2.HTTPError) -> Exception:
    if isinstance(error, httpx2.TimeoutException):
        return TimeoutError("the server did not answer in time")
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return Refused("bad-certificate", "the server's certificate is not one to believe: see settings.ca_file")
    return ConnectionError(f"no whole answer: {type(error).__name__}: {str(error)[:200]}")


@asynccontextmanager
async def connected(settings: ServerSettings) -> AsyncIterator[httpx2.AsyncClient]:
    """Open a client of a server. Raise ``Fatal`` for a file of certificates without any."""
    tls = client_tls(settings.ca_file)
    async with httpx2.AsyncClient(verify=tls, timeout=_TIMES, trust_env=False, follow_redirects=False) as client:
        yield client
