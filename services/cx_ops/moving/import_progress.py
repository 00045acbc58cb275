"""Keep how far an import is, in a file beside the hub's own: so one that was killed goes on, and appends nothing twice.

One file for each pair of a source and a log. A lock on it keeps a second process away. Blocking: for threads.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

import msgspec
from msgspec import Struct

from cx_events.archive.sealed_files import disk_errors, read_sealed, write_sealed
from cx_events.errors import Refused
from cx_events.log import Partition
from cx_events.private_files import FILE_MODE, make_folder

FOLDER = "imports"
"""Below ``CX_HOME``."""


class ImportProgress(Struct, kw_only=True):
    """``done``: by source partition (``TOPIC/NUMBER``), the next offset to import. ``certain``: by partition of this
    hub's log, an offset before which nothing lies that is not counted in ``done``: what lies after it may be of the
    step that was under way. ``records``: how many were appended; ``told``: of how many an act says so on the log.
    ``beside``: there were other events already."""

    source: str
    done: dict[str, int] = {}
    certain: dict[str, int] = {}
    records: int = 0
    told: int = 0
    beside: bool = False


def by_partition(places: Mapping[str, int]) -> dict[Partition, int]:
    """Return offsets whose keys are ``TOPIC/NUMBER`` by partition."""
    found = {}
    for place, offset in places.items():
        topic, _, number = place.rpartition("/")
        found[Partition(topic, int(number))] = offset
    return found


def by_place(offsets: Mapping[Partition, int]) -> dict[str, int]:
    """Return offsets by ``TOPIC/NUMBER``."""
    return {f"{topic}/{number}": offset for (topic, number), offset in offsets.items()}


class ProgressFile:
    """The file of one import, in the folder of the hub's embedded files. ``source``: its id; ``target``: the address of
    the log that it goes to."""

    def __init__(self, home: Path, source: str, target: str) -> None:
        name = blake2b(f"{source}\0{target}".encode(), digest_size=12).hexdigest()
        self._path = home / FOLDER / f"{name}.json"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the file alone. Raises ``Refused("import-under-way")``, ``TryLater("disk")``."""
        with disk_errors(self._path):
            make_folder(self._path.parent)
            handle = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Refused("import-under-way", "another process is importing the same records", 409) from None
            yield
        finally:
            os.close(handle)

    def read(self) -> ImportProgress | None:
        """Return the progress, None before the first step. Raises ``Refused("damaged-manifest")``."""
        if not self._path.exists():
            return None
        return msgspec.json.decode(read_sealed(self._path), type=ImportProgress)

    def write(self, progress: ImportProgress) -> None:
        """Replace the progress, durably. Raises ``TryLater("disk")``."""
        write_sealed(self._path, msgspec.json.encode(progress))
