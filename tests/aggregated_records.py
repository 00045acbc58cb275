"""Records of Kinesis as Amazon's producer library joins them: github.com/awslabs/amazon-kinesis-producer,
aggregation-format.md."""

from __future__ import annotations

from hashlib import md5


def aggregated(*bodies: bytes) -> bytes:
    """Return one record that holds these, all with the first key of its table."""
    keys = _bytes(1, b"a key") + _bytes(2, b"170141183460469231731687303715884105728")
    return sealed(keys + b"".join(_bytes(3, b"\x08\x00\x10\x00" + _bytes(3, each)) for each in bodies))


def sealed(message: bytes) -> bytes:
    """Return a message with its magic and its digest."""
    return b"\xf3\x89\x9a\xc2" + message + md5(message, usedforsecurity=False).digest()


def _bytes(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    low = bytearray()
    while value > 0x7F:
        low.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*low, value])
