"""Keep the original of a raw mail: inside the event when small, else in the blob store."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import msgspec

from cx_channels.kit.mail.mapping import MailMapping
from cx_channels.provider import Mapped
from cx_events.blob.port import blob_name
from cx_events.envelope import Draft

MAX_INLINE_RAW = 64 << 10


def mapped_mail(raw: bytes, reading: MailMapping, drafts: list[Draft]) -> Mapped:
    """Return the drafts of a mail with what is kept of it: once for all of them where there are several."""
    stored, blobs = _original(raw, reading, apart=len(drafts) > 1)
    for draft in drafts:
        draft.data.raw = msgspec.Raw(stored)
    return Mapped(drafts=tuple(drafts), blobs=(*blobs, *reading.blobs))


def mapped_fields(fields: bytes, reading: MailMapping, drafts: list[Draft]) -> Mapped:
    """Return the drafts of a mail that came as a vendor's fields. ``fields``: a JSON object on one line."""
    blobs: tuple[bytes, ...] = ()
    omissions = reading.omissions()
    if len(fields) > MAX_INLINE_RAW or len(drafts) > 1 or omissions:
        kept = {"blob": blob_name(fields), "bytes": len(fields), **_notes(reading, omissions)}
        fields, blobs = msgspec.json.encode(kept), (fields,)
    for draft in drafts:
        draft.data.raw = msgspec.Raw(fields)
    return Mapped(drafts=tuple(drafts), blobs=(*blobs, *reading.blobs))


def _original(raw: bytes, reading: MailMapping, apart: bool) -> tuple[bytes, tuple[bytes, ...]]:
    kept: dict[str, Any] = {}
    blobs: tuple[bytes, ...] = ()
    if len(raw) <= MAX_INLINE_RAW and not apart:
        kept["mime"] = b64encode(raw).decode("ascii")
    else:
        kept["blob"], kept["bytes"] = blob_name(raw), len(raw)
        blobs = (raw,)
    return msgspec.json.encode({**kept, **_notes(reading, reading.omissions())}), blobs


def _notes(reading: MailMapping, omissions: list[str]) -> dict[str, Any]:
    authentication = reading.origin.kept()
    return {
        **({"left_out": omissions} if omissions else {}),
        **({"authentication": authentication} if authentication else {}),
    }
