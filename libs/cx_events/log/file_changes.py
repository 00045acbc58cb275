"""Tell without a query whether a SQLite file may have been written to."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

_SETTLE_SECONDS = 0.3
"""A commit is seen only after its bytes were written and have reached the disk: for so long after the file changed, it
may still be coming."""
_LONGEST_SECONDS = 0.5
"""What a slower disk, or a file system whose times are coarse, kept back is found after this at the latest."""

_Mark = tuple[int, int, int]


class FileChanges:
    """Tell whether a query of a file in WAL mode might find more than the last one did, by any process's commits.

    Each commit writes to the file's log of changes, which moves that one's size or time (``st_mtime_ns``). It is never
    opened: to close it would end the locks of this process's connections
    (https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._paths = (str(path), f"{path}-wal")
        self._marks: tuple[_Mark | None, _Mark | None] | None = None
        self._changed = 0.0
        self._queried: float | None = None

    def forget(self) -> None:
        """Let the next query be another one: it may find more."""
        self._queried = None

    def begin_query(self) -> None:
        """Note how the file is before it is queried."""
        self._queried = self._clock()
        self._note(self._queried)

    def may_find_more(self) -> bool:
        """Return False where another query would find what the last one found."""
        now = self._clock()
        self._note(now)
        if self._queried is None:
            return True
        return self._queried - self._changed < _SETTLE_SECONDS or now - self._queried >= _LONGEST_SECONDS

    def _note(self, now: float) -> None:
        marks = (_mark(self._paths[0]), _mark(self._paths[1]))
        if marks != self._marks:
            self._marks = marks
            self._changed = now


def _mark(path: str) -> _Mark | None:
    # Path.stat takes three times as long.
    try:
        its = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return its.st_ino, its.st_size, its.st_mtime_ns
