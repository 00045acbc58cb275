"""Read one request of Vonage's, and draft the event for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from cx_channels.kit.drafts import make_draft
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, read_object, text
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import iso_time
from cx_channels.provider import Connection, Request
from cx_channels.voice.vonage.parties import Parties, parties_of
from cx_events.envelope import Draft, Reference
from cx_events.json_types import Json
from cx_events.timestamps import Micros


def read_fields(request: Request) -> Json:
    """For ``Request.once``: the fields of the body, or of a GET's query. ``Refused("malformed")`` for anything else."""
    if request.method == "GET":
        return dict(request.query)
    return read_object(request.body)


@dataclass(frozen=True)
class Callback:
    """One request. Some name no leg (``input`` of an older kind), and then only the conversation."""

    fields: Json
    connection: Connection

    @property
    def conversation(self) -> str:
        return first(self.fields.get("conversation_uuid"), self.fields.get("conversation_uuid_from"))

    @property
    def leg(self) -> str:
        return first(self.fields.get("uuid"), self.fields.get("call_uuid"))

    @cached_property
    def parties(self) -> Parties:
        return parties_of(self.fields, self.connection)

    @cached_property
    def raw(self) -> bytes:
        return msgspec.json.encode(self.fields)

    @property
    def digest(self) -> str:
        return sha256_hex(self.raw)[:32]

    def time(self, name: str = "timestamp") -> Micros | None:
        """Return a time, RFC 3339 in webhooks, ``YYYY-MM-DD HH:MM:SS`` (UTC) in the API."""
        written = text(self.fields.get(name))
        if len(written) == 19 and written[10] == " ":
            written = f"{written[:10]}T{written[11:]}Z"
        return iso_time(written)

    def draft(
        self, event_type: str, step: str, /, *, time: Micros | None = None, also: tuple[str, ...] = (), **data: Any
    ) -> Draft:
        """Draft an event. ``step``: what tells it from others of the leg. ``also``: other conversations that it is
        about."""
        owner = self.leg or self.conversation
        calls = [Reference(kind="call", value=self.leg)] if self.leg else []
        threads = [each for each in dict.fromkeys((self.conversation, *also)) if each]
        data.setdefault("participants", list(self.parties.participants))
        return make_draft(
            self.connection,
            "voice",
            event_type,
            f"{id_part(owner)}/{step}",
            raw=self.raw,
            root=id_part(self.conversation or self.leg),
            time=self.time() if time is None else time,
            direction=self.parties.direction,
            references=[*calls, *(Reference(kind="thread", value=each) for each in threads)],
            **data,
        )


def whole_seconds(fields: Mapping[str, Any], name: str) -> int | None:
    """Return a duration of whole seconds, written as text, in milliseconds."""
    written = text(fields.get(name))
    return int(written) * 1000 if written.isascii() and written.isdecimal() and len(written) < 9 else None
