"""Read a Postmark request without trusting its shape: a value of another type than documented counts as absent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import msgspec

from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import read_object
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
    """One request: ``fields`` as read, ``body`` as sent."""

    fields: Json
    body: bytes
    connection: Connection

    def __getitem__(self, name: str) -> str:
        """Return a field on one line; "" where it is absent, null or no text."""
        return line(self.fields.get(name))

    def first(self, *names: str) -> str:
        return next((value for name in names if (value := self[name])), "")

    @property
    def message_id(self) -> str:
        """Postmark's own id of the mail, bounded. The button "Check" sends one of zeros, which names no mail."""
        given = self["MessageID"]
        return id_part(given) if given and given != _NO_ID else ""

    def digest(self, *names: str) -> str:
        """Return 32 hex digits that stand for the named fields; for the whole body where none is named."""
        told: Iterable[bytes] = (repr(self.fields.get(name)).encode("utf-8", "replace") for name in names)
        return blake2b(b"\0".join(told) if names else self.body, digest_size=16).hexdigest()

    def raw(self) -> msgspec.Raw:
        """Return the whole request as JSON on one line."""
        return msgspec.Raw(msgspec.json.encode(self.fields))


def read(request: Request, connection: Connection) -> WebhookPayload:
    """Read a request. Raise ``Refused("malformed")`` for a body that is no JSON object."""
    return WebhookPayload(read_object(request.body, _LIMITS), request.body, connection)
