"""Make the ``meta`` member that stands beside a body."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from cx_context.store.as_of import TimeBounds
from cx_context.versions import epoch_of
from cx_events.errors import TryLater
from cx_events.json_types import Json
from cx_events.timestamps import Micros, format_time


def check_epoch(version: int) -> int:
    """Return the version. Raise ``TryLater`` where it is of a store that has no epoch yet: it could be below what an
    earlier store of this log served."""
    if not epoch_of(version):
        raise TryLater("store", "it is being opened: no projector has given it an epoch yet")
    return version


def current_meta(version: int, moved_at: float) -> dict[str, Any]:
    """Return what stands beside a body. Raise ``TryLater`` as ``check_epoch`` does."""
    check_epoch(version)
    return {"version": version, "current_to": _time(moved_at) if moved_at else None}


def context_document(meta: bytes, body: bytes) -> bytes:
    """The context document, of JSON that stands already."""
    return b'{"meta":' + meta + b',"body":' + body + b"}"


@lru_cache(maxsize=64)
def _time(seconds: float) -> str:
    return format_time(int(seconds * 1_000_000))


def past_meta(moment: TimeBounds) -> Json:
    """What stands beside a body of the past, which has no version."""
    return {"version": None, "current_to": None, "as_of": _told(moment.as_of), "known_at": _told(moment.known_at)}


def _told(bound: Micros | None) -> str | None:
    return format_time(bound) if bound is not None else None
