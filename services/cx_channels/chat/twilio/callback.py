"""Read one request of Twilio's, and draft its events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from cx_channels.kit.drafts import make_draft
from cx_channels.kit.ids import id_part
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import iso_time
from cx_channels.kit.twilio_forms import Fields
from cx_channels.provider import Connection, Unmapped
from cx_events.envelope import Attachment, Channel, Draft, Failure
from cx_events.timestamps import Micros

ATTEMPT = frozenset({"RetryCount", "ErrorUrl", "bodySHA256"})
"""Fields that differ between the attempts to deliver one notice, or say that an earlier one failed."""


@dataclass(slots=True)
class Callback:
    """``kind``: as the tables name it; ``original``: what can be mapped by itself again; ``raw``: what events keep;
    ``listed``: when it was, of a message that was listed (``listing``) or streamed (``streams``)."""

    fields: Fields
    connection: Connection
    kind: str
    original: bytes
    raw: bytes | msgspec.Raw
    listed: Micros | None = None

    @property
    def message(self) -> str:
        """Return the message's id."""
        return self.fields.first("MessageSid", "SmsSid", "SmsMessageSid")

    @property
    def time(self) -> Micros | None:
        """Return the time that Conversations tell; messaging callbacks have none."""
        return iso_time(self.fields.first("DateRemoved", "StateUpdated", "DateUpdated", "DateCreated"))

    def lost(self, why: str) -> Unmapped:
        id = id_part(self.message) if self.message else sha256_hex(self.original)[:32]
        return Unmapped(f"{id}/{id_part(self.kind)}", f"malformed {self.kind[:64]}: {why}", self.original)


def draft_of(callback: Callback, channel: Channel, event_type: str, id: str, **data: Any) -> Draft:
    """Draft an event. ``data``: as for ``make_draft``."""
    return make_draft(callback.connection, channel, event_type, id, raw=callback.raw, **data)


def failure_of(fields: Fields) -> Failure | None:
    """Return the failure; ErrorCode ``0`` means none."""
    code = fields["ErrorCode"].strip("0") and fields["ErrorCode"]
    return Failure(code=code, message=fields["ErrorMessage"]) if code or fields["ErrorMessage"] else None


def location(fields: Fields) -> list[Attachment]:
    """Return a shared place as a ``geo:`` URI (RFC 5870)."""
    latitude, longitude = fields["Latitude"], fields["Longitude"]
    if not latitude or not longitude:
        return []
    return [Attachment(name="location", url=f"geo:{latitude[:32]},{longitude[:32]}")]
