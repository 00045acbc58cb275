"""Take a Kinesis record apart that holds several, as Amazon's producer library (KPL) joins them. Pure.

github.com/awslabs/amazon-kinesis-producer, aggregation-format.md: four bytes of magic, a message of Protocol Buffers,
and the MD5 of that message. Whatever has not all three is one record. Of its fields ``records`` (3) is read, and of
each of these ``data`` (3): keys say which shard a record was meant for, and one that was put into two shards is one
event by its own id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import md5
from typing import NamedTuple

from cx_events.errors import Refused

MAGIC = b"\xf3\x89\x9a\xc2"
MOST_RECORDS = 10_000
"""Of one record, which has 1 MiB as a rule, and 10 MiB at most."""

_DIGEST = 16
_RECORDS, _DATA = 3, 3
_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_MOST_VARINT = 10


class _Field(NamedTuple):
    """``content``: of a field of bytes; empty for a number."""

    number: int
    content: bytes


def user_records(data: bytes) -> Sequence[bytes]:
    """Return the records that a record holds, in their order; itself alone where it is not aggregated.

    Raise ``Refused("malformed")`` where its digest is right and its message can't be read, ``Refused("too-large")`` for
    one that holds more than ``MOST_RECORDS``.
    """
    message, digest = data[len(MAGIC) : -_DIGEST], data[-_DIGEST:]
    is_whole = data.startswith(MAGIC) and len(data) >= len(MAGIC) + _DIGEST
    if not is_whole or md5(message, usedforsecurity=False).digest() != digest:
        return [data]
    found: list[bytes] = []
    for each in _fields(message):
        if each.number == _RECORDS:
            if len(found) == MOST_RECORDS:
                raise Refused("too-large", f"a record holds more than {MOST_RECORDS} aggregated ones")
            found.append(_data_of(each.content))
    return found


def _data_of(record: bytes) -> bytes:
    found = [each.content for each in _fields(record) if each.number == _DATA]
    if not found:
        raise _malformed("one has no data")
    return found[-1]  # of a field that comes twice the last counts


def _fields(message: bytes) -> Iterator[_Field]:
    """Yield the fields of a message (protobuf.dev/programming-guides/encoding)."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind, size = tag & 7, 0
        if kind == _VARINT:
            _, at = _varint(message, at)
        elif kind == _BYTES:
            size, at = _varint(message, at)
        elif kind in (_EIGHT, _FOUR):
            at += 8 if kind == _EIGHT else 4
        else:
            raise _malformed(f"a field is of the unknown kind {kind}")
        if at + size > len(message):
            raise _malformed("it breaks off")
        yield _Field(tag >> 3, message[at : at + size])
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """Return a number and the place behind it."""
    value = 0
    for place in range(_MOST_VARINT):
        if at + place >= len(message):
            raise _malformed("it breaks off")
        byte = message[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at + place + 1
    raise _malformed("a number has no end")


def _malformed(why: str) -> Refused:
    return Refused("malformed", f"aggregated records can't be read: {why}")
