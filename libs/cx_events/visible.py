"""Text without what nobody sees.

Copying from a web page, a chat or a contact list brings marks along that show nothing: zero-width characters, marks of
direction around a number (iOS and WhatsApp put U+202A and U+202C there), byte order marks, and blanks of odd widths.
"""

from __future__ import annotations

_UNSEEN = (
    0xAD,  # soft hyphen
    0x61C,  # Arabic letter mark
    0x180E,  # Mongolian vowel separator
    *range(0x200B, 0x2010),  # zero-width characters, left-to-right and right-to-left mark
    *range(0x202A, 0x202F),  # embeddings and overrides of direction
    *range(0x2060, 0x2070),  # word joiner, invisible operators, isolates of direction
    0xFEFF,  # byte order mark
    *range(0xFFF9, 0xFFFC),  # interlinear annotation
    *range(0xE0000, 0xE0080),  # tags
)
_BLANKS = (0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000)
_SEEN = {**dict.fromkeys(_UNSEEN), **dict.fromkeys(_BLANKS, " ")}


def visible(text: str) -> str:
    """Return the text without invisible characters, with each blank of any width as a plain one. Total, and its own
    fixed point."""
    return text if text.isascii() else text.translate(_SEEN)
