"""Decode base64 as senders write it: with strange characters, without padding, in several pieces."""

from __future__ import annotations

import binascii
import re

_BEHIND_PADDING = re.compile(rb"=\s*+[A-Za-z0-9+/]")
"""Some programs encode each line, or each of several texts, on its own."""

_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="))


def unbase64(content: bytes) -> bytes:
    """Return what can be decoded: strange characters are skipped, missing padding is added, a lone last character is
    dropped."""
    if _BEHIND_PADDING.search(content, max(content.find(b"="), 0)) is None:
        try:
            return binascii.a2b_base64(content)
        except binascii.Error:
            pass
    pieces = (piece for piece in content.translate(None, _NOT_BASE64).split(b"=") if piece)
    return b"".join(_padded(piece) for piece in pieces)


def _padded(letters: bytes) -> bytes:
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))
