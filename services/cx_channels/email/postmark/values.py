"""Read a Postmark request without trusting its shape: a value of another type than documented counts as absent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import msgspec

from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import read_written
from cx_channels.kit.mail.mime.charsets import clean
from cx_channels.kit.times import iso_time
from cx_channels.provider import Connection, Request
from cx_events import strict_json
from cx_events.json_types import Json
from cx_events.timestamps import Micros

MAX_BYTES = 30 << 20
"""The largest request. Attachments come in base64, so they may have some 22 MB; twice in JSON where
``RawEmail`` is on."""

_LIMITS = strict_json.Limits(max_bytes=MAX_BYTES)
_NO_ID = "00000000-0000-0000-0000-000000000000"
"""What the button "Check" sends; it names no mail."""
"""The button "Check" sends it."""


def text(value: Any) -> str:
    """Return text that every store can hold, or a whole number as text: ids come as both."""
    if isinstance(value, str):
        return clean(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def line(value: Any) -> str:
    """Return text on one line."""
    return " ".join(text(value).split())


def moment(value: Any) -> Micros | None:
    """Read an ISO 8601 time with up to seven digits of a second; the year 1, which tells nothing, is None."""
    return iso_time(text(value))


@dataclass(frozen=True, slots=True)
class WebhookPayload:
    """One request: ``fields`` as read, ``body`` as sent; ``written``: the fields as JSON on one line. ``message_id``:
    Postmark's own id of the mail, bounded; "" where it names none."""

    fields: Json
    body: bytes
    written: bytes
    connection: Connection
    message_id: str

    def __getitem__(self, name: str) -> str:
        """Return a field on one line; "" where it is absent, null or no text."""
        return line(self.fields.get(name))

    def first(self, *names: str) -> str:
        return next((value for name in names if (value := self[name])), "")

    def digest(self, *names: str) -> str:
        """Return 32 hex digits that stand for the named fields; for the whole body where none is named."""
        told: Iterable[bytes] = (repr(self.fields.get(name)).encode("utf-8", "replace") for name in names)
        return blake2b(b"\0".join(told) if names else self.body, digest_size=16).hexdigest()

    def raw(self) -> msgspec.Raw:
        """Return the whole request as JSON on one line."""
        return msgspec.Raw(self.written)


def read(request: Request, connection: Connection) -> WebhookPayload:
    """Read a request. Raise ``Refused("malformed")`` for a body that is no JSON object."""
    fields, written = read_written(request.body, _LIMITS)
    given = line(fields.get("MessageID"))
    message_id = id_part(given) if given not in ("", _NO_ID) else ""
    return WebhookPayload(fields, request.body, written, connection, message_id)
