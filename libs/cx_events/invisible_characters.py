"""Remove invisible characters from text.

Copying from a web page, a chat or a contact list brings such characters along: zero-width characters, marks of
direction around a number (iOS and WhatsApp put U+202A and U+202C there), byte order marks, and blanks of odd widths.
"""

from __future__ import annotations

_UNSEEN = (
    0xAD,  # soft hyphen
    0x34F,  # combining grapheme joiner
    0x61C,  # Arabic letter mark
    *(0x115F, 0x1160, 0x3164, 0xFFA0),  # Hangul fillers
    *(0x17B4, 0x17B5),  # Khmer inherent vowels
    *range(0x180B, 0x1810),  # Mongolian variation selectors and vowel separator
    *range(0xFE00, 0xFE10),  # variation selectors
    *range(0x200B, 0x2010),  # zero-width characters, left-to-right and right-to-left mark
    *range(0x202A, 0x202F),  # embeddings and overrides of direction
    *range(0x2060, 0x2070),  # word joiner, invisible operators, isolates of direction
    0xFEFF,  # byte order mark
    *range(0xFFF9, 0xFFFD),  # interlinear annotation, and what stands for an object (iOS leaves it where one dictates)
    *range(0x1BCA0, 0x1BCA4),  # shorthand format controls
    *range(0x1D173, 0x1D17B),  # musical format controls
    *range(0xE0000, 0xE1000),  # tags, further variation selectors
)
_BLANKS = (0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x2800, 0x3000)
_SEEN = {**dict.fromkeys(_UNSEEN), **dict.fromkeys(_BLANKS, " ")}


def strip_invisible(text: str) -> str:
    """Return the text without invisible characters, and with plain blanks. Total and idempotent."""
    return text if text.isascii() else text.translate(_SEEN)
