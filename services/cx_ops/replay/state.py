"""Keep how far each replay is: a file below ``CX_HOME``, and a lock that its process holds.

Files, not a table: a run reads the log and writes to somewhere else, so it needs no store; a file target and its state
lie on one disk and are made durable together. Blocking: for threads.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from cx_events.archive.sealed_files import disk_errors, read_sealed, write_sealed
from cx_events.errors import Refused
from cx_events.private_files import FILE_MODE, make_folder
from cx_ops.replay.asked import Asked

FOLDER = "replays"
_MOST_ID = 64
"""Characters: no file system takes a name of any length."""

Phase = Literal["running", "done", "failed", "cancelled"]


class ReplayState(Struct, kw_only=True):
    """``begins``, ``places``, ``ends``: offsets by partition; ``places`` is where it goes on. ``read`` records were
    looked at, ``sent`` of them went out, with ``bytes``. ``size``: bytes of a target file that count. ``error``: why it
    stopped. ``tenant``: whose operators asked for it over HTTP; empty for the command line."""

    id: str
    asked: Asked
    started: str
    who: str
    why: str = ""
    tenant: str = ""
    phase: Phase = "running"
    begins: dict[int, int]
    places: dict[int, int]
    ends: dict[int, int]
    read: int = 0
    sent: int = 0
    bytes: int = 0
    size: int = 0
    error: str = ""

    @property
    def records(self) -> int:
        return sum(self.ends[number] - begin for number, begin in self.begins.items())


class ReplayStates:
    """The states of all replays of a home folder."""

    def __init__(self, home: Path) -> None:
        self._folder = home / FOLDER

    def _path(self, id: str, suffix: str) -> Path:
        return self._folder / f"{id}.{suffix}"

    def write(self, state: ReplayState) -> None:
        """Replace a state, durably. Raises ``TryLater("disk")``."""
        with disk_errors(self._folder):
            make_folder(self._folder)
        write_sealed(self._path(state.id, "json"), msgspec.json.encode(state))

    def read(self, id: str) -> ReplayState:
        """Return a state. Raises ``Refused``: ``unknown-replay`` (404), ``damaged-manifest``."""
        if not id.isalnum() or len(id) > _MOST_ID or not self._path(id, "json").exists():
            raise Refused("unknown-replay", f"there is no replay {id[:40]!r} here: cx replay status lists them", 404)
        return msgspec.json.decode(read_sealed(self._path(id, "json")), type=ReplayState)

    def all(self) -> list[ReplayState]:
        """Return all states, the latest first."""
        found = [self.read(path.stem) for path in self._folder.glob("*.json")]
        return sorted(found, key=lambda each: each.started, reverse=True)

    def is_working(self, id: str) -> bool:
        """Return whether a process works on it."""
        try:
            with self.locked(id):
                return False
        except Refused:
            return True

    @contextmanager
    def locked(self, id: str) -> Iterator[None]:
        """Hold a replay alone. Raises ``Refused("replay-under-way", 409)``."""
        with disk_errors(self._folder):
            make_folder(self._folder)
            handle = os.open(self._path(id, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Refused("replay-under-way", f"a process works on the replay {id}", 409) from None
            yield
        finally:
            os.close(handle)

    def ask_to_cancel(self, id: str) -> None:
        with disk_errors(self._folder):
            self._path(id, "cancel").touch(FILE_MODE)

    def is_to_cancel(self, id: str) -> bool:
        return self._path(id, "cancel").exists()
