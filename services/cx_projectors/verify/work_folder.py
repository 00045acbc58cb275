"""Keep the folder that ``verify`` works in: what it read, what is to be checked, and what was found so far.

    log.spool              all records that were read
    ready.msgpack          written last once buckets are complete: ``Ready``
    N.log, N.rows          a bucket's records and rows
    whole.rows             rows of the tables that are not of any group
    found.spool            an item for each bucket that was checked

One process works in it at a time. All of it is deleted in the end.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from cx_events.errors import Refused
from cx_events.log import Partition
from cx_events.private_files import make_file, make_folder
from cx_projectors.verify.buckets import Terms, log_file, rows_file
from cx_projectors.verify.findings import BucketFindings, Findings
from cx_projectors.verify.spools import Spool, read_items

FORM = 1
"""Rises where the files change their form."""


class Ready(Struct):
    """The state once all was read: ``terms`` for each bucket, how many there are, and what was found before the
    first one is checked. ``positions``: up to where the store had applied the log. ``unknown_events``: keys of stored
    events of tenants that are not configured. ``events``: how many events the buckets have."""

    terms: Terms
    buckets: int
    findings: Findings
    positions: list[tuple[Partition, int]]
    unknown_events: list[bytes]
    events: int


class WorkFolder:
    """A folder, locked by this process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log = path / "log.spool"
        self.whole = path / "whole.rows"
        self._ready = path / "ready.msgpack"
        self._found = Spool(path / "found.spool")

    def ready(self) -> Ready | None:
        """Return what was ready to be checked when the process before this one ended; None where it was not so far."""
        if not self._ready.exists():
            return None
        return msgspec.msgpack.decode(self._ready.read_bytes(), type=Ready)

    def set_ready(self, ready: Ready) -> None:
        draft = self._ready.with_suffix(".draft")
        make_file(draft)
        draft.write_bytes(msgspec.msgpack.encode(ready))
        draft.replace(self._ready)

    def found(self) -> list[BucketFindings]:
        """Return what was found in the buckets that were checked."""
        items = read_items(self._found.path)
        return list(
            {found.number: found for found in (msgspec.convert(each, BucketFindings) for each in items)}.values()
        )

    def add_found(self, found: BucketFindings) -> None:
        """Keep what was found in a bucket, and delete its files."""
        self._found.add(msgspec.to_builtins(found, builtin_types=(bytes,)), 0)
        self._found.flush()
        for path in (log_file(self.path, found.number), rows_file(self.path, found.number)):
            path.unlink(missing_ok=True)

    def forget_buckets(self) -> None:
        """Delete what another process had not finished."""
        for path in (*self.path.glob("*.rows"), *self.path.glob("*.log"), self._found.path):
            path.unlink(missing_ok=True)


@contextmanager
def opened(path: Path, *, resume: bool, origin: bytes) -> Iterator[WorkFolder]:
    """Make the folder, or go on in it. It is deleted at the end, unless something raised.

    ``resume``: go on where the process before this one ended; else what it left is deleted. ``origin``: names what is
    verified, so that nothing else is gone on with. Raises ``Refused`` (``in-use``, ``nothing-to-resume``,
    ``not-a-work-folder``) where another process works there, where there is nothing to go on with, or where files lie
    that are no verification's: they would be deleted.
    """
    _check_own(path)
    make_folder(path)
    with (path / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refused("in-use", f"another cx verify works in {path}; wait for it, or use another folder") from None
        marker = path / "origin"
        known = marker.read_bytes() if marker.exists() else None
        if resume and known is None:
            raise Refused("nothing-to-resume", f"in {path} is nothing to go on with; begin without --resume")
        if resume and known != _mark(origin):
            raise Refused("nothing-to-resume", f"{path} is of another log, store or release; begin without --resume")
        if not resume:
            _empty(path)
            make_file(marker)
            marker.write_bytes(_mark(origin))
        yield WorkFolder(path)
        _empty(path)
    shutil.rmtree(path, ignore_errors=True)


def _check_own(path: Path) -> None:
    """Refuse a folder with anything in it that no verification has marked as its own."""
    marker = path / "origin"
    if marker.is_file() and marker.read_bytes().partition(b"\n")[0].isdigit():  # FORM, of any release
        return
    if path.is_dir() and any(each.name != "lock" for each in path.iterdir()):
        detail = f"{path} has other files, which would be deleted: name a folder that is empty or missing"
        raise Refused("not-a-work-folder", detail)


def _mark(origin: bytes) -> bytes:
    return f"{FORM}\n".encode() + origin


def _empty(path: Path) -> None:
    for each in path.iterdir():
        if each.name != "lock":
            os.unlink(each)  # noqa: PTH108
