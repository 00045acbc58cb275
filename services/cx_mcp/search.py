"""Find words in a customer's history: all of them in one line, whatever their case and accents."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from cx_events.json_types import Json

PAGE = 200
PAGES = 5
"""Pages of history that one search reads."""


def folded(text: str) -> str:
    """Return a text without case and accents (Unicode NFKD, then case folding)."""
    plain = unicodedata.normalize("NFKD", text)
    return "".join(each for each in plain if not unicodedata.combining(each)).casefold()


def entry_text(entry: Json) -> str:
    """Return all words of an entry."""
    lines = [entry.get("text") or "", entry.get("subject") or ""]
    lines += [line.get("text") or "" for line in entry.get("transcript") or []]
    return "\n".join(lines)


def matching(entries: Sequence[Json], words: str) -> list[Json]:
    """Return the entries that have all words."""
    wanted = folded(words).split()
    return [entry for entry in entries if all(word in folded(entry_text(entry)) for word in wanted)]
