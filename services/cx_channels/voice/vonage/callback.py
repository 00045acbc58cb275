"""Read one request of Vonage's, and draft the event for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from cx_channels.kit.drafts import complete_draft
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, obj, read_written, text
from cx_channels.kit.same_call import same_call
from cx_channels.kit.settings import texts_of
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import iso_time
from cx_channels.provider import Connection, Request
from cx_channels.voice.vonage.parties import Parties, parties_of
from cx_events.envelope import Data, Draft, Reference
from cx_events.json_types import Json
from cx_events.timestamps import Micros

_encode = msgspec.json.Encoder().encode


def read_fields(request: Request) -> tuple[Json, bytes]:
    """For ``Request.once``: the fields of the body, or of a GET's query, and these as JSON on one line.
    ``Refused("malformed")`` for anything else."""
    if request.method == "GET":
        fields = dict(request.query)
        return fields, _encode(fields)
    return read_written(request.body)


class Callback(Struct, gc=False):
    """One request, ``raw`` as JSON on one line. Some name no leg (``input`` of an older kind), and then only the
    conversation."""

    fields: Json
    connection: Connection
    conversation: str
    leg: str
    parties: Parties
    raw: bytes
    same_calls: list[Reference] = []

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
        self, event_type: str, step: str, data: Data, *, time: Micros | None = None, also: tuple[str, ...] = ()
    ) -> Draft:
        """Draft an event. ``step``: what tells it from others of the leg. ``data``: what only this event has.
        ``also``: other conversations that it is about."""
        parties, leg, conversation = self.parties, self.leg, self.conversation
        references = [Reference(kind="call", value=leg)] if leg else []
        if conversation:
            references.append(Reference(kind="thread", value=conversation))
        references += self.same_calls
        if also:
            references += [Reference(kind="thread", value=each) for each in also if each and each != conversation]
        data.direction, data.participants, data.references = parties.direction, list(parties.participants), references
        id = f"{id_part(leg or conversation)}/{step}"
        return complete_draft(
            self.connection, "voice", event_type, id, data, raw=self.raw, root=id_part(conversation or leg),
            time=self.time() if time is None else time,
        )  # fmt: skip


def callback_of(fields: Json, raw: bytes, connection: Connection) -> Callback:
    """Return a request as its fields describe it."""
    return Callback(
        fields,
        connection,
        conversation=first(fields.get("conversation_uuid"), fields.get("conversation_uuid_from")),
        leg=first(fields.get("uuid"), fields.get("call_uuid")),
        parties=parties_of(fields, connection),
        raw=raw,
        same_calls=_same_calls(fields, connection),
    )


def _same_calls(fields: Json, connection: Connection) -> list[Reference]:
    """Return by which ids other systems know the call: SIP headers say them, flat in the answer webhook, in an object
    elsewhere (voice/voice-api/webhook-reference, "Transmitting additional data with SIP headers")."""
    headers = obj(fields.get("headers"))
    names = connection.once(_headers_of_other_systems)
    return [each for name in names for each in same_call(first(fields.get(f"SipHeader_{name}"), headers.get(name)))]


def _headers_of_other_systems(connection: Connection) -> tuple[str, ...]:
    """For ``Connection.once``. Twilio writes its header by itself."""
    return tuple(dict.fromkeys(("X-Twilio-CallSid", *texts_of(connection.settings, "same_call"))))


def whole_seconds(fields: Mapping[str, Any], name: str) -> int | None:
    """Return a duration of whole seconds, written as text, in milliseconds."""
    written = text(fields.get(name))
    return int(written) * 1000 if written.isascii() and written.isdecimal() and len(written) < 9 else None
