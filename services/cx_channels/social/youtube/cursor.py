"""Keep what is known of a channel's comments: which were handed on, in which version, and whether they are gone. Pure.

A pageToken walks one list and is no place to go on at, so the place is a time, and the threads that are watched.
"""

from __future__ import annotations

import msgspec

from cx_channels.kit.cursors import decode_cursor

MOST_COMMENTS = 20_000
"""Known comments of all watched threads; the threads that rested longest are left out first."""


class Known(msgspec.Struct, array_like=True, omit_defaults=True):
    """A comment that was handed on. ``updated``: its version, s since 1970. ``turns``: how often it went or came back;
    odd where it is gone now."""

    updated: int
    turns: int = 0

    @property
    def is_gone(self) -> bool:
        return self.turns % 2 == 1


class Watched(msgspec.Struct, omit_defaults=True):
    """A thread. ``replies``: how many it had when all were listed; ``active``: when its latest comment was written;
    ``listed``: when all replies were listed last; ``known``: its comments, by the part of their ids that tells them
    apart, "" for the first. Times in s since 1970."""

    video: str = ""
    channel: str = ""
    replies: int = 0
    active: int = 0
    listed: int = 0
    known: dict[str, Known] = {}


class Place(msgspec.Struct, omit_defaults=True):
    """``begin``: what was written before is not handed on. ``top``: when the newest thread was begun. ``day``: of the
    quota, and ``units`` that were used of it. ``older_page``: the pageToken of the list that a look through all threads
    has come to, ``older_began``: when it began, 0 between two; ``older_since``: replies up to then are known.
    ``rested``: when a thread was written in last that is watched no longer, 0 while all are."""

    begin: int
    top: int = 0
    day: str = ""
    units: int = 0
    older_page: str = ""
    older_began: int = 0
    older_since: int = 0
    rested: int = 0
    threads: dict[str, Watched] = {}

    def stored(self) -> bytes:
        """Return the place as it is stored."""
        return msgspec.json.encode(self)

    def forget(self, most: int) -> None:
        """Leave out the threads that rested longest, above ``most`` threads or ``MOST_COMMENTS`` comments."""
        latest = sorted(self.threads.items(), key=lambda item: (item[1].active, item[0]), reverse=True)
        kept, comments = 0, 0
        for _, thread in latest[:most]:
            comments += len(thread.known)
            if comments > MOST_COMMENTS and kept:
                break
            kept += 1
        if kept < len(latest):
            self.rested = max(self.rested, latest[kept][1].active)
            self.threads = dict(latest[:kept])


def read_place(stored: bytes) -> Place | None:
    """Return a place as it was stored, None at the very start. Raise ``Fatal`` for one that can't be read."""
    return decode_cursor(stored, Place, "place in the channel's comments")


def key_of(thread: str, comment: str) -> str:
    """Return what tells a comment within its thread: "" for the first, of a reply ``PARENT.REPLY`` the last part."""
    if comment == thread:
        return ""
    return comment[len(thread) + 1 :] if comment.startswith(f"{thread}.") else f"/{comment}"


def id_of(thread: str, key: str) -> str:
    """Return the id of a comment by its key."""
    if key.startswith("/"):
        return key[1:]
    return f"{thread}.{key}" if key else thread
