"""Find the known word that a misspelt one stands for.

``nearest("mesage", {"message", "member"})`` is ``"message"``. Letter case and everything but letters and digits count
for nothing, so that ``contentType`` is near ``content_type``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

MAX_WORD = 64
"""Characters of a word that is compared at all: the time taken grows with the square of it."""

_SHORT, _LONG = 4, 6


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the nearest of the known words, the least of several; None where none is near.

    Near is: one edit for a word of four or five letters and digits, two for a longer one, none for a shorter one. An
    edit inserts, removes or replaces a character, or exchanges two neighbours (optimal string alignment).
    """
    if len(word) > MAX_WORD:
        return None
    letters = _letters(word)
    most = 0 if len(letters) < _SHORT else 1 if len(letters) < _LONG else 2
    found: tuple[int, str] | None = None
    for each in known:
        other = _letters(each)
        if each == word or abs(len(other) - len(letters)) > most:
            continue
        distance = _distance(letters, other)
        if distance <= most and (found is None or (distance, each) < found):
            found = distance, each
    return found[1] if found else None


def _letters(word: str) -> str:
    return "".join(character for character in word.lower() if character.isalnum())


def _distance(a: Sequence[str], b: Sequence[str]) -> int:
    """Return the edits that make ``b`` of ``a``."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        earlier, before, row = before, row, [i]
        for j, right in enumerate(b, 1):
            edits = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (left != right))
            if i > 1 and j > 1 and left == b[j - 2] and a[i - 2] == right:
                edits = min(edits, earlier[j - 2] + 1)
            row.append(edits)
    return row[-1]
