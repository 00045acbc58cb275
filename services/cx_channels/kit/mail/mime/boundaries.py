"""Split the body of a multipart at its boundary lines (RFC 2046, section 5.1.1), including broken ones.

Nothing is dropped: parts that follow a close delimiter are parts, and ``Cut.left`` reports other text behind one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

_MAX_BOUNDARY = 200
_GUESSED_IN = 64 << 10
_MAX_GUESSES = 50
_MIN_CORE = 3

_LOST = re.compile(rb"\s*(?:--[\x21-\x7e][\x20-\x7e]{0,199}\r?\n)?(?=Content-[A-Za-z-]{1,40}:)", re.I)
_CUT = re.compile(rb"\r?\n--([\x21-\x7e][\x20-\x7e]{0,199})\r?\n(?=Content-[A-Za-z-]{1,40}:)", re.I)
_CANDIDATE = re.compile(rb"(?:\A|\n)--([\x21-\x7e][\x20-\x7e]{0,199}?)[ \t]*\r?\n(Content-[A-Za-z-]{1,40}:)?", re.I)


class Piece(NamedTuple):
    """The place of a part in the source, and whether a close delimiter ends it."""

    start: int
    end: int
    closed: bool


@dataclass(frozen=True, slots=True)
class Cut:
    """The parts of a multipart. ``opened``: where the first boundary line begins. ``left``: there is text behind a
    close delimiter."""

    pieces: list[Piece]
    opened: int
    left: bool


def cut(source: bytes, start: int, end: int, boundary: str, most: int) -> Cut | None:
    """Cut a multipart's body, which is a slice of the source, into ``most`` and one parts at most; None if it has none.

    Where no line is the declared boundary, one that differs in case or dashes counts, then a line that looks like one.
    """
    declared = boundary[:_MAX_BOUNDARY].encode("utf-8", "replace").rstrip()
    for line, dashes in _lines(source, start, end, declared):
        found = _between(source, start, end, line, dashes, most)
        if found.pieces:
            return found
    return None


def _lines(source: bytes, start: int, end: int, declared: bytes) -> Iterator[tuple[re.Pattern[bytes], int]]:
    """Yield patterns of a boundary line, the likeliest first, and how many dashes at its end close the multipart."""
    if declared:
        yield re.compile(_whole_line(rb"--" + re.escape(declared) + rb"(--)?")), 2
        core = declared.strip(b"- \t\"'")
        if len(core) >= _MIN_CORE:
            trailing = len(declared) - len(declared.rstrip(b"-"))
            line = _whole_line(rb"[ \t]{0,8}-{0,80}" + re.escape(core) + rb"(-{0,80})")
            yield re.compile(line, re.IGNORECASE), trailing + 2
    for guess in _guesses(source, start, end):
        yield re.compile(_whole_line(rb"--" + re.escape(guess) + rb"(--)?")), 2


def _whole_line(line: bytes) -> bytes:
    return rb"(?:\A|\r?\n)" + line + rb"[ \t]*(?=\r?\n|\Z)"


def _guesses(source: bytes, start: int, end: int) -> Iterator[bytes]:
    """Yield what follows two dashes on a line that a part's field follows, or that is closed further down."""
    seen: set[bytes] = set()
    for match in _CANDIDATE.finditer(source, max(0, start - 1), min(end, start + _GUESSED_IN)):
        guess = match[1].removesuffix(b"--")
        if guess in seen or not guess:
            continue
        if len(seen) == _MAX_GUESSES:
            return
        seen.add(guess)
        if match[2] or source.find(b"--" + guess + b"--", match.end(), end) >= 0:
            yield guess


def _between(source: bytes, start: int, end: int, line: re.Pattern[bytes], dashes: int, most: int) -> Cut:
    """Return the pieces between boundary lines; a missing last line is forgiven.

    The line end before a boundary belongs to it. The search begins one line end early, since a multipart's first
    boundary may follow the blank line at once.
    """
    pieces: list[Piece] = []
    first = opened = closed = -1
    left = False
    for match in line.finditer(source, max(0, start - 1), end):
        if first < 0:
            first = match.start()
        closes = len(match[1] or b"") >= dashes
        if opened >= 0:
            at = past_line_end(source, opened)
            pieces.append(Piece(at, max(at, match.start()), closes))
        elif closed >= 0:
            left = left or bool(source[closed : match.start()].strip())
        opened, closed = (-1, match.end()) if closes else (match.end(), -1)
        if len(pieces) > most:
            return Cut(pieces, first, left)
    if opened >= 0 and source[opened:end].strip():
        at = past_line_end(source, opened)
        pieces.append(Piece(at, max(at, end), False))
    elif closed >= 0:
        left = left or bool(source[closed:end].strip())
    return Cut(pieces, first, left)


def lost_part(source: bytes, start: int, end: int) -> int | None:
    """Return where a part begins whose boundary line, the first one, is lost or cut off; None where there is none."""
    match = _LOST.match(source, start, end)
    return None if match is None else match.end()


def cut_line(source: bytes, start: int, end: int, boundary: str) -> tuple[int, int] | None:
    """Find a line inside a part that must be a truncated boundary; return where the text before it ends and where a
    part begins."""
    declared = boundary.encode("utf-8", "replace")
    for match in _CUT.finditer(source, start, end):
        line = match[1].rstrip()
        if len(line) * 2 >= len(declared) and declared.startswith(line):
            return match.start(), match.end()
    return None


def past_line_end(source: bytes, at: int) -> int:
    """Return the position after a line end, if there is one at ``at``."""
    return at + (2 if source.startswith(b"\r\n", at) else source.startswith(b"\n", at))
