"""Read one request of Vonage Messages, in any of its forms.

Version 1 is flat JSON, version 0.1 nests addresses and content (developer.vonage.com/en/messages/code-snippets/
inbound-message). The older SMS API sends a query, a form or flat JSON with other names (``msisdn``, ``messageId``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from cx_channels.chat.vonage.people import address_of, business, channel_of, customer, whatsapp_user
from cx_channels.kit.drafts import complete_draft
from cx_channels.kit.forms import form_fields
from cx_channels.kit.ids import id_part, id_path
from cx_channels.kit.json_values import first, obj, read_written, text
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import iso_time
from cx_channels.provider import Connection, Request
from cx_events.envelope import Data, Draft
from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_events.timestamps import Micros

_encode = msgspec.json.Encoder().encode
_MOST_FIELDS = 200
# These say how a request was proved or when it was tried, and differ between attempts.
_PROOF = frozenset({"sig", "nonce", "timestamp", "api-key"})


def read_fields(request: Request) -> tuple[Json, bytes]:
    """For ``Request.once``: the fields of a query, a form or a JSON body, of which also the text, b"" of others;
    ``Refused("malformed")`` for what is neither."""
    if request.method == "GET":
        return dict(request.query), b""
    if request.content_type == "application/x-www-form-urlencoded":
        try:
            return dict(form_fields(request.body.decode("utf-8", "replace"), _MOST_FIELDS)), b""
        except ValueError as error:
            raise Refused("malformed", str(error)) from None
    return read_written(request.body)


def is_older(fields: Mapping[str, Any]) -> bool:
    """Return whether the older SMS API sent it."""
    return "message_uuid" not in fields and bool(first(fields.get("messageId"), fields.get("message-id")))


class Notice(Struct, gc=False):
    """One notice. ``theirs`` and ``ours``: the customer's address and the business's. ``written``: the fields as JSON,
    where they came so."""

    fields: Json
    written: bytes
    connection: Connection
    older: bool
    inbound: bool
    id: str
    network: str
    theirs: str
    ours: str

    @property
    def time(self) -> Micros | None:
        """``timestamp`` of version 1 and 0.1; ``message-timestamp`` of the older API is UTC, without a zone."""
        if not self.older:
            return iso_time(text(self.fields.get("timestamp")))
        written = text(self.fields.get("message-timestamp")).replace("+", " ")
        return iso_time(f"{written[:10]}T{written[11:]}Z") if len(written) == 19 and written[10] == " " else None

    @property
    def raw(self) -> bytes:
        if not self.older:
            return self.written or _encode(self.fields)
        return _encode({name: value for name, value in self.fields.items() if name not in _PROOF})

    @property
    def digest(self) -> str:
        return sha256_hex(self.raw)[:32]

    def draft(self, event_type: str, step: str, data: Data) -> Draft:
        """Draft an event. ``step``: what tells it from others of the message. ``data``: what only this event has. The
        thread is that of both addresses."""
        network, theirs, ours, id = self.network, self.theirs, self.ours, id_part(self.id)
        person = customer(network, theirs, ours, self.fields)
        data.direction = "inbound" if self.inbound else "outbound"
        people = [person] if person is not None else []
        if ours:
            people.append(business(ours))
        data.participants = people
        root = id_path(network or "-", theirs, ours or "-") if theirs else f"message/{id}"
        channel = channel_of(network)
        return complete_draft(
            self.connection, channel, event_type, f"{id}/{step}", data, self.raw, root, self.time
        )  # fmt: skip


def notice_of(fields: Json, written: bytes, connection: Connection, *, inbound: bool) -> Notice:
    """Return a notice as its fields describe it. An older status has the customer as ``msisdn``, the sender as
    ``to``."""
    older = is_older(fields)
    if older:
        network, theirs, ours = "sms", text(fields.get("msisdn")), text(fields.get("to"))
    else:
        network = (text(fields.get("channel")) or text(obj(fields.get("from")).get("type"))).lower()
        theirs, ours = address_of(fields.get("from")), address_of(fields.get("to"))
        if not inbound:
            theirs, ours = ours, theirs
        if network == "whatsapp" and not theirs:
            user = whatsapp_user(fields)
            theirs = first(user.get("wa_id"), user.get("user_id"))
    id = text(fields.get("message_uuid")) or first(fields.get("messageId"), fields.get("message-id"))
    return Notice(fields, written, connection, older, inbound, id, network, theirs, ours)
