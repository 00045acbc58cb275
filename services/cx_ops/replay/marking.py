"""Mark a record's value as replayed: the extension attribute ``replayid`` (CloudEvents 1.0, section 3.1) names the run.
Pure."""

from __future__ import annotations

import re
from base64 import b64encode

import msgspec
from msgspec import Struct

from cx_events.log import LogRecord

NAME = "replayid"
HEADER = "replay-id"

_marked = re.compile(rb'\{"replayid":"[0-9a-f-]{1,64}",')


class _Object(Struct):
    """Any JSON object; none of its members is kept."""


_check = msgspec.json.Decoder(_Object).decode


def is_object(value: bytes) -> bool:
    """Return whether a value is one JSON object."""
    try:
        _check(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return value.startswith(b"{")


def mark(value: bytes, id: str) -> bytes:
    """Return an object's bytes with the run's id as its first member; what an earlier replay put there is replaced."""
    begun = b'{"replayid":"' + id.encode() + b'"'
    found = _marked.match(value)
    if found is not None:
        return begun + b"," + value[found.end() :]
    rest = value[1:].lstrip()
    return begun + (rest if rest.startswith(b"}") else b"," + rest)


def mark_line(record: LogRecord, id: str) -> bytes:
    """Return a record as one line of JSON with its end. What is no JSON object is kept in base64 beside its place."""
    value = record.value
    if is_object(value):
        marked = mark(value, id)
        return (marked if b"\n" not in marked else msgspec.json.format(marked, indent=-1)) + b"\n"
    kept = {
        NAME: id,
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "key_base64": b64encode(record.key).decode(),
        "value_base64": b64encode(value).decode(),
    }
    return msgspec.json.encode(kept) + b"\n"
