"""Decode encoded words in header fields (RFC 2047)."""

from __future__ import annotations

import binascii
import re

from cx_channels.kit.mail.mime.charsets import clean, decode
from cx_channels.kit.mail.mime.lenient_base64 import unbase64

# Some programs leave question marks in a text as they are. A text ends before the next word at the latest.
_WORD = re.compile(r"=\?([^?\s=]{1,60})\?([bBqQ])\?((?:[^?=\r\n]|(?!\?=)\?|(?!=\?(?!=))=)*+)\?=")


def decode_words(value: str) -> str:
    """Return a value with its encoded words decoded.

    Adjacent words of one charset are joined before they are decoded, since senders cut inside a character.
    """
    if "=?" not in value:
        return value
    out: list[str] = []
    run: bytearray | None = None
    charset, at = "", 0
    for match in _WORD.finditer(value):
        between = value[at : match.start()]
        content = _word_content(match[2], match[3])
        named = match[1].partition("*")[0].lower()
        if run is not None and not between.strip() and named == charset:
            run += content
        else:
            if run is not None:
                out.append(decode(bytes(run), charset))
            if run is None or between.strip():
                out.append(between)
            run, charset = bytearray(content), named
        at = match.end()
    if run is not None:
        out.append(decode(bytes(run), charset))
    out.append(value[at:])
    return clean("".join(out))


def _word_content(encoding: str, text: str) -> bytes:
    content = text.encode("utf-8", "replace")
    return unbase64(content) if encoding in "bB" else binascii.a2b_qp(content, header=True)


def charsets_of_words(value: str) -> list[str]:
    """Return the charsets that the encoded words of a value name, in order."""
    return [match[1].partition("*")[0] for match in _WORD.finditer(value)] if "=?" in value else []
