"""Cut text of any script into the words by which it is found, and say where a query's words stand in it. Pure.

Both stores hold words folded here, so neither database's idea of letters, case or collation counts: compatibility
forms, case and accents are taken away (NFKD, case folding, marks of a combining class), letters that don't decompose
are exchanged (``ø`` for ``o``). Everything but letters, digits and the marks that belong to them parts words. Scripts
without spaces between words are found by each two letters that stand together.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

MOST_WORD = 64
"""Characters of a word that count."""
MOST_TEXT = 20_000
"""Characters of a text whose words count."""
MOST_WORDS = 256
"""Different words of a text that count."""
MOST_QUERY = 256
"""Characters of a query."""
MOST_QUERY_WORDS = 12

_KEPT = 20_000
"""Characters whose folded form is remembered."""

_LETTERS = {
    "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t", "ŋ": "n",
}  # fmt: skip

_WITHOUT_SPACES = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF), (0x31F0, 0x31FF), (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF),
)  # fmt: skip
"""Thai and Lao, Burmese, Khmer, kana, Han (https://www.unicode.org/charts)."""


class _Folding(dict[int, str]):
    """Each character's folded form, " " of what parts words, "" of an accent."""

    def __missing__(self, ordinal: int) -> str:
        folded = "".join(map(_folded_one, unicodedata.normalize("NFKD", chr(ordinal)).casefold()))
        if len(self) < _KEPT:
            self[ordinal] = folded
        return folded


def _folded_one(character: str) -> str:
    if unicodedata.combining(character):
        return ""
    if character.isalnum() or unicodedata.category(character)[0] == "M":
        return _LETTERS.get(character, character)
    return " "


_FOLDING = _Folding()


class Range(NamedTuple):
    """A stretch of a text: its begin and end in characters (code points), the end not included."""

    start: int
    end: int


class Query(NamedTuple):
    """The words that must all be there; the last one as the beginning of a word. None: there is nothing to look for."""

    words: tuple[str, ...]


def folded(text: str) -> str:
    """Return a text folded, its words parted by single spaces."""
    return " ".join(text[:MOST_TEXT].translate(_FOLDING).split())


def words_of(text: str, most: int = MOST_WORDS) -> list[str]:
    """Return the different words of a text in their order, at most so many."""
    found: dict[str, None] = {}
    for token in text[:MOST_TEXT].translate(_FOLDING).split():
        for word in _words_in(token):
            found[word] = None
            if len(found) == most:
                return list(found)
    return list(found)


def query_of(text: str) -> Query:
    """Return what a query asks for; of more than ``MOST_QUERY_WORDS`` words the first."""
    return Query(tuple(words_of(text[:MOST_QUERY], MOST_QUERY_WORDS)))


def _words_in(token: str) -> Iterator[str]:
    if token.isascii() or not any(map(_lacks_spaces, token)):
        yield token[:MOST_WORD]
        return
    run = ""
    for dense, piece in _runs(token):
        if not dense:
            yield piece[:MOST_WORD]
            continue
        run = piece
        if len(run) == 1:
            yield run
        for at in range(len(run) - 1):
            yield run[at : at + 2]


def _runs(token: str) -> Iterator[tuple[bool, str]]:
    """Yield the pieces of a token that are of scripts without spaces, and those that are not."""
    start = 0
    for at in range(1, len(token) + 1):
        if at == len(token) or _lacks_spaces(token[at]) != _lacks_spaces(token[start]):
            yield _lacks_spaces(token[start]), token[start:at]
            start = at


def _lacks_spaces(character: str) -> bool:
    return character >= "\u0e00" and any(first <= ord(character) <= last for first, last in _WITHOUT_SPACES)


def highlights(text: str, words: Iterable[str], *, beginnings: bool = True) -> list[Range]:
    """Return where a query's words stand in a text. ``beginnings``: each also as the beginning of a longer word, of
    which the beginning is told; else the last one alone."""
    wanted = list(words)
    beginning = wanted if beginnings else wanted[-1:]
    text = text[:MOST_TEXT]
    if text.isascii():
        return _joined(_ranges_in_ascii(text.lower(), wanted, beginning))
    found: list[Range] = []
    for token, places in _placed_tokens(text):
        if token.isascii() or not any(map(_lacks_spaces, token)):
            lengths = [len(each) for each in wanted if token[:MOST_WORD] == each]
            lengths += [len(each) for each in beginning if token.startswith(each)]
            if lengths:
                found.append(Range(places[0], places[max(lengths) - 1] + 1))
        else:
            for each in wanted:
                at = token.find(each)
                while at >= 0:
                    found.append(Range(places[at], places[at + len(each) - 1] + 1))
                    at = token.find(each, at + len(each))
    return _joined(found)


def _ranges_in_ascii(text: str, wanted: Iterable[str], beginning: Sequence[str]) -> list[Range]:
    """Return where words stand in lower-case ASCII, which is its own folded form. A token begins behind what is no
    letter and no digit, so the next one that may begin so stands behind what was found."""
    found: list[Range] = []
    for each in wanted:
        may_go_on = each in beginning or len(each) == MOST_WORD
        at = text.find(each)
        while at >= 0:
            end = at + len(each)
            if not text[at - 1 : at].isalnum() and (may_go_on or not text[end : end + 1].isalnum()):
                found.append(Range(at, end))
            at = text.find(each, end)
    return found


def _placed_tokens(text: str) -> Iterator[tuple[str, Sequence[int]]]:
    """Yield each folded token, and by its characters the places in the text that they come from."""
    letters: list[str] = []
    places: list[int] = []
    for at, character in enumerate(text):
        for letter in _FOLDING[ord(character)]:
            if letter != " ":
                letters.append(letter)
                places.append(at)
            elif letters:
                yield "".join(letters), places
                letters, places = [], []
    if letters:
        yield "".join(letters), places


def _joined(ranges: list[Range]) -> list[Range]:
    """Return ranges in order, those that touch as one."""
    joined: list[Range] = []
    for one in sorted(ranges):
        if joined and one.start <= joined[-1].end:
            joined[-1] = Range(joined[-1].start, max(joined[-1].end, one.end))
        else:
            joined.append(one)
    return joined


def excerpt(text: str, ranges: Sequence[Range], most: int) -> tuple[str, int]:
    """Return at most so many characters of a text, the first range among them, and where they begin."""
    start = max(0, min(ranges[0].start - most // 4, len(text) - most)) if ranges else 0
    return text[start : start + most], start


def digits_in(text: str) -> str:
    """Return the digits of a text, in ASCII."""
    if text.isascii():
        return "".join(filter(str.isdigit, text))
    return "".join(str(unicodedata.digit(each)) for each in text if each.isdigit())
