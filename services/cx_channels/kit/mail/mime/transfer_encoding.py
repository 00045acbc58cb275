"""Undo transfer encodings (RFC 2045, section 6), also where the header names none or a wrong one."""

from __future__ import annotations

import binascii
import re

from cx_channels.kit.mail.mime.addresses import split_comments
from cx_channels.kit.mail.mime.lenient_base64 import unbase64

_QUOTED_PRINTABLE = frozenset({"quoted-printable", "quotedprintable", "quoted_printable"})
_UUENCODED = frozenset({"x-uuencode", "uuencode", "x-uue", "uue"})

_MIN_ENCODED = 24
_NOT_OF_BASE64 = re.compile(rb"^[ \t]*+(?=[^ \t\r\n])(?![A-Za-z0-9+/=]++[ \t]*+\r?$)", re.MULTILINE)
_PADDED = re.compile(rb"[ \t]*+[A-Za-z0-9+/]{2,998}={1,2}(?=[ \t\r\n]|\Z)")
_LONG_LINE = re.compile(rb"^[A-Za-z0-9+/=]{40}", re.MULTILINE)
_BASE64 = re.compile(rb"\s*+[A-Za-z0-9+/\r\n]++={0,2}\s*+")
_FULL_LINES = re.compile(rb"\s*+([A-Za-z0-9+/]{57,998})\r?\n[A-Za-z0-9+/]")
_BINARY = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_BLANKS_AT_BREAK = re.compile(rb"=[ \t]++\r?\n")
_BLANK = re.compile(rb"[ \r\n\t]")
_NOT_QUOTED_PRINTABLE = re.compile(rb"=(?![0-9A-F]{2}|[ \t]*+\r?\n)")
_SURELY_QUOTED_PRINTABLE = re.compile(
    rb"(?:=[89A-F][0-9A-F]){2}|=20\r?\n|=[0-9A-F]{2}[^=]{0,76}=\r?\n|[A-Za-z]=[89A-F][0-9A-F][A-Za-z][^=]{0,76}=[89A-F]"
)


def undo_transfer(raw: bytes, encoding: str) -> bytes:
    """Return the bytes as they were before the transfer. Unknown encodings and spellings ("7-bit", "plain") change
    nothing."""
    name = _name(encoding)
    if name == "base64":
        return unbase64(raw)
    if name in _QUOTED_PRINTABLE:
        return _unquoted(raw)
    if name in _UUENCODED:
        return _uudecoded(raw)
    return raw


def undo_transfer_of_text(raw: bytes, encoding: str) -> bytes:
    """Undo the transfer encoding of text that people read.

    Beyond ``undo_transfer`` it reads text in another encoding than the declared one, text in none, and text that a host
    on the way appended to the encoded one.
    """
    name = _name(encoding)
    if name == "base64":
        return _base64_and_text(raw)
    if name in _UUENCODED:
        return _uudecoded(raw)
    if name in _QUOTED_PRINTABLE:
        return _decoded(raw) or _unquoted(raw)
    if b"=" in raw and raw.isascii() and _is_quoted_printable(raw):
        return _unquoted(raw)
    return _decoded(raw) or raw


def _unquoted(raw: bytes) -> bytes:
    """Undo quoted-printable. Blanks that a host put at the end of a line that goes on are nothing (RFC 2045, 6.7)."""
    return binascii.a2b_qp(_BLANKS_AT_BREAK.sub(b"=\n", raw))


def _name(encoding: str) -> str:
    if "(" in encoding:
        encoding, _ = split_comments(encoding)
    return (encoding.lower().split() or [""])[0].strip("\"';,")


def _base64_and_text(raw: bytes) -> bytes:
    match = _NOT_OF_BASE64.search(raw)
    if match is None:
        return unbase64(raw)
    at = match.start()
    padding = _PADDED.match(raw, at)  # what follows padding on its line is nothing
    if padding is not None:
        at = padding.end()
    encoded, rest = raw[:at], raw[at:]
    if padding is not None:
        rest = rest.partition(b"\n")[2]
    if _LONG_LINE.search(rest) is not None:  # a damaged line among encoded ones
        return unbase64(raw)
    if not encoded.strip():
        return undo_transfer_of_text(raw, "")
    return unbase64(encoded) + b"\n" + rest if rest.strip() else unbase64(encoded)


def _decoded(raw: bytes) -> bytes | None:
    """Return the text where the bytes are nothing but base64; else None."""
    if _BASE64.fullmatch(raw) is None:
        return None
    letters = b"".join(raw.split())
    if len(letters) < _MIN_ENCODED or len(letters) % 4:
        return None
    content = unbase64(letters)
    binary = len(_BINARY.findall(content))
    if _BLANK.search(content) is None or binary * 20 > len(content):
        return None
    if _FULL_LINES.match(raw) is not None:
        return content
    if binary:
        return None
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return content


def _is_quoted_printable(raw: bytes) -> bool:
    return _NOT_QUOTED_PRINTABLE.search(raw) is None and _SURELY_QUOTED_PRINTABLE.search(raw) is not None


def _uudecoded(raw: bytes) -> bytes:
    out, inside = [], False
    for line in raw.splitlines():
        if not inside:
            inside = line.startswith(b"begin ")
        elif line.strip() in (b"end", b"`", b""):
            break
        else:
            try:
                out.append(binascii.a2b_uu(line))
            except binascii.Error:  # trailing junk; the first character counts the bytes of the line
                wanted = (((line[0] - 32) & 63) * 4 + 5) // 3
                try:
                    out.append(binascii.a2b_uu(line[:wanted]))
                except binascii.Error:
                    continue
    return b"".join(out) if inside else raw
