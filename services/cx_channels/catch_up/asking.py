"""Ask a vendor's API for pages of lists: wait as long as it asks for, and try again what failed on the way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from cx_channels.aws_login.keys import AwsKeys
from cx_channels.kit.aws.identity import AwsLogin
from cx_channels.kit.aws.signing import AwsKey
from cx_channels.kit.json_values import first, obj, text
from cx_channels.kit.listed import Asked
from cx_channels.kit.safe_xml import read_xml
from cx_channels.pollers.asking import Answered, Asker
from cx_events.errors import Refused, TryLater
from cx_events.timestamps import Micros

T = TypeVar("T")

MOST_TRIES = 5
"""Of one request. A list that was begun goes on, instead of from its first page."""
LONGEST_WAIT = 120
"""Seconds that are waited for within a list; for more, the list is begun anew then."""

Sleep = Callable[[float], Awaitable[None]]


class PatientGet:
    """A ``listing.Get``. ``sleep``: s; ``aws``: keys of AWS."""

    def __init__(self, asker: Asker, sleep: Sleep = asyncio.sleep, aws: AwsKeys | None = None) -> None:
        self._asker = asker
        self._sleep = sleep
        self._aws = aws or AwsKeys()

    async def __call__(
        self, url: str, *, query: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        """Return the JSON of an answer. Raise ``Refused`` where the vendor won't have us or the question, ``TryLater``
        where it has no answer after several tries."""

        async def once() -> Any:
            answered = await self._asker.ask("GET", url, query=query, headers=headers)
            if answered.status == 200 and answered.value is not None:
                return answered.value
            raise error_of(answered, time.time())

        return await self._patiently(once)

    async def content(self, login: AwsLogin, ask: Callable[[AwsKey, Micros], Asked]) -> bytes | None:
        """Return AWS's answer as it came, None where nothing is there (404). Raise as ``__call__``."""

        async def once() -> bytes | None:
            asked = ask(await self._aws.key(login), time.time_ns() // 1000)
            answered = await self._asker.ask("GET", asked.url, headers=asked.headers)
            if answered.status in (200, 206):
                return answered.content
            if answered.status == 404:
                return None
            raise error_of(answered, time.time())

        return await self._patiently(once)

    async def _patiently(self, once: Callable[[], Awaitable[T]]) -> T:
        for tried in range(1, MOST_TRIES + 1):
            try:
                return await once()
            except TryLater as later:
                wait = later.retry_after if later.part == "rate-limited" else max(later.retry_after, 2 ** (tried - 1))
                if tried == MOST_TRIES or wait > LONGEST_WAIT or later.part == "too-large":
                    raise
                await self._sleep(wait)
        raise AssertionError("the last try returns or raises")


def error_of(answered: Answered, now: float) -> Refused | TryLater:
    """Return the error that an answer is, with the vendor's own words. ``now``: s since 1970."""
    told = f"the vendor answers {answered.status}: {' '.join(_words(answered).split())[:300] or 'without a word'}"
    if answered.status == 429:
        return TryLater("rate-limited", told, answered.pause(now))
    if answered.status in (401, 403):
        return Refused("login-refused", told)
    if 300 <= answered.status < 500 and answered.status not in (408, 425):
        return Refused("request-refused", told)
    return TryLater("vendor", told if answered.status != 200 else "the vendor's answer is no JSON", answered.pause(now))


def _words(answered: Answered) -> str:
    """Return what an error says of itself, in JSON or, as S3's, in XML."""
    given = obj(answered.value)
    if given or not answered.content.lstrip().startswith(b"<"):
        return first(text(given.get("message")), text(given.get("error")), text(given.get("description")))
    try:
        root = read_xml(answered.content)
    except Refused:
        return ""
    return f"{root.words('Code')} {root.words('Message')}"
