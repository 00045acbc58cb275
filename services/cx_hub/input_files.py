"""Read the files that a command line names."""

from __future__ import annotations

import sys
from pathlib import Path

from cx_events.errors import Refused


def content_of(name: str) -> bytes:
    """Return a file's content; of standard input for ``-``. Raises ``Refused("no-file")``."""
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise Refused("no-file", f"{name} can't be read: {error.strerror}") from None
