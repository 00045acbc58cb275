"""Ask a vendor's HTTP API: bounded in time and bytes, without redirects, proxies or cookies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2
import msgspec

from cx_events.errors import TryLater
from cx_events.strict_json import mend_surrogates

SECONDS = 15.0
MOST_BYTES = 16 << 20
USER_AGENT = "throughline"


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer. ``value``: its JSON, None for what is none; ``content``: as it came; header names in lower case."""

    status: int
    value: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = field(default=b"", repr=False)

    def pause(self, now: float) -> int:
        """Return the seconds that ``Retry-After`` asks for (RFC 9110, section 10.2.3), 1 without. ``now``: s since
        1970."""
        written = self.headers.get("retry-after", "").strip()
        if written.isascii() and written.isdigit():
            return max(int(written[:9]), 1)
        try:
            return max(int(parsedate_to_datetime(written).timestamp() - now), 1)
        except (ValueError, OverflowError, TypeError):
            return 1


class Asker:
    """Made by ``open_asker``; keeps its connection between requests."""

    def __init__(self, client: httpx2.AsyncClient, most: int) -> None:
        self._client = client
        self._most = most

    async def ask(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Answered:
        """Return the whole answer, whatever its status. Raise ``TryLater`` where none came. ``content``: a body as it
        is, in place of a ``form``.

        Errors name neither the URL nor what was sent: both may hold secrets.
        """
        found = bytearray()
        try:
            async with self._client.stream(
                method, url, params=query, headers=headers, data=form, content=content
            ) as response:
                async for chunk in response.aiter_bytes():
                    found += chunk
                    if len(found) > self._most:
                        raise TryLater("too-large", f"the vendor's answer has more than {self._most} bytes")
        except httpx2.TimeoutException as error:
            raise TryLater("no-answer", f"the vendor did not answer in time: {type(error).__name__}") from None
        except httpx2.ConnectError as error:
            raise TryLater("no-connection", f"no connection to the vendor: {str(error)[:200]}") from None
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            raise TryLater("no-answer", f"no whole answer of the vendor: {type(error).__name__}") from None
        named = {name.lower(): value for name, value in response.headers.items()}
        content = bytes(found)
        return Answered(response.status_code, _read(content), named, content)


@asynccontextmanager
async def open_asker(
    user_agent: str = USER_AGENT, seconds: float = SECONDS, most: int = MOST_BYTES
) -> AsyncIterator[Asker]:
    """Open an asker. ``seconds``: without a byte; ``most``: bytes of an answer."""
    headers = {"user-agent": user_agent, "accept": "application/json"}
    limits = httpx2.Limits(max_connections=1, max_keepalive_connections=1)
    async with httpx2.AsyncClient(
        timeout=seconds, trust_env=False, follow_redirects=False, headers=headers, limits=limits
    ) as client:
        yield Asker(client, most)


def _read(content: bytes) -> Any:
    try:
        return msgspec.json.decode(mend_surrogates(content))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
