"""Read a contact, Amazon Connect's unit of work: one call, chat or mail, until it is passed on.

Contact events write names in lower camel case, contact records and agent events in Pascal case, and Connect's own pages
mix the two (docs.aws.amazon.com/connect/latest/adminguide/contact-events.html, .../ctr-data-model.html): both are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cx_channels.kit.drafts import make_draft
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, obj, text
from cx_channels.kit.times import iso_time
from cx_channels.provider import Connection
from cx_events.envelope import AgentOrQueue, Channel, Direction, Draft, Identifier, Participant, Reference, Transfer
from cx_events.json_types import Json
from cx_events.timestamps import Micros
from cx_events.weights import CLAIMED

METHODS: Mapping[str, Direction | None] = {
    "INBOUND": "inbound",
    "WEBRTC_API": "inbound",
    "OUTBOUND": "outbound",
    "CALLBACK": "outbound",
    "AGENT_REPLY": "outbound",
    "EXTERNAL_OUTBOUND": "internal",
    "MONITOR": "internal",
}
"""The direction by InitiationMethod; of TRANSFER, QUEUE_TRANSFER, DISCONNECT and FLOW it is that of an earlier contact,
which is not told. Of API it depends on the channel."""

PASSED_ON = frozenset({"TRANSFER", "QUEUE_TRANSFER"})
_CHANNELS: Mapping[str, Channel] = {"CHAT": "chat", "EMAIL": "email"}
_IDENTIFIERS = {"TELEPHONE_NUMBER": "phone", "EMAIL_ADDRESS": "email"}


class _Small(dict[str, str]):
    """Names with a small letter at their begin, by the names in Pascal case; each is made once."""

    def __missing__(self, name: str) -> str:
        self[name] = found = name[0].lower() + name[1:]
        return found


_SMALL = _Small()


def member(value: Json, name: str) -> Any:
    """Return a member by its name in Pascal case, or written with a small letter at its begin."""
    found = value.get(_SMALL[name])
    return value.get(name) if found is None else found


def time_of(value: Any) -> Micros | None:
    """Return a time as Connect writes it, ``2021-08-04T17:17:53.000Z``."""
    return iso_time(text(value))


def last_part(arn: Any) -> str:
    """Return what stands behind the last slash of an ARN: the id of an agent, a queue or a contact."""
    return text(arn).rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Contact:
    """One contact. ``value``: whatever describes it, of any of the streams."""

    value: Json
    connection: Connection
    id: str
    method: str
    written_channel: str

    @property
    def channel(self) -> Channel:
        """Return the channel of its events. Text messages are chats whose segment attribute says so."""
        if self.written_channel != "CHAT":
            return _CHANNELS.get(self.written_channel, "voice")
        attributes = obj(member(self.value, "SegmentAttributes"))
        subtype = first(obj(attributes.get("connect:Subtype")).get("ValueString"),
                        obj(attributes.get("connect:Subtype")).get("valueString"))  # fmt: skip
        return "sms" if subtype == "connect:SMS" else "chat"

    @property
    def direction(self) -> Direction | None:
        if self.method == "API":
            return "outbound" if self.written_channel == "VOICE" else "inbound"
        return METHODS.get(self.method)

    @property
    def references(self) -> list[Reference]:
        """Return its own id and those of the contacts that it goes on from (docs/integrating.md, "Telephone legs").

        The contacts of a chat or a mail share the id of the first.
        """
        if self.channel != "voice":
            return [Reference(kind="thread", value=text(member(self.value, "InitialContactId")) or self.id)]
        names = ("PreviousContactId", "InitialContactId", "RelatedContactId")
        ids = [self.id, *(text(member(self.value, name)) for name in names)]
        return [Reference(kind="call", value=each) for each in dict.fromkeys(ids) if each]

    @property
    def previous(self) -> str:
        return text(member(self.value, "PreviousContactId"))

    @property
    def participants(self) -> list[Participant]:
        """Return the customer and the business's own address, where the contact names them.

        CustomerEndpoint is "the customer or external third party participant endpoint", in both directions
        (docs.aws.amazon.com/connect/latest/APIReference/API_Contact.html): of EXTERNAL_OUTBOUND, by which an agent
        brings in somebody from outside, it is that third party, who is no customer.
        """
        customer, ours = member(self.value, "CustomerEndpoint"), _identifiers(member(self.value, "SystemEndpoint"))
        found = [Participant(role="business", identifiers=ours)] if ours else []
        if self.method in ("EXTERNAL_OUTBOUND", "MONITOR"):
            return found
        identifiers = [each for each in _identifiers(customer) if all(each.value != own.value for own in ours)]
        known = text(member(self.value, "CustomerId"))
        if known and self.connection.settings.get("customer_id"):
            identifiers.append(Identifier(kind="crm", value=known, weight=CLAIMED))
        name = text(member(customer, "DisplayName")) if isinstance(customer, dict) else ""
        if identifiers or name:
            found.insert(0, Participant(role="customer", name=name, identifiers=identifiers))
        return found

    def draft(self, event_type: str, id: str, raw: bytes, time: Micros | None, *, root: str = "", **data: Any) -> Draft:
        """Draft an event of this contact. ``id``: what tells it from others of the contact. ``root``: of another
        contact, in whose interaction it belongs."""
        data.setdefault("participants", self.participants)
        data.setdefault("references", self.references)
        return make_draft(
            self.connection,
            self.channel,
            event_type,
            f"{id_part(self.id)}/{id}",
            raw=raw,
            root=id_part(root or self.id),
            time=time,
            direction=self.direction,
            **data,
        )

    def passed_on(self, id: str, raw: bytes, time: Micros | None, queue: AgentOrQueue | None) -> Draft | None:
        """Draft that the contact before was passed on as this one, where one is named: it is told in that one's
        interaction."""
        if self.method not in PASSED_ON or not self.previous:
            return None
        by_queue = self.method == "QUEUE_TRANSFER"
        return self.draft(
            "cx.interaction.transferred.v1",
            id,
            raw,
            time,
            root=self.previous,
            transfer=Transfer(kind="queue", queue=queue) if by_queue else Transfer(kind="agent"),
            participants=[],
            reason=self.method.lower(),
        )


def contact_of(value: Json, connection: Connection) -> Contact:
    """Return the contact that a value of any stream describes."""
    return Contact(
        value=value,
        connection=connection,
        id=first(value.get("ContactId"), value.get("contactId"), value.get("InitialContactId")),
        method=text(member(value, "InitiationMethod")).upper(),
        written_channel=text(member(value, "Channel")).upper() or "VOICE",
    )


def queue_of(value: Any) -> AgentOrQueue | None:
    """Return the queue of ``queueInfo`` or ``Queue``; a mere text is its name."""
    if isinstance(value, str):
        return AgentOrQueue(name=value) if value else None
    queue = obj(value)
    arn = first(queue.get("queueArn"), queue.get("QueueArn"), queue.get("ARN"), queue.get("arn"))
    name = text(member(queue, "Name"))
    return AgentOrQueue(id=last_part(arn), name=name) if arn or name else None


def agent_of(value: Any) -> AgentOrQueue | None:
    """Return the agent of ``agentInfo`` or ``Agent``: the last part of the ARN is the user's id."""
    agent = obj(value)
    arn = first(agent.get("agentArn"), agent.get("AgentArn"), agent.get("ARN"), agent.get("arn"))
    name = text(member(agent, "Username"))
    return AgentOrQueue(id=last_part(arn), name=name) if arn or name else None


def _identifiers(endpoint: Any) -> list[Identifier]:
    if not isinstance(endpoint, dict):
        return []
    kind = _IDENTIFIERS.get(text(member(endpoint, "Type")).upper())
    address = text(member(endpoint, "Address"))
    return [Identifier(kind=kind, value=address, weight=CLAIMED)] if kind and address else []
