"""Make files and folders that only their owner may read, whatever the umask: they hold people's conversations.

Only modes of this account's files are changed, and never that of a shared folder (with the sticky bit, as ``/tmp``).
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

FOLDER_MODE = 0o700
FILE_MODE = 0o600
_OTHERS = 0o077

# What SQLite keeps beside its file. It gives a new one the mode of the file itself (https://www.sqlite.org/wal.html).
_SQLITE_COMPANIONS = ("-wal", "-shm", "-journal")


def make_folder(folder: Path) -> None:
    """Make a folder and what is missing above it, each with the mode 0700. One that exists keeps its mode.

    Raises ``OSError``.
    """
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(mode=FOLDER_MODE, exist_ok=True)


def make_file(path: Path) -> None:
    """Make an empty file with the mode 0600, or tighten the one that exists. Raises ``OSError``."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE))
    tighten(path)


def make_database(path: Path) -> None:
    """``make_file`` for an SQLite file, which may have companions from an earlier run. Raises ``OSError``."""
    make_file(path)
    for suffix in _SQLITE_COMPANIONS:
        tighten(path.with_name(path.name + suffix))


def tighten(path: Path) -> None:
    """Take all rights of group and others away from what exists and is this account's."""
    try:
        found = path.stat()
        mode = stat.S_IMODE(found.st_mode)
        if mode & _OTHERS and not mode & stat.S_ISVTX and found.st_uid == os.geteuid():
            path.chmod(mode & ~_OTHERS)
    except FileNotFoundError:
        pass


def tighten_below(folder: Path) -> None:
    """``tighten`` for a folder and all in it. Symbolic links are not followed."""
    tighten(folder)
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(parent, name)
            if not path.is_symlink():
                tighten(path)
