"""Write a record of the log as a line of JSON, and read it back, byte for byte. Pure.

    {"offset":7,"at":1764410000000,"key":"0f3c…","value":{"specversion":"1.0",…}}

``at``: when the log took it, ms since 1970. A value that is a JSON object in one line stands there as it is; any other
one, and a key that is no plain ASCII, is written in base64, as ``value_base64`` and ``key_base64``. Headers follow from
topic and value, and are not written.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as NotBase64

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from cx_events.errors import Refused
from cx_events.log import LogRecord
from cx_events.log.headers import topic_headers


class _Line(Struct, omit_defaults=True, gc=False):
    offset: int
    at: int
    key: str = ""
    key_base64: str = ""
    value: Raw | UnsetType = UNSET
    value_base64: str = ""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Line).decode
_BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def encode_line(record: LogRecord) -> bytes:
    """Return the line of a record, without its end."""
    line = _Line(record.offset, record.timestamp)
    if record.key.isascii() and record.key.decode("ascii").isprintable():
        line.key = record.key.decode("ascii")
    else:
        line.key_base64 = b64encode(record.key).decode("ascii")
    if record.value[:1] == b"{" and record.value[-1:] == b"}" and b"\n" not in record.value:
        line.value = Raw(record.value)
        encoded = _encode(line)
        if _gives(encoded, record.value):
            return encoded
        line.value = UNSET
    line.value_base64 = b64encode(record.value).decode("ascii")
    return _encode(line)


def _gives(encoded: bytes, value: bytes) -> bool:
    """Return whether a line gives the value again: what only looks like JSON does not."""
    try:
        # Values nested too deeply, or that are no UTF-8, must not stop whoever reads the line as JSON.
        msgspec.json.decode(value)
        found = _decode(encoded).value
    except _BROKEN:
        return False
    return not isinstance(found, UnsetType) and bytes(found) == value


def decode_line(line: bytes, topic: str, partition: int) -> LogRecord:
    """Return the record of a line. Raises ``Refused("damaged-line")``."""
    try:
        found = _decode(line)
        key = b64decode(found.key_base64, validate=True) if found.key_base64 else found.key.encode()
        value = found.value
        whole = b64decode(found.value_base64, validate=True) if isinstance(value, UnsetType) else bytes(value)
    except (*_BROKEN, NotBase64, ValueError) as error:
        raise Refused("damaged-line", f"no record of {topic}/{partition}: {error}") from None
    return LogRecord(topic, partition, found.offset, key, whole, found.at, headers=topic_headers(topic, whole))
