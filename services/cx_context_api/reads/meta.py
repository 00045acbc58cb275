"""Make ``meta``, which stands beside a body."""

from __future__ import annotations

from functools import lru_cache

from cx_context.store.time_bounds import TimeBounds
from cx_context.versions import epoch_of
from cx_events.errors import TryLater
from cx_events.json_types import Json
from cx_events.timestamps import Micros, format_time


def check_epoch(version: int) -> int:
    """Return the version. Raise ``TryLater`` if the store that it is from has no epoch yet.

    Such a version could be below one that an earlier store of this log served.
    """
    if not epoch_of(version):
        raise TryLater("store", "it is being opened: no projector has given it an epoch yet")
    return version


def current_meta(version: int, moved_at: float) -> Json:
    """Return ``meta`` of a body of today. ``moved_at``: seconds since 1970. Raises ``TryLater`` as ``check_epoch``."""
    check_epoch(version)
    return {"version": version, "current_to": _time(moved_at) if moved_at else None}


def past_meta(bounds: TimeBounds) -> Json:
    """Return ``meta`` of a body of the past, which has no version."""
    return {
        "version": None,
        "current_to": None,
        "as_of": _time_or_none(bounds.as_of),
        "known_at": _time_or_none(bounds.known_at),
    }


def context_document(meta: bytes, body: bytes) -> bytes:
    """Return the context document, made of the JSON of its two members."""
    return b'{"meta":' + meta + b',"body":' + body + b"}"


def _time_or_none(bound: Micros | None) -> str | None:
    return format_time(bound) if bound is not None else None


@lru_cache(maxsize=64)
def _time(seconds: float) -> str:
    return format_time(int(seconds * 1_000_000))
