"""Split a filter's text into words, operators and marks. Linear in the text."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, cast

from cx_events.filters.syntax import BadFilter

MOST_CHARACTERS = 4_000

Mark = Literal["word", "operator", "(", ")", ",", "end"]

_OPERATOR_CHARACTERS = "=!<>~"
_bare = re.compile(r"[^\s()=!<>~,\"'\\]++")
_quoted = re.compile(r"\"((?:[^\"\\]|(?=\\.)\\.)*+)\"|'((?:[^'\\]|(?=\\.)\\.)*+)'", re.DOTALL)
_escape = re.compile(r"\\(.)", re.DOTALL)
_operator = re.compile(r"[=!<>~]++")
_space = re.compile(r"\s*+")


class Fragment(NamedTuple):
    """A stretch of a word. Quoted, its characters stand for themselves."""

    text: str
    is_quoted: bool


class Token(NamedTuple):
    """``text``: as it is written. ``fragments``: of a word; quoted and bare ones may follow each other directly."""

    mark: Mark
    text: str
    at: int
    fragments: tuple[Fragment, ...] = ()

    def says(self, keyword: str) -> bool:
        """Return whether this is a keyword, whatever its case; in quotes it is none."""
        return self.mark == "word" and self.text.lower() == keyword


def split(text: str) -> list[Token]:
    """Return the tokens of a filter, the last of them its end. Raises ``BadFilter``."""
    if len(text) > MOST_CHARACTERS:
        raise BadFilter(MOST_CHARACTERS, f"a filter has at most {MOST_CHARACTERS} characters")
    tokens: list[Token] = []
    at = _past(_space, text, 0)
    while at < len(text):
        tokens.append(_token(text, at))
        at = _past(_space, text, at + len(tokens[-1].text))
    tokens.append(Token("end", "", len(text)))
    return tokens


def _past(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return at if found is None else found.end()


def _token(text: str, at: int) -> Token:
    if text[at] in "(),":
        return Token(cast(Mark, text[at]), text[at], at)
    if text[at] in _OPERATOR_CHARACTERS:
        return Token("operator", text[at : _past(_operator, text, at)], at)
    return _word(text, at)


def _word(text: str, begin: int) -> Token:
    fragments = []
    at = begin
    while at < len(text):
        if text[at] in "\"'":
            found = _quoted.match(text, at)
            if found is None:
                raise BadFilter(at, f"the quotation that begins with {text[at]} has no end")
            inner = found[1] if found[1] is not None else found[2]
            fragments.append(Fragment(_escape.sub(r"\1", inner), is_quoted=True))
        elif text[at] == "\\":
            raise BadFilter(at, "a backslash has a meaning in quotes only; put the value in quotes")
        else:
            found = _bare.match(text, at)
            if found is None:
                break
            fragments.append(Fragment(found[0], is_quoted=False))
        at = found.end()
    return Token("word", text[begin:at], begin, tuple(fragments))
