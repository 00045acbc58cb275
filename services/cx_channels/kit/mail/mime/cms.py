"""Open CMS messages (RFC 5652; S/MIME: RFC 8551, section 3) that are signed or compressed, but not encrypted.

A bounded walk down to ``encapContentInfo``: certificate parsers read only DER, while mail programs write BER, with open
lengths and content in pieces. Signatures are not checked and prove nothing about the writer here.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

from cx_channels.kit.mail.mime.lenient_base64 import unbase64

MEDIA_TYPES = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
MAX_INFLATED = 32 << 20

_SEQUENCE, _OID, _EXPLICIT, _OCTETS = 0x30, 0x06, 0xA0, 0x04
_CONSTRUCTED = 0x20
_SIGNED = bytes.fromhex("2a864886f70d010702")
_COMPRESSED = bytes.fromhex("2a864886f70d0109100109")
_ENCRYPTED = frozenset({
    bytes.fromhex("2a864886f70d010703"),  # enveloped-data
    bytes.fromhex("2a864886f70d010706"),  # encrypted-data
    bytes.fromhex("2a864886f70d0109100117"),  # auth-enveloped-data
})  # fmt: skip


class Opened(NamedTuple):
    """The opened message. ``content``: the entity inside, None where there is none to read; ``encrypted``: it can't be
    opened."""

    content: bytes | None = None
    encrypted: bool = False


class _Value(NamedTuple):
    """A tag and the slice of its content. A value of open length ends where its container ends."""

    tag: int
    start: int
    end: int
    open: bool


def opened(message: bytes) -> Opened:
    """Open a message in DER or BER, or in base64 where the header of its part forgot to say so."""
    if message[:1] != b"\x30":
        message = unbase64(b"".join(line for line in message.splitlines() if not line.startswith(b"-----")))
    try:
        return _opened(message)
    except _NotCms:
        return Opened()


class _NotCms(Exception):
    """The bytes are no CMS message of a known type."""


def _opened(message: bytes) -> Opened:
    outer = _expect(message, 0, len(message), _SEQUENCE)
    kind, at = _oid(message, outer.start, outer.end)
    if kind in _ENCRYPTED:
        return Opened(encrypted=True)
    if kind not in (_SIGNED, _COMPRESSED):
        return Opened()
    inner = _expect(message, _expect(message, at, outer.end, _EXPLICIT).start, outer.end, _SEQUENCE)
    at = _past(message, inner.start, inner.end)  # version
    at = _past(message, at, inner.end)  # digestAlgorithms, or compressionAlgorithm
    holder = _expect(message, at, inner.end, _SEQUENCE)
    _, at = _oid(message, holder.start, holder.end)
    if at >= holder.end or message[at] != _EXPLICIT:
        return Opened()  # certificates alone, or a signature of something that stands elsewhere
    explicit = _expect(message, at, holder.end, _EXPLICIT)
    value = _value(message, explicit.start, explicit.end)
    if value.tag & ~_CONSTRUCTED != _OCTETS:
        return Opened()
    content = _octets(message, value)
    return Opened(_inflated(content) if kind == _COMPRESSED else content)


def _value(message: bytes, at: int, end: int) -> _Value:
    """Return the value at a position (X.690, section 8.1). Raise ``_NotCms``."""
    if at + 2 > end:
        raise _NotCms
    tag, length = message[at], message[at + 1]
    at += 2
    if tag & 0x1F == 0x1F:  # a tag of several bytes; CMS has none
        raise _NotCms
    if length == 0x80:
        return _Value(tag, at, end, open=True)
    if length > 0x80:
        size = length & 0x7F
        if size > 8 or at + size > end:
            raise _NotCms
        length = int.from_bytes(message[at : at + size], "big")
        at += size
    return _Value(tag, at, min(end, at + length), open=False)


def _expect(message: bytes, at: int, end: int, tag: int) -> _Value:
    value = _value(message, at, end)
    if value.tag != tag:
        raise _NotCms
    return value


def _oid(message: bytes, at: int, end: int) -> tuple[bytes, int]:
    """Return an object identifier and the position behind it."""
    value = _expect(message, at, end, _OID)
    return message[value.start : value.end], value.end


def _past(message: bytes, at: int, end: int) -> int:
    """Return the position behind a value. A value of open length ends with two zero bytes at its own level."""
    depth = 0
    while True:
        value = _value(message, at, end)
        if value.tag == 0 and value.start == value.end and depth:
            depth -= 1
            at = value.end
        elif value.open:
            depth += 1
            at = value.start
        else:
            at = value.end
        if not depth:
            return at


def _octets(message: bytes, value: _Value) -> bytes:
    """Return the bytes of an octet string, which may be in pieces, and these in pieces again."""
    if value.tag == _OCTETS:
        return message[value.start : value.end]
    pieces: list[bytes] = []
    at, end = value.start, value.end
    depth = 1 if value.open else 0
    while at < end:
        piece = _value(message, at, end)
        if piece.tag == 0:
            depth -= 1
            at = piece.end
            if value.open and depth == 0:
                break
        elif piece.tag == _OCTETS:
            pieces.append(message[piece.start : piece.end])
            at = piece.end
        elif piece.tag == _OCTETS | _CONSTRUCTED:
            depth += piece.open
            at = piece.start
        else:
            break
    return b"".join(pieces)


def _inflated(content: bytes) -> bytes | None:
    """Return compressed content inflated (RFC 3274); None where that fails."""
    try:
        return zlib.decompressobj().decompress(content, MAX_INFLATED)
    except zlib.error:
        return None
