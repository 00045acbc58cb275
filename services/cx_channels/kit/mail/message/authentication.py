"""Read Authentication-Results (RFC 8601): what a mail host found out about the origin of a mail.

The library for it (``authres``) was last released in 2019, takes quadratic time on a long field, and stops at
properties that large hosts write (``action=none``). What can't be read for certain, such as an unclosed quote or
comment, counts as nothing said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

PASS, FAIL = "pass", "fail"

_AROUND_EQUALS = re.compile(r"(?<!\s)\s*+=\s*+")
_VERSION = "1"

# What separates words, while it stands inside of a quoted string.
_QUOTED = str.maketrans({" ": "\ue000", "\t": "\ue000", "\n": "\ue000", ";": "\ue001", "=": "\ue002"})
_UNQUOTED = str.maketrans({"\ue000": " ", "\ue001": ";", "\ue002": "="})


@dataclass(frozen=True, slots=True)
class Result:
    """One method's result: ``dkim``, ``pass``, ``{"header.d": "example.com"}``. Names and result are in lower case."""

    method: str
    result: str
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Results:
    """One field. ``host``: the authserv-id, in lower case."""

    host: str
    results: tuple[Result, ...]


def results_of(value: str) -> Results | None:
    """Return what a field says; None where it names no host, is of another version or can't be read for certain."""
    segments = _segments(value)
    if segments is None:
        return None
    head, *stated = segments
    words = head.split()
    if not words or "=" in words[0] or (len(words) > 1 and words[1].isdigit() and words[1] != _VERSION):
        return None
    found = (_result(segment) for segment in stated)
    return Results(_plain(words[0]).lower(), tuple(each for each in found if each is not None))


def _segments(value: str) -> list[str] | None:
    """Return what stands between semicolons, without comments; None where a quote or a comment is left open."""
    pieces = list(_without_comments(value))
    if pieces and pieces[-1] is None:
        return None
    return "".join(piece for piece in pieces if piece is not None).split(";")


def _without_comments(value: str) -> Iterator[str | None]:
    """Yield the text outside of comments, separators in quotes replaced; None at the end where something is left open.

    A comment may hold others and is a blank (RFC 5322, section 3.2.2); a quote inside of one means nothing.
    """
    depth, quoted, escaped = 0, False, False
    for character in value:
        if escaped:
            escaped = False
            if not depth:
                yield character.translate(_QUOTED)
        elif character == "\\" and (depth or quoted):
            escaped = True
        elif quoted:
            quoted = character != '"'
            if quoted:
                yield character.translate(_QUOTED)
        elif character == "(":
            depth += 1
            yield " "
        elif depth:
            depth -= character == ")"
        elif character == '"':
            quoted = True
        elif character == ")":
            yield None
            return
        else:
            yield character
    if depth or quoted or escaped:
        yield None


def _result(segment: str) -> Result | None:
    """Return ``method/version=result name=value ...``; None for ``none``, another version and what is no result."""
    first, *others = _AROUND_EQUALS.sub("=", segment).split() or [""]
    name, equals, result = first.partition("=")
    method, slash, version = name.partition("/")
    if not equals or (slash and version != _VERSION):
        return None
    properties: dict[str, str] = {}
    for each in others:
        of, is_one, given = each.partition("=")
        if is_one:
            properties.setdefault(of.lower(), _plain(given))
    return Result(method.lower(), result.lower(), properties)


def _plain(word: str) -> str:
    return word.translate(_UNQUOTED)
