"""Find uuencoded files in a text, as mailers sent files before MIME and some scripts still do (POSIX, ``uuencode``)."""

from __future__ import annotations

import re
from typing import NamedTuple

_BLOCK = re.compile(
    rb"^begin [0-7]{3,4} ?([^\r\n]{0,255})\r?\n((?:(?=[ -`]{1,90}[a-z]?[ \t]{0,9}\r?\n)[^\n]++\n)++)"
    rb"(?:[ \t]{0,9}\r?\n)?end[ \t]{0,9}(?:\r?\n|\Z)",
    re.MULTILINE,
)
"""A line counts its bytes in its first character; some mailers add a check character, others lose the blank of the last
line, which counts none."""


class UuFile(NamedTuple):
    """A file. ``name``: as it stands there; ``start``, ``end``: of its block, from ``begin`` to ``end``."""

    name: bytes
    start: int
    end: int


def files_in(text: bytes) -> list[UuFile]:
    """Return the files of a text in their order."""
    return [UuFile(found[1].strip(), found.start(), found.end()) for found in _BLOCK.finditer(text)]


def without_files(text: bytes, files: list[UuFile]) -> bytes:
    """Return a text without the blocks of its files."""
    starts = [0, *(file.end for file in files)]
    ends = [*(file.start for file in files), len(text)]
    return b"".join(text[start:end] for start, end in zip(starts, ends, strict=True))
