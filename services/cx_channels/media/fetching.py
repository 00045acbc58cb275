"""Fetch one file: ask as its provider says, at most twice, and check what came."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Protocol

from cx_channels.media.references import Reference
from cx_channels.provider import Connection, MediaRequest, MediaSource
from cx_events.timestamps import Micros
from cx_runtime.outbound.fetcher import NotFetched
from cx_runtime.outbound.files import File

MOST_STEPS = 3
"""Requests for one file: where it is, and the file."""

FINAL = frozenset({"not-the-vendors", "private-address", "redirect", "too-large", "status-410", "no-original"})
"""Reasons for which asking again would change nothing."""


class Files(Protocol):
    """Where files come from, as ``cx_runtime.outbound.files.FileFetcher``."""

    async def get(self, url: str, headers: Mapping[str, str], leads_to: Callable[[str], bool]) -> File: ...


async def fetch(reference: Reference, connection: Connection, source: MediaSource, files: Files, now: Micros) -> File:
    """Return the file that a reference names. ``now``: for what is signed with a time. Raise ``NotFetched``."""
    request = source.request(reference.file.url, connection, now)
    if request is None:
        raise NotFetched("not-the-vendors", "its address is none of the vendor's, and a sender may have chosen it")
    for _ in range(MOST_STEPS):
        found = await files.get(request.url, request.headers, request.leads_to)
        if request.then is None:
            return _checked(found, request, reference)
        try:
            request = request.then(found.content)
        except ValueError as error:
            raise NotFetched("bad-answer", str(error)) from None
    raise NotFetched("bad-answer", f"the vendor sends on more than {MOST_STEPS} times")


def _checked(found: File, request: MediaRequest, reference: Reference) -> File:
    if request.no_page and found.content_type == "text/html" and not reference.file.content_type.startswith("text/"):
        raise NotFetched("a-login", "the vendor answered with a web page: the token may not read files")
    digest = reference.file.sha256
    if digest and sha256(found.content).hexdigest() != digest.lower():
        raise NotFetched("wrong-digest", "what came is not what the event tells of: another digest")
    return found
