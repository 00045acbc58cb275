"""What is new in a reply, and what it quotes.

quotequail knows the lines that introduce a quote or a forwarded mail in several languages; those that it lacks stand
in ``introductions``, each tried on one line and on up to three lines joined. Its expressions take cubic time on long
lines, so it is shown short lines only, and a bounded number of them.
"""

from __future__ import annotations

import re

import quotequail

from cx_channels.mail.introductions import FIELD, FORWARDED, FROM, HEADING, ORIGINAL, introduces, is_dated

_MAX_LINES = 1_500
_MAX_LINE = 250
_NOTHING = "x"

_GAPS = re.compile(r"\n{3,}")
_DIVIDER = re.compile(r"\s*(?:_{5,}|-{5,})\s*")


def split(text: str) -> tuple[str, str]:
    """(new, quoted). Answers below or between quoted lines are new. A forwarded mail is what its sender has to say, so
    it stays; so does a text in which nothing would be new."""
    lines = text.split("\n")
    start, end = _introduction(lines)
    if start is None:
        new, quoted = _unquoted(lines)
    elif _is_forwarded(lines, start, end):
        return text, ""
    else:
        while end < len(lines) and (FROM.fullmatch(lines[end][:_MAX_LINE]) or FIELD.fullmatch(lines[end][:_MAX_LINE])):
            end += 1
        new, quoted = _unquoted(lines[:start])
        rest = lines[end:]
        if any(line.startswith(">") for line in rest):
            # Marked lines follow: what is unmarked among them was written now, below or between.
            below, marked = _unquoted(rest)
            new, quoted = [*new, *below], [*quoted, *lines[start:end], *marked]
        else:
            quoted += lines[start:]
    fresh = _GAPS.sub("\n\n", "\n".join(new)).strip()
    return (fresh, "\n".join(quoted).strip()) if fresh else (text.strip(), "")


def _introduction(lines: list[str]) -> tuple[int | None, int]:
    """Where the lines that introduce a quote begin and end; (None, 0) if there are none."""
    shown = [line if len(line) <= _MAX_LINE else _NOTHING for line in lines[:_MAX_LINES]]
    found = [place for place in (_by_quotequail(shown), _by_own(shown)) if place is not None]
    if not found:
        return None, 0
    start, end = min(found)
    while start and _DIVIDER.fullmatch(shown[start - 1]):
        start -= 1
    return start, end


def _is_forwarded(lines: list[str], start: int, end: int) -> bool:
    """By what introduces it, or by a line of its own above."""
    above = next((line for line in reversed(lines[max(0, start - 3) : start]) if line.strip()), "")
    heading = above if HEADING.fullmatch(above) else ""
    return FORWARDED.search(" ".join((heading, *lines[start:end]))) is not None


def _by_quotequail(shown: list[str]) -> tuple[int, int] | None:
    text = "\n".join(shown)
    limit = len(shown) + 2
    parts = quotequail.quote(text, limit=limit, quote_intro_line=True)
    if len(parts) < 2:
        return None
    start = len(shown) - (parts[1][1].count("\n") + 1)
    through = quotequail.quote(text, limit=limit, quote_intro_line=False)[0][1]
    return start, max(start, through.count("\n")) + 1


def _by_own(shown: list[str]) -> tuple[int, int] | None:
    for at, line in enumerate(shown):
        bare = line.removeprefix(">").strip()
        if not bare:
            continue
        if ORIGINAL.fullmatch(bare) or _is_head(shown, at):
            return at, at + 1
        for length in (1, 2, 3):
            if length > 1 and (at + length > len(shown) or not shown[at + length - 1].removeprefix(">").strip()):
                break
            joined = _joined(shown[at : at + length])
            if len(joined) <= _MAX_LINE and introduces(joined):
                return _shortest(shown, at, at + length)
    return None


def _shortest(shown: list[str], start: int, end: int) -> tuple[int, int]:
    """Without the lines before that are no part of the introduction: some patterns begin with anything."""
    while start + 1 < end and introduces(rest := _joined(shown[start + 1 : end])):
        if is_dated(shown[start]) and not is_dated(rest):
            break
        start += 1
    return start, end


def _joined(lines: list[str]) -> str:
    return " ".join(line.removeprefix(">").strip() for line in lines)


def _is_head(shown: list[str], at: int) -> bool:
    """Whether a line is the first of the fields that Outlook puts before what it quotes: who wrote, and two more. Where
    who wrote is not the first of them, it must be an address: people write such lines too."""
    head = [line.removeprefix(">") for line in shown[at : at + 8] if line.strip()][:5]
    if not head or sum(FIELD.fullmatch(line) is not None for line in head) < 2:
        return False
    if FROM.fullmatch(head[0]):
        return True
    return FIELD.fullmatch(head[0]) is not None and any("@" in line and FROM.fullmatch(line) for line in head)


def _unquoted(lines: list[str]) -> tuple[list[str], list[str]]:
    new: list[str] = []
    quoted: list[str] = []
    for line in lines:
        (quoted if line.startswith(">") else new).append(line)
    return new, quoted
