"""Write a file that grows as ``FILE.part``, and gets its name once all is there. Blocking: for threads."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from cx_events.archive.sealed_files import disk_errors, sync_folder
from cx_events.errors import Refused, TryLater
from cx_events.private_files import FILE_MODE

_BUFFER = 1 << 20


class PartFile:
    """``head``: what it begins with. Only bytes that a written state counts are kept when a run goes on, so nothing is
    torn or there twice.

    Raises ``TryLater("disk")``, ``Refused("bad-path")``.
    """

    def __init__(self, path: Path, head: bytes = b"") -> None:
        self.path = path
        self.part = path.with_name(path.name + ".part")
        self._head = head
        self._file: BinaryIO | None = None
        self._broken = False
        """A write or a sync failed, so nobody knows which bytes are there."""

    @property
    def is_open(self) -> bool:
        return self._file is not None

    def check_free(self, *others: Path) -> None:
        """Raise ``Refused("target-exists")`` where a file is in the way, or there is no folder for it. ``others``: what
        is written beside it."""
        for path in (self.path, self.part, *others):
            if path.exists():
                raise Refused("target-exists", f"{path} is there already: name another file, or remove it", 409)
        if not self.path.parent.is_dir():
            raise Refused("bad-target", f"there is no folder {self.path.parent}", 400)

    def open(self, size: int) -> None:
        """Begin, or go on after the first ``size`` bytes. Raises ``Refused("target-changed")``."""
        with disk_errors(self.part):
            handle = os.open(self.part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
            self._file = os.fdopen(handle, "r+b", buffering=_BUFFER)
            if self._file.seek(0, os.SEEK_END) < size:
                raise Refused("target-changed", f"{self.part} is shorter than what was written to it", 409)
            self._file.truncate(size)
            self._check_head(size)
            self._file.seek(size)
            if not size:
                self._file.write(self._head)

    def _check_head(self, size: int) -> None:
        assert self._file is not None
        self._file.seek(0)
        if size and self._file.read(len(self._head)) != self._head:
            raise Refused(
                "target-changed", f"{self.part} was begun by another release: cancel the run, and begin another", 409
            )

    def write(self, chunks: Iterable[bytes]) -> None:
        assert self._file is not None
        with self._errors():
            self._file.writelines(chunks)

    def settle(self) -> int:
        """Make durable what was written. Return the bytes that count. Raises again once anything failed."""
        assert self._file is not None
        if self._broken:
            raise TryLater("disk", f"{self.part}: writing failed before")
        with self._errors():
            self._file.flush()
            os.fsync(self._file.fileno())
            return self._file.tell()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            with disk_errors(self.part):
                yield
        except BaseException:
            self._broken = True
            raise

    def rename(self) -> None:
        """Give it its name."""
        with disk_errors(self.part):
            self.part.rename(self.path)
            sync_folder(self.path.parent)

    def close(self) -> None:
        if self._file is None:
            return
        try:
            self._file.close()
        except OSError:
            pass  # of what was not settled nothing counts
