"""Hold the values that a declared path may begin at, and name the error of a notice that can't be mapped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from cx_channels.provider import Request


class Scope(Struct, gc=False):
    """``item``: ``$``, the notice or one item of a list in it. ``notice``: ``$notice``, one of the request's notices.
    ``root``: ``$root``, the whole body. ``kind``: ``$kind``, that of the notice."""

    item: Any
    notice: Any
    root: Any
    request: Request
    kind: str = ""

    def of(self, item: Any) -> Scope:
        """Return the scope of an item in a list."""
        return Scope(item, self.notice, self.root, self.request, self.kind)


Read = Callable[[Scope], Any]
"""Reads one value; None: it is absent."""

MOST_ITEMS = 1_000
"""Items of one list in one event: a request of a megabyte may hold half a million."""


class Unusable(Exception):
    """A notice whose event can't be made. ``reason``: a countable word, ``detail``: a sentence."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def items_of(value: Any, place: str) -> list[Any]:
    """Return the items of a list, a lone value as a list of one. ``Unusable`` for more than ``MOST_ITEMS``."""
    if value is None:
        return []
    items = value if isinstance(value, list) else [value]
    if len(items) > MOST_ITEMS:
        raise Unusable("too-many-items", f"{place} has {len(items)} items; {MOST_ITEMS} are read")
    return items
