"""Find where the files of an embedded hub lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cx_events.errors import Refused

SMALL_FILE = 64 << 10
"""Bytes of the largest file of ``CX_HOME`` that is taken for a secret made on first use."""

DRAFT = ".restoring"
"""Ends the names of files that are being restored."""

_OTHERS = (".db", "-wal", "-shm", "-journal", DRAFT)


@dataclass(frozen=True, slots=True)
class EmbeddedParts:
    """``home``: the folder of secrets. ``log``, ``store``: files of SQLite. ``blobs``: a folder."""

    home: Path
    log: Path
    store: Path
    blobs: Path

    def secrets(self) -> Iterator[Path]:
        """Yield the files of the home that are neither log nor store: keys and id keys."""
        for path in sorted(self.home.iterdir()) if self.home.is_dir() else ():
            is_other = path.name.endswith(_OTHERS) or path.name.startswith((self.log.name, self.store.name))
            if not is_other and path.is_file() and path.stat().st_size <= SMALL_FILE:
                yield path

    def blob_files(self) -> Iterator[Path]:
        """Yield every blob's file, as paths below ``blobs``."""
        for path in self.blobs.glob("*/*/*"):
            if len(path.name) == 64:  # not the draft of one that is being written
                yield path.relative_to(self.blobs)


def embedded_parts(home: Path, log_url: str, store_url: str, blob_url: str) -> EmbeddedParts:
    """Return where the files are. Raises ``Refused("not-embedded")`` where a part is a server's."""
    log = log_url.removeprefix("sqlite:///") if log_url.startswith("sqlite:///") else ""
    store = store_url.removeprefix("sqlite+aiosqlite:///") if store_url.startswith("sqlite+aiosqlite:///") else ""
    blobs = blob_url.removeprefix("file://") if blob_url.startswith("file:///") else ""
    for path, what, how in (
        (log, "the log is on Kafka", "cx export log, cx import log"),
        (store, "the store is on PostgreSQL", "pg_dump, or leave it out: projectors fill it from the log"),
        (blobs, "the blobs are on PostgreSQL", "cx export log, which takes them along"),
    ):
        if not path:
            raise Refused(
                "not-embedded",
                f"{what}, and this command copies files of this machine alone: {how}; the order stands in "
                "docs/operators.md, 'Backup and restore'",
            )
    return EmbeddedParts(home, Path(log), Path(store), Path(blobs))
