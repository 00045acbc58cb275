"""A script's text without what a browser does not need: comments, and blanks between signs.

Nothing is renamed or reordered, and statements keep their lines, so that a fault in a browser still names what stands
here. A `const` becomes a shorter `let`: that nothing assigns to it again the linter has seen. Strings
and regular expressions stay as they are, templates too, but for those of several lines, which hold style sheets.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""
    (?P<comment> /\*.*?\*/ | //[^\n]* )
  | (?P<string> "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' )
  | (?P<template> `(?:\\.|[^`\\])*` )
  | (?P<regex> (?<=[(,=:\[!&|?{};\n]) [ ]* /(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\[\n])+/[a-z]* )
  | (?P<blank> [ \t\n]+ )
  | (?P<rest> [A-Za-z0-9_$\#]+ | . )
    """,
    re.VERBOSE | re.DOTALL,
)
"""Templates within a template are not known: none is written so. A regular expression follows a sign, with blanks at
most between."""

_WORD = re.compile(r"[A-Za-z0-9_$#]")
_GO_ON = frozenset("})].?&|")


def squeeze(text: str) -> str:
    """Return the same program in fewer characters."""
    found: list[str] = []
    for match in _TOKEN.finditer(text):
        kind, token = match.lastgroup, match.group()
        if kind == "comment":
            token = " "
        elif token == "const":
            token = "let"
        elif kind == "template" and "\n" in token:
            token = _squeeze_styles(token)
        if kind in ("comment", "blank"):
            token = "\n" if "\n" in token else " "
            if found and found[-1].isspace():
                token = "\n" if "\n" in (token, found.pop()) else " "
        found.append(token)
    return "".join(_without_signs(_without_blanks(found))).strip()


def _without_blanks(tokens: list[str]) -> list[str]:
    """Drop each space that does not part two words, or two signs that would be another one together."""
    kept: list[str] = []
    for index, token in enumerate(tokens):
        if token == " ":
            before, after = tokens[index - 1][-1:] if index else "", tokens[index + 1][:1] if index + 1 < len(tokens) else ""
            parts_words = _WORD.match(before) and _WORD.match(after)
            if not parts_words and not (before == after and before in "+-"):
                continue
        kept.append(token)
    return kept


def _without_signs(tokens: list[str]) -> list[str]:
    """Drop what ends or parts what is ended or parted already: a semicolon before a brace, a line's end beside a sign
    that goes on, brackets around the one name of an arrow function."""
    kept: list[str] = []
    for index, token in enumerate(tokens):
        after = tokens[index + 1] if index + 1 < len(tokens) else ""
        if token == "\n" and (kept[-1:] and kept[-1] in "{,;(" or after in _GO_ON):
            continue
        if token in "})]" and kept[-1:] in ([";"], [","]):
            kept.pop()
        kept.append(token)
        if kept[-2:] == ["=", ">"] and kept[-3:-2] == [")"] and kept[-5:-4] == ["("] and _is_name(kept[-4]):
            if not (kept[-6:-5] and _WORD.match(kept[-6][-1])):
                kept[-5:] = [kept[-4], "=", ">"]
    return kept


def _is_name(token: str) -> bool:
    return _WORD.match(token) is not None


def _squeeze_styles(text: str) -> str:
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return re.sub(r"(?<=:) +", "", re.sub(r"\s*([{};,>])\s*", r"\1", re.sub(r"\s+", " ", text)))
