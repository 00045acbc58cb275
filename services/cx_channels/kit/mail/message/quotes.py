"""Split a reply into what is new and what it quotes.

A quote is found by its marks (``>``), by the line that introduces it (``quote_introductions``), by a heading ("Original
Message"), or by the header lines above it (``quote_heads``). Nothing is dropped: what is not new is quoted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from cx_channels.kit.mail.message.forwards import points_below
from cx_channels.kit.mail.message.quote_heads import end_of_head, field_of
from cx_channels.kit.mail.message.quote_introductions import (
    Introduces,
    introduces,
    is_dated,
    is_forward_heading,
    is_heading,
    is_known,
    is_ruled,
)
from cx_channels.kit.mail.message.signatures import is_signature
from cx_events.invisible_characters import strip_invisible

_MAX_LINES = 1_500
_MAX_LINE = 250
_MAX_ABOVE = 4_000
_MAX_HEAD = 40
_MAX_BLANKS = 3

_GAPS = re.compile(r"\n{3,}")
_DIVIDER = re.compile(r"_{5,}|-{5,}|={4,}|[—–]{3,}")
_MARK = re.compile(r"[ \t]{0,3}>(?!=\s?\d)")
_MARKS = re.compile(r"[ \t]{0,3}>(?:[ \t]?>)*")
_INITIALS = re.compile(r"[^\W\d_]{1,4}>")
_ANY_INITIALS = re.compile(r"^[^\W\d_]{1,4}>", re.MULTILINE)


class _Kind(Enum):
    LINE = "a line that introduces"
    HEAD = "a heading, or the fields of a mail"
    FORWARD = "the heading of a forwarded mail"


@dataclass(frozen=True, slots=True)
class _Introduction:
    """Lines from ``start`` up to, but without, ``end``."""

    kind: _Kind
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Lines:
    """The lines of a text. ``bare``: each line without its marks, visible characters only, cut; ``marked``: whether it
    had marks."""

    whole: list[str]
    bare: list[str]
    marked: list[bool]


def split(text: str, forwarded: bool = False, begins: bool = False) -> tuple[str, str]:
    """Return (new, quoted). Answers below or between quoted lines are new.

    ``forwarded``: whether the subject says so. What its writer passes on, or points to ("see below"), is what they have
    to say, so it stays; so does a text in which nothing, or no more than a signature, would be new. ``begins``: whether
    the mail answers none. Unmarked fields in it are of a form that somebody filled in, or of a mail pasted.
    """
    if forwarded:
        return text, ""
    lines = _read(text)
    found = _introduction(lines)
    if found is None:
        new, quoted = _apart(lines, 0, len(lines.whole))
    elif found.kind is _Kind.FORWARD or (begins and _is_bare_head(lines, found)):
        return text, ""
    else:
        new, quoted = _above_and_below(lines, found)
    fresh = _GAPS.sub("\n\n", "\n".join(new)).strip()
    if not fresh or (quoted and is_signature(fresh)):
        return text.strip(), ""
    if found is not None and points_below(fresh[-_MAX_ABOVE:]) and not any(lines.marked):
        return text, ""
    return fresh, "\n".join(quoted).strip()


def _read(text: str) -> _Lines:
    shown = strip_invisible(text).split("\n")
    initials = _initials(shown) if _ANY_INITIALS.search(text) is not None else "\n"
    marked = [_MARK.match(line) is not None or line.startswith(initials) for line in shown]
    whole = text.split("\n")
    for at in _escaped(shown, marked) if ">From " in text else ():
        marked[at], whole[at], shown[at] = False, whole[at][1:], shown[at][1:]
    bare = [
        (_MARKS.sub("", line[: 2 * _MAX_LINE], count=1) if mark else line[: 2 * _MAX_LINE]).strip()[:_MAX_LINE]
        for line, mark in zip(shown[:_MAX_LINES], marked, strict=False)
    ]
    return _Lines(whole, bare, marked)


def _initials(shown: list[str]) -> str:
    """Return the initials, and ``>``, by which The Bat! marks what it quotes below its introduction ("AS> Hello"); a
    line end where no line has them."""
    above = ""
    for line in shown:
        found = _INITIALS.match(line)
        if found is not None and introduces(above):
            return found[0]
        above = line.strip()[:_MAX_LINE] or above
    return "\n"


def _escaped(shown: list[str], marked: list[bool]) -> list[int]:
    """Return the lines that a mailbox file marked because they begin with "From " (RFC 4155): no line next to one is
    marked, and none above introduces it."""
    found: list[int] = []
    above = ""
    for at, line in enumerate(shown):
        if line.startswith(">From ") and not above.endswith(":"):
            beside = (*marked[max(0, at - 1) : at], *marked[at + 1 : at + 2])
            found += [] if any(beside) else [at]
        above = line.strip() or above
    return found


def _above_and_below(lines: _Lines, found: _Introduction) -> tuple[list[str], list[str]]:
    last = len(lines.whole)
    if lines.marked[found.start]:
        # The introduction is quoted itself, and so is what it introduces, as far as it is marked.
        return _apart(lines, 0, last)
    new, quoted = _apart(lines, 0, found.start)
    if _is_marked_below(lines, found):
        # What is unmarked among marked lines was written now, below or between.
        below, marked = _apart(lines, found.end, last)
        return [*new, *below], [*quoted, *lines.whole[found.start : found.end], *marked]
    return new, [*quoted, *lines.whole[found.start :]]


def _is_bare_head(lines: _Lines, found: _Introduction) -> bool:
    """Return whether unmarked fields begin without a heading or a rule above."""
    bare = not lines.marked[found.start] and field_of(lines.bare[found.start]) is not None
    return found.kind is _Kind.HEAD and bare and not _is_marked_below(lines, found)


def _is_marked_below(lines: _Lines, found: _Introduction) -> bool:
    """Return whether the quote below is marked. A program that puts fields above a quote marks all of it or nothing;
    what is marked further down is older."""
    if found.kind is _Kind.LINE:
        return any(lines.marked[found.end :])
    return _is_marked_at(lines, found.end, len(lines.whole))


def _is_marked_at(lines: _Lines, at: int, reach: int = _MAX_BLANKS) -> bool:
    """Return whether the next line that is not blank is marked."""
    for here in range(at, min(len(lines.whole), at + reach + 1)):
        if lines.marked[here] or lines.whole[here].startswith("|"):
            return True
        if lines.whole[here].strip():
            return False
    return False


def _introduction(lines: _Lines) -> _Introduction | None:
    """Return the first introduction with the dividers above it."""
    for at, line in enumerate(lines.bare):
        if not line:
            continue
        found = _at(lines, at)
        if found is None:
            continue
        return _Introduction(found.kind, _with_divider(lines.bare, found.start, found.kind is _Kind.HEAD), found.end)
    return None


def _with_divider(bare: list[str], start: int, ruled: bool) -> int:
    """Return where the dividers begin that stand above a line, blank lines between them left aside.

    ``ruled``: whether a heading between dashes is one of them.
    """
    above = start
    while above:
        if _DIVIDER.fullmatch(bare[above - 1]) is not None or (ruled and is_ruled(bare[above - 1])):
            start = above - 1
        elif bare[above - 1] or start - above >= _MAX_BLANKS:
            break
        above -= 1
    return start


def _at(lines: _Lines, at: int) -> _Introduction | None:
    """Return the introduction that begins at a line."""
    bare = lines.bare
    if is_forward_heading(bare[at]):
        return _Introduction(_Kind.FORWARD, at, at + 1)
    if is_heading(bare[at]):
        return _Introduction(_Kind.HEAD, at, _end_under_heading(lines, at + 1))
    end = end_of_head(bare, at)
    if end > at:
        return _Introduction(_Kind.HEAD, at, end)
    span = _line_at(lines, at)
    if span is None:
        return None
    start, end = span
    return _Introduction(_Kind.LINE, start, max(end, end_of_head(bare, end) if end < len(bare) else end))


def _end_under_heading(lines: _Lines, at: int) -> int:
    """Return where the fields and lines end that stand between a heading and what it is the heading of."""
    end = at
    while end < min(len(lines.bare), at + _MAX_HEAD):
        here = end
        while here < len(lines.bare) and not lines.bare[here] and here - end < _MAX_BLANKS:
            here += 1
        if here >= len(lines.bare) or not lines.bare[here]:
            return end
        after = end_of_head(lines.bare, here, under_heading=True)
        if after == here:
            span = _line_at(lines, here)
            after = span[1] if span is not None and span[0] == here else here
        if after == here:
            return end
        end = after
    return end


def _line_at(lines: _Lines, at: int) -> tuple[int, int] | None:
    """Return where a line, or up to three that are one, introduces a quote."""
    bare = lines.bare
    for length in (1, 2, 3):
        end = at + length
        if length > 1 and (end > len(bare) or not bare[end - 1]):
            return None
        joined = bare[at] if length == 1 else " ".join(bare[at:end])
        if len(joined) > _MAX_LINE:
            return None
        sure = introduces(joined) if _may_introduce(joined) else Introduces.NOTHING
        if sure is Introduces.SURELY and not is_known(joined) and not _stands_apart(lines, at):
            sure = Introduces.LIKELY
        if sure is Introduces.SURELY or (sure and (lines.marked[at] or _is_marked_at(lines, end))):
            return _shortest(bare, at, end)
    return None


def _may_introduce(line: str) -> bool:
    """Return whether a line has the ending that all introductions have: a check a hundred times as fast as their
    patterns."""
    return line[-1:] in ":：->" or line.endswith("wrote") or "GMT" in line


def _stands_apart(lines: _Lines, at: int) -> bool:
    above = lines.bare[at - 1] if at else ""
    return not above or lines.marked[at] or lines.marked[at - 1] or _DIVIDER.fullmatch(above) is not None


def _shortest(bare: list[str], start: int, end: int) -> tuple[int, int]:
    """Return the introduction without lines before it that are no part of it: some patterns begin with anything."""
    while start + 1 < end and introduces(rest := " ".join(bare[start + 1 : end])):
        if is_dated(bare[start]) and not is_dated(rest):
            break
        start += 1
    return start, end


def _apart(lines: _Lines, start: int, end: int) -> tuple[list[str], list[str]]:
    """Return the lines without a mark and those with one."""
    new: list[str] = []
    quoted: list[str] = []
    for line, marked in zip(lines.whole[start:end], lines.marked[start:end], strict=True):
        (quoted if marked else new).append(line)
    return new, quoted
