"""Read one request of Vonage Messages, in any of its forms.

Version 1 is flat JSON, version 0.1 nests addresses and content (developer.vonage.com/en/messages/code-snippets/
inbound-message). The older SMS API sends a query, a form or flat JSON with other names (``msisdn``, ``messageId``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from cx_channels.chat.vonage.people import address_of, business, channel_of, customer
from cx_channels.kit.drafts import make_draft
from cx_channels.kit.forms import form_fields
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, obj, read_object, text
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import iso_time
from cx_channels.provider import Connection, Request
from cx_events.envelope import Draft, Participant
from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_events.timestamps import Micros

_MOST_FIELDS = 200
# These say how a request was proved or when it was tried, and differ between attempts.
_PROOF = frozenset({"sig", "nonce", "timestamp", "api-key"})


def read_fields(request: Request) -> Json:
    """For ``Request.once``: the fields of a query, a form or a JSON body; ``Refused("malformed")`` for others."""
    if request.method == "GET":
        return dict(request.query)
    if request.content_type == "application/x-www-form-urlencoded":
        try:
            return dict(form_fields(request.body.decode("utf-8", "replace"), _MOST_FIELDS))
        except ValueError as error:
            raise Refused("malformed", str(error)) from None
    return read_object(request.body)


def is_older(fields: Mapping[str, Any]) -> bool:
    """Return whether the older SMS API sent it."""
    return bool(first(fields.get("messageId"), fields.get("message-id"))) and "message_uuid" not in fields


@dataclass(frozen=True)
class Notice:
    """One notice. ``theirs`` and ``ours``: the customer's address and the business's."""

    fields: Json
    connection: Connection
    older: bool
    inbound: bool

    @property
    def id(self) -> str:
        return first(self.fields.get("message_uuid"), self.fields.get("messageId"), self.fields.get("message-id"))

    @property
    def network(self) -> str:
        if self.older:
            return "sms"
        return first(self.fields.get("channel"), obj(self.fields.get("from")).get("type")).lower()

    @cached_property
    def ends(self) -> tuple[str, str]:
        """The customer's address and ours: an older status has the customer as ``msisdn``, the sender as ``to``."""
        if self.older:
            return text(self.fields.get("msisdn")), text(self.fields.get("to"))
        sender, receiver = address_of(self.fields.get("from")), address_of(self.fields.get("to"))
        return (sender, receiver) if self.inbound else (receiver, sender)

    @cached_property
    def person(self) -> Participant | None:
        return customer(self.network, *self.ends, self.fields)

    @property
    def time(self) -> Micros | None:
        """``timestamp`` of version 1 and 0.1; ``message-timestamp`` of the older API is UTC, without a zone."""
        if not self.older:
            return iso_time(text(self.fields.get("timestamp")))
        written = text(self.fields.get("message-timestamp")).replace("+", " ")
        return iso_time(f"{written[:10]}T{written[11:]}Z") if len(written) == 19 and written[10] == " " else None

    @cached_property
    def raw(self) -> bytes:
        kept = {name: value for name, value in self.fields.items() if not (self.older and name in _PROOF)}
        return msgspec.json.encode(kept)

    @property
    def digest(self) -> str:
        return sha256_hex(self.raw)[:32]

    def draft(self, event_type: str, step: str, **data: Any) -> Draft:
        """Draft an event. ``step``: what tells it from others of the message. The thread is that of both addresses."""
        theirs, ours = self.ends
        named = "/".join(id_part(each or "-") for each in (self.network, theirs, ours))
        people = [self.person] if self.person is not None else []
        return make_draft(
            self.connection,
            channel_of(self.network),
            event_type,
            f"{id_part(self.id)}/{step}",
            raw=self.raw,
            root=named if theirs else f"message/{id_part(self.id)}",
            time=self.time,
            direction="inbound" if self.inbound else "outbound",
            participants=[*people, *([business(ours)] if ours else [])],
            **data,
        )
