"""Fetch one file: ask as its provider says, at most thrice, and check what came."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import NamedTuple, Protocol

from cx_channels.aws_login.keys import AwsKeys
from cx_channels.kit.authorization import bearer_header
from cx_channels.kit.json_values import number, read_object
from cx_channels.kit.media import named_in
from cx_channels.media.references import Reference
from cx_channels.provider import Connection, MediaRequest, MediaSource, SignedBy, TokenForm
from cx_events.errors import Refused, TryLater
from cx_events.timestamps import Micros
from cx_runtime.outbound.fetcher import NotFetched
from cx_runtime.outbound.files import File

MOST_STEPS = 3
"""Requests for one file: where it is, and the file."""

FINAL = frozenset({"not-the-vendors", "private-address", "redirect", "too-large", "status-410", "no-original"})
"""Reasons for which asking again would change nothing."""

EARLY_SECONDS = 60.0
"""Before its end a token is asked for anew, since a file may take a while to begin."""


class Files(Protocol):
    """A source of files, as ``cx_runtime.outbound.files.FileFetcher``."""

    async def get(self, url: str, headers: Mapping[str, str], leads_to: Callable[[str], bool]) -> File: ...

    async def post(self, url: str, form: Mapping[str, str]) -> File: ...


class _Token(NamedTuple):
    """``until``: on the clock of ``Fetching``."""

    value: str
    until: float


class Fetching:
    """Fetches files, and keeps access tokens while they hold. ``clock``: seconds; ``aws``: keys of AWS."""

    def __init__(self, files: Files, clock: Callable[[], float] = time.monotonic, aws: AwsKeys | None = None) -> None:
        self._files = files
        self._clock = clock
        self._aws = aws or AwsKeys()
        self._tokens: dict[TokenForm, _Token] = {}

    async def fetch(self, reference: Reference, connection: Connection, source: MediaSource, now: Micros) -> File:
        """Return the file that a reference names. ``now``: for what is signed with a time. Raise ``NotFetched``."""
        request = source.request(reference.file.url, connection, now)
        if request is None:
            raise NotFetched("not-the-vendors", "its address is none of the vendor's, and a sender may have chosen it")
        for _ in range(MOST_STEPS):
            found = await self._get(request)
            if request.then is None:
                return _checked(found, request, reference)
            try:
                request = request.then(found.content)
            except ValueError as error:
                raise NotFetched("bad-answer", str(error)) from None
        raise NotFetched("bad-answer", f"the vendor sends on more than {MOST_STEPS} times")

    async def _get(self, request: MediaRequest) -> File:
        login = request.login
        headers = {**request.headers, **bearer_header(await self._token(login))} if login else request.headers
        if request.signed is not None:
            headers = await self._signed(request.signed)
        try:
            return await self._files.get(request.url, headers, request.leads_to)
        except NotFetched as why:
            if login and why.reason == "status-401":  # it may have ended before its time
                self._tokens.pop(login, None)
            raise

    async def _signed(self, signed: SignedBy) -> Mapping[str, str]:
        try:
            return signed.sign(await self._aws.key(signed.login))
        except Refused as refused:
            raise NotFetched("no-key", f"no key of AWS: {refused}") from None
        except TryLater as later:
            raise NotFetched("no-key", f"no key of AWS: {later}", float(later.retry_after)) from None

    async def _token(self, login: TokenForm) -> str:
        kept = self._tokens.get(login)
        if kept is not None and self._clock() < kept.until:
            return kept.value
        asked_at = self._clock()
        try:
            answered = await self._files.post(login.url, dict(login.fields))
            value, seconds = token_in(answered.content)
        except NotFetched as why:
            raise NotFetched("no-token", f"no access token: {why}", why.retry_after) from None
        except ValueError as error:
            raise NotFetched("no-token", f"no access token: {error}") from None
        self._tokens[login] = _Token(value, asked_at + seconds - EARLY_SECONDS)
        return value


def token_in(content: bytes) -> tuple[str, float]:
    """Return an access token and the seconds for which it holds, 0 where that is not told (RFC 6749, section 5.1).
    Raise ValueError for an answer that has none."""
    value = named_in(content, "access_token")
    if not value.isascii() or not value.isprintable():
        raise ValueError("the vendor's answer has an access_token that no header can hold")
    return value, number(read_object(content).get("expires_in")) or 0.0


def _checked(found: File, request: MediaRequest, reference: Reference) -> File:
    if request.no_page and found.content_type == "text/html" and not reference.file.content_type.startswith("text/"):
        raise NotFetched("a-login", "the vendor answered with a web page: the token may not read files")
    digest = reference.file.sha256
    if digest and sha256(found.content).hexdigest() != digest.lower():
        raise NotFetched("wrong-digest", "what came is not what the event tells of: another digest")
    return found
