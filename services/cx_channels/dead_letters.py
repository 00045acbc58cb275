"""Make dead letters of what could not become an event: whole, with the reason, and without secrets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b
from urllib.parse import parse_qsl, urlencode

import msgspec

from cx_channels.provider import Connection, Request, Unmapped
from cx_events.dead_letters import MAP, DeadLetter, encode_original
from cx_events.envelope import Draft

STAGE = MAP
_COUNTABLE = re.compile(r"[: ]")
MAX_DETAIL = 2000
_SECRET = re.compile(r"auth|cookie|secret|token|signature|password|api-?key|^sig$|^hmac", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MappingFailure:
    """A part of a request that could not become an event, and why."""

    id: str
    reason: str
    detail: str
    original: bytes


def failure_of(part: Unmapped) -> MappingFailure:
    """Return the failure for a part that the provider could not map.

    Its reason is the first word alone, so that dead letters can be counted and found by it.
    """
    return MappingFailure(part.id, _COUNTABLE.split(part.reason, maxsplit=1)[0], part.reason, part.original)


def digest(request: Request) -> str:
    """Return a digest that stands for a request without an id: the same request again is the same dead letter."""
    return blake2b(
        request.method.encode() + b"\0" + repr(request.query).encode() + b"\0" + request.body, digest_size=16
    ).hexdigest()


def readable_draft(draft: Draft) -> bytes:
    """Return a draft without an original as something that a person can read."""
    try:
        return msgspec.json.encode(draft)
    except UnicodeEncodeError:
        return repr(draft).encode("utf-8", "backslashreplace")


def dead_letter_of(
    failure: MappingFailure, request: Request, connection: Connection, source: str, recorded: str, blob: str
) -> DeadLetter:
    """Return the dead letter for a failure, without the secrets of the request.

    ``recorded``: RFC 3339. ``blob``: the name of its original where that is stored apart, else empty.
    """
    return DeadLetter(
        tenant=connection.tenant,
        source=source,
        id=_plain(failure.id),
        stage=STAGE,
        reason=failure.reason,
        detail=_plain(failure.detail)[:MAX_DETAIL],
        recorded=recorded,
        original="" if blob else encode_original(failure.original),
        blob=blob,
        place=f"connections/{connection.id}",
        connection=connection.id,
        method=request.method,
        url=_plain(_without_secrets(request.url)),
        content_type=request.headers.get("content-type", ""),
        headers={name: _plain(value) for name, value in request.headers.items() if not _SECRET.search(name)},
    )


def _without_secrets(url: str) -> str:
    base, mark, query = url.partition("?")
    fields = parse_qsl(query, keep_blank_values=True)
    kept = [(name, value) for name, value in fields if not _SECRET.search(name)]
    return url if len(kept) == len(fields) else f"{base}{mark}{urlencode(kept)}"


def _plain(text: str) -> str:
    """Return text that can be stored: a mail's envelope or an error may hold lone surrogates."""
    return text.encode("utf-8", "replace").decode("utf-8")
