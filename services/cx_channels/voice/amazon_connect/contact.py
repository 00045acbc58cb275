"""Read a contact, Amazon Connect's unit of work: one call, chat or mail, until it is passed on.

Contact events write names in lower camel case, contact records and agent events in Pascal case, and Connect's own pages
mix the two (docs.aws.amazon.com/connect/latest/adminguide/contact-events.html, .../ctr-data-model.html): both are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from cx_channels.kit.drafts import complete_draft
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, obj, text
from cx_channels.kit.times import iso_time
from cx_channels.provider import Connection
from cx_events.envelope import (
    AgentOrQueue,
    Channel,
    Data,
    Direction,
    Draft,
    Identifier,
    Participant,
    Reference,
    Transfer,
)
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

OUTBOUND = frozenset({"OUTBOUND", "CALLBACK", "EXTERNAL_OUTBOUND"})
"""The methods by which we call: whom nobody reaches then has abandoned nothing."""

_UNREACHED = frozenset({
    "amd_unanswered", "sit_tone_detected", "sit_tone_busy", "sit_tone_invalid_number",
})  # fmt: skip
"""What an outbound call came to instead of somebody who picks up: it rang on, was busy, or three tones of the network
say that it can't be put through (.../ctr-data-model.html, AnsweringMachineDetectionStatus)."""

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


class Contact(Struct, gc=False):
    """One contact. ``value``: whatever describes it, of any of the streams.

    ``participants``: the customer and the business's own address, where the contact names them. ``references``: its own
    id and those of the contacts that it goes on from.
    """

    value: Json
    connection: Connection
    id: str
    method: str
    written_channel: str
    channel: Channel
    direction: Direction | None
    previous: str
    participants: list[Participant]
    references: list[Reference]

    def draft(
        self, event_type: str, id: str, raw: bytes, time: Micros | None, data: Data, *, root: str = "",
        people: list[Participant] | None = None,
    ) -> Draft:  # fmt: skip
        """Draft an event of this contact. ``id``: what tells it from others of the contact. ``data``: what only this
        event has. ``root``: of another contact, in whose interaction it belongs. ``people``: other participants than
        the contact's."""
        own = id_part(self.id)
        data.direction = self.direction
        data.participants = self.participants if people is None else people
        if not data.references:
            data.references = self.references
        return complete_draft(
            self.connection, self.channel, event_type, f"{own}/{id}", data, raw=raw,
            root=id_part(root) if root else own, time=time,
        )  # fmt: skip

    @property
    def is_outbound_call(self) -> bool:
        """Return whether the business called somebody, who then picks up: an agent, a campaign, or by the API."""
        return self.channel == "voice" and self.direction in ("outbound", "internal") and self.method != "MONITOR"

    def connected(self, id: str, raw: bytes, time: Micros | None, detected: str) -> Draft:
        """Draft what became of an outbound call as it was put through. ``detected``: AnsweringMachineDetectionStatus.

        CONNECTED_TO_SYSTEM is told for each of them, also where nobody picked up (.../contact-events.html).
        """
        if detected in _UNREACHED:
            return self.draft("cx.interaction.routed.v1", id, raw, time, Data(reason=detected))
        return self.draft("cx.interaction.answered.v1", id, raw, time, Data(answered_by=detected))

    def passed_on(self, id: str, raw: bytes, time: Micros | None, queue: AgentOrQueue | None) -> Draft | None:
        """Draft that the contact before was passed on as this one, where one is named: it is told in that one's
        interaction."""
        if self.method not in PASSED_ON or not self.previous:
            return None
        by_queue = self.method == "QUEUE_TRANSFER"
        transfer = Transfer(kind="queue", queue=queue) if by_queue else Transfer(kind="agent")
        data = Data(transfer=transfer, reason=self.method.lower())
        return self.draft("cx.interaction.transferred.v1", id, raw, time, data, root=self.previous, people=[])


def contact_of(value: Json, connection: Connection, written: str = "") -> Contact:
    """Return the contact that a value of any stream describes. ``written``: its channel, where the value lacks it."""
    id = first(value.get("ContactId"), value.get("contactId"), value.get("InitialContactId"))
    method = text(member(value, "InitiationMethod")).upper()
    written = written or text(member(value, "Channel")).upper() or "VOICE"
    previous, initial = text(member(value, "PreviousContactId")), text(member(value, "InitialContactId"))
    channel: Channel = _text_or_chat(value) if written == "CHAT" else _CHANNELS.get(written, "voice")
    if channel == "voice":
        # docs/integrating.md, "Telephone legs"
        ids = dict.fromkeys((id, previous, initial, text(member(value, "RelatedContactId"))))
        references = [Reference(kind="call", value=each) for each in ids if each]
    else:  # the contacts of a chat or a mail share the id of the first
        references = [Reference(kind="thread", value=initial or id)]
    if method == "API":
        direction: Direction | None = "outbound" if written == "VOICE" else "inbound"
    else:
        direction = METHODS.get(method)
    people = _participants(value, connection, method)
    return Contact(value, connection, id, method, written, channel, direction, previous, people, references)


def _text_or_chat(value: Json) -> Channel:
    """Return the channel of a chat: text messages are chats whose segment attribute says so."""
    subtype = obj(obj(member(value, "SegmentAttributes")).get("connect:Subtype"))
    return "sms" if first(subtype.get("ValueString"), subtype.get("valueString")) == "connect:SMS" else "chat"


def _participants(value: Json, connection: Connection, method: str) -> list[Participant]:
    """Return the customer and the business's own address, where the contact names them.

    CustomerEndpoint is "the customer or external third party participant endpoint", in both directions
    (docs.aws.amazon.com/connect/latest/APIReference/API_Contact.html): of EXTERNAL_OUTBOUND, by which an agent
    brings in somebody from outside, it is that third party, who is no customer.
    """
    customer, ours = member(value, "CustomerEndpoint"), _identifiers(member(value, "SystemEndpoint"))
    found = [Participant(role="business", identifiers=ours)] if ours else []
    if method in ("EXTERNAL_OUTBOUND", "MONITOR"):
        return found
    identifiers = [each for each in _identifiers(customer) if not ours or each.value != ours[0].value]
    known = text(member(value, "CustomerId"))
    if known and connection.settings.get("customer_id"):
        identifiers.append(Identifier(kind="crm", value=known, weight=CLAIMED))
    name = text(member(customer, "DisplayName")) if isinstance(customer, dict) else ""
    if identifiers or name:
        found.insert(0, Participant(role="customer", name=name, identifiers=identifiers))
    return found


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
