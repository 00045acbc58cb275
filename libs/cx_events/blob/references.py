"""Find the blobs that a record of the log names: originals and attachments. Pure."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from msgspec import Raw, Struct

from cx_events.blob.port import digest_of
from cx_events.errors import Refused

_MARK = b"sha256:"
"""Every blob's name begins so; a record without it names none, and need not be decoded."""


class BlobReference(NamedTuple):
    """``tenant``: whose blob it is. ``name``: ``sha256:HEX``."""

    tenant: str
    name: str


class _File(Struct):
    blob: Any = None


class _Message(Struct):
    attachments: Any = None


class _Event(Struct):
    tenantid: str
    data: Raw = Raw(b"null")


class _Letter(Struct):
    tenant: str
    blob: Any = None


_BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def blobs_of_event(value: bytes) -> list[BlobReference]:
    """Return the blobs that an event's bytes name. None for what is no event."""
    if _MARK not in value:
        return []
    try:
        event = msgspec.json.decode(value, type=_Event)
        data = msgspec.json.decode(event.data, type=dict[str, Raw])
    except _BROKEN:
        return []
    names = [_read(data.get("raw"), _File).blob]
    files = _read(data.get("message"), _Message).attachments
    names += [file.get("blob") for file in (files if isinstance(files, list) else ()) if isinstance(file, dict)]
    return [BlobReference(event.tenantid, name) for name in dict.fromkeys(filter(is_blob_name, names))]


def blobs_of_dead_letter(value: bytes) -> list[BlobReference]:
    """Return the blob that a dead letter's bytes name, if they name one."""
    if _MARK not in value:
        return []
    try:
        letter = msgspec.json.decode(value, type=_Letter)
    except _BROKEN:
        return []
    return [BlobReference(letter.tenant, letter.blob)] if is_blob_name(letter.blob) else []


def _read(raw: Raw | None, kind: Any) -> Any:
    """Return what of a JSON value is known of its kind; an empty one for any other value."""
    if raw is None:
        return kind()
    try:
        return msgspec.json.decode(raw, type=kind)
    except _BROKEN:
        return kind()


def is_blob_name(name: object) -> bool:
    """Return whether this names a blob: others can't be read by anybody, and are no blob's."""
    if not isinstance(name, str):
        return False
    try:
        digest_of(name)
    except Refused:
        return False
    return True
