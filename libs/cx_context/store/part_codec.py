"""Encode and decode a part's bytes, whole or in pieces."""

from __future__ import annotations

from struct import Struct

import msgspec
from cramjam import lz4

from cx_context.parts.header import PartHeader, PartRead, PartWords
from cx_context.parts.model import Part
from cx_context.parts.stored_names import STORED_NAMES
from cx_events.timestamps import Micros

_encode_part = msgspec.msgpack.Encoder().encode

_decode_part = msgspec.msgpack.Decoder(Part).decode

_read_part = msgspec.msgpack.Decoder(PartRead).decode


def encode_part(part: Part) -> bytes:
    """Encode a part as ``begin_of`` its first fact, for SQL to compare, then MessagePack in LZ4: sources and ids
    repeat, so that a third of the bytes are left to be written."""
    return begin_of(part.since) + bytes(lz4.compress_block(_encode_part(part), store_size=True))


def decode_part(body: bytes) -> Part:
    return _decode_part(unpack(body))


def read_part(body: bytes) -> Part:
    """Decode a part that nobody adds to: what it does not say, it shares with others."""
    return _read_part(unpack(body))


def decode_header(body: bytes) -> Part:
    """Decode a part without the words in it."""
    return _decode_header(unpack(body))


def decode_words(body: bytes) -> Part:
    """Return the words of a part alone; all else reads as empty."""
    return _decode_words(unpack(body))


class PartSpan(msgspec.Struct, gc=False, rename=STORED_NAMES):
    """The times of a part alone, and of the customer's activity: decoding this costs a third of decoding the part."""

    facts: int = 0
    first_recorded: int = 0
    last_recorded: int = 0
    since: int = 0
    until: int = 0
    customer_active_at: int = 0
    open_active_at: int = 0


decode_span = msgspec.msgpack.Decoder(PartSpan).decode

_decode_header = msgspec.msgpack.Decoder(PartHeader).decode

_decode_words = msgspec.msgpack.Decoder(PartWords).decode

_BEGIN_BYTES = 8


def begin_of(since: Micros) -> bytes:
    """Encode an effective time as bytes that sort as the times do; the first ``_BEGIN_BYTES`` of a part's body."""
    return (since + (1 << 63)).to_bytes(_BEGIN_BYTES, "big")


def begun_sql(body: str = "body") -> str:
    """Return SQL for a part that has a fact at or before a moment; ``:last`` is ``begin_of`` it."""
    return f"substr({body}, 1, {_BEGIN_BYTES}) <= :last"


lengths_of = Struct(f"<{_BEGIN_BYTES}xI").unpack_from
"""Return, alone in a tuple, how many bytes ``unpack`` would return: LZ4's block begins with that number."""


def unpack(body: bytes) -> bytes:
    """Return a part's MessagePack, for ``decode_span``."""
    return bytes(lz4.decompress_block(body[_BEGIN_BYTES:]))
