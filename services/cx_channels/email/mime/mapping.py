"""Map a raw mail to events; ``cx_channels.kit.mail.mapping`` decides what it means."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import msgspec

from cx_channels.kit.mail.kinds import kinds_of_mail
from cx_channels.kit.mail.mapping import Envelope, MailMapping
from cx_channels.kit.mail.mime.parse import parse
from cx_channels.kit.mail.settings import mail_settings
from cx_channels.provider import Connection, Mapped, Request
from cx_events.blob.port import blob_name
from cx_events.envelope import Draft
from cx_events.errors import Refused

MAX_INLINE_RAW = 64 << 10


def map_mail(request: Request, connection: Connection) -> Mapped:
    """Map a raw mail.

    Raise ``Refused("malformed")`` for bytes without any header field, ``Refused("bad-settings")`` for a connection
    whose settings are not as the README says.
    """
    reading, drafts = _read(request, connection)
    stored, blobs = _original(request.body, reading, apart=len(drafts) > 1)
    for draft in drafts:
        draft.data.raw = msgspec.Raw(stored)
    return Mapped(drafts=tuple(drafts), blobs=(*blobs, *reading.blobs))


def kinds_of(request: Request, connection: Connection) -> tuple[str, ...]:
    """Return the kinds of what a mail turns out to be, as ``KINDS`` names them."""
    return kinds_of_mail(*_read(request, connection), mail_settings(connection.settings).own)


def _read(request: Request, connection: Connection) -> tuple[MailMapping, list[Draft]]:
    """Return a mail as it was read, and its drafts, still without ``raw``."""
    mail = parse(request.body)
    if not mail.headers.fields:
        raise Refused("malformed", "this is no mail: it has no header field")
    envelope = Envelope(
        request.headers.get("x-envelope-from"),
        request.headers.get("x-envelope-to", ""),
        request.headers.get("x-envelope-peer", ""),
    )
    reading = MailMapping(connection.id, mail, mail_settings(connection.settings), envelope)
    return reading, reading.drafts()


def _original(raw: bytes, reading: MailMapping, apart: bool) -> tuple[bytes, tuple[bytes, ...]]:
    """Return the original as it is kept: inside the event when small, else in the blob store, once for all events."""
    kept: dict[str, Any] = {}
    blobs: tuple[bytes, ...] = ()
    if len(raw) <= MAX_INLINE_RAW and not apart:
        kept["mime"] = b64encode(raw).decode("ascii")
    else:
        kept["blob"], kept["bytes"] = blob_name(raw), len(raw)
        blobs = (raw,)
    if omissions := reading.omissions():
        kept["left_out"] = omissions
    if authentication := reading.origin.kept():
        kept["authentication"] = authentication
    return msgspec.json.encode(kept), blobs
