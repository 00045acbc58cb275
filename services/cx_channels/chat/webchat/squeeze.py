"""Leave out of a script's text what a browser does not need: comments, and blanks and signs that part nothing.

Nothing is renamed or reordered, so that a fault in a browser names what stands here. A ``const`` becomes a shorter
``let``: that nothing assigns to it again the linter has seen. Strings and regular expressions stay as they are, and
templates of one line; those of several lines hold style sheets.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""
    (?P<comment> /\*(?:(?!\*/).)*+(?:\*/)? | //[^\n]*+ )
  | (?P<string> "(?:(?=\\.)\\.|[^"\\\n])*+"? | '(?:(?=\\.)\\.|[^'\\\n])*+'? )
  | (?P<template> `(?:(?=\\.)\\.|[^`\\])*+`? )
  | (?P<regex> (?<=[(,=:\[!&|?{};\n]) [ ]*+ /(?![*/])
      (?:(?=\\.)\\.|\[(?:(?=\\.)\\.|[^\]\\\n])*+\]?|[^/\\\[\n])++(?:/[a-z]*)? )
  | (?P<blank> [ \t\n]+ )
  | (?P<rest> [A-Za-z0-9_$\#]+ | . )
    """,
    re.VERBOSE | re.DOTALL,
)
"""Templates within a template are not known: none is written so. A regular expression follows a sign, with blanks at
most between. What is not closed goes on to its line's or the text's end, so that no text is read twice."""

_WORD = re.compile(r"[A-Za-z0-9_$#]")
_BEGINS, _CLOSES, _GO_ON = frozenset("{,;("), frozenset("})]"), frozenset("})].?&|")
_STYLES = (
    (re.compile(r"/\*(?:(?!\*/).)*+(?:\*/)?", re.DOTALL), ""),
    (re.compile(r"\s+"), " "),
    (re.compile(r" ?([{};,>]) ?"), r"\1"),
    (re.compile(r"(?<=:) +"), ""),
    (re.compile(r";(?=\})"), ""),
)


def squeeze(text: str) -> str:
    """Return the same program in fewer characters."""
    found: list[str] = []
    for match in _TOKEN.finditer(text):
        piece = _squeezed(match.lastgroup or "", match.group())
        if piece.isspace() and found and found[-1].isspace():
            piece = "\n" if "\n" in (piece, found.pop()) else " "
        found.append(piece)
    return "".join(_with_joined_lets(_without_signs(_without_blanks(found)))).strip()


def _squeezed(kind: str, piece: str) -> str:
    if kind == "comment":
        return " "
    if kind == "blank":
        return "\n" if "\n" in piece else " "
    if kind == "template" and "\n" in piece:
        return _squeeze_styles(piece)
    return "let" if piece == "const" else piece


def _without_blanks(pieces: list[str]) -> list[str]:
    """Drop each space that does not part two words, or two signs that would be another one together."""
    kept: list[str] = []
    for index, piece in enumerate(pieces):
        if piece == " ":
            before = pieces[index - 1][-1:] if index else ""
            after = pieces[index + 1][:1] if index + 1 < len(pieces) else ""
            parts_words = _WORD.match(before) and _WORD.match(after)
            if not parts_words and not (before == after and before in "+-"):
                continue
        kept.append(piece)
    return kept


def _without_signs(pieces: list[str]) -> list[str]:
    """Drop what ends or parts what is ended or parted already: a semicolon before a brace, a line's end beside a sign
    that goes on, brackets around the one name of an arrow function."""
    kept: list[str] = []
    for index, piece in enumerate(pieces):
        after = pieces[index + 1] if index + 1 < len(pieces) else ""
        if piece == "\n" and ((kept and kept[-1] in _BEGINS) or after in _GO_ON):
            continue
        if piece in _CLOSES and kept and kept[-1] in (";", ","):
            kept.pop()
        kept.append(piece)
        if _takes_one_name(kept):
            kept[-5:] = [kept[-4], "=", ">"]
    return kept


def _takes_one_name(kept: list[str]) -> bool:
    """Return whether the end is ``(name)=>``, not of an ``async`` function."""
    if kept[-2:] != ["=", ">"] or len(kept) < 5 or kept[-3] != ")" or kept[-5] != "(" or not _WORD.match(kept[-4]):
        return False
    return len(kept) == 5 or not _WORD.match(kept[-6][-1])


def _with_joined_lets(pieces: list[str]) -> list[str]:
    """Make one declaration of those that follow one another: ``let a=1;let b=2`` becomes ``let a=1,b=2``."""
    kept: list[str] = []
    declares = [False]  # whether the statement under way, or the one that just ended, declares, by depth of brackets
    for piece in pieces:
        ended = kept[-1:] == [";"]
        if piece in ("{", "(", "["):
            declares.append(False)
        elif piece in ("}", ")", "]"):
            declares.pop()
        if piece == "let" and ended and declares[-1]:
            kept[-1] = ","
            continue
        if piece == " " and kept[-1:] == [","]:
            continue  # it parted `let` and a name
        if piece == "let":
            declares[-1] = True
        elif ended:
            declares[-1] = False
        kept.append(piece)
    return kept


def _squeeze_styles(text: str) -> str:
    for pattern, left in _STYLES:
        text = pattern.sub(left, text)
    return text
