"""Map contact events: what happens to a contact, within seconds, as EventBridge brings it.

They come unordered and "on a best effort basis" (docs.aws.amazon.com/connect/latest/adminguide/contact-events.html), so
that a step may be missing; the contact record tells all of them again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from msgspec import Struct

from cx_channels.kit.aws.deliveries import Notice
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import obj, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.provider import Connection, Ignored
from cx_channels.voice.amazon_connect.contact import OUTBOUND, Contact, agent_of, contact_of, member, queue_of, time_of
from cx_events.dead_letters import UNKNOWN_KIND
from cx_events.envelope import AgentOrQueue, Data, Draft
from cx_events.json_types import Json
from cx_events.timestamps import Micros


class Moment(NamedTuple):
    """A time, as it is written and read."""

    written: str
    at: Micros | None


class ContactEvent(Struct, gc=False):
    """One contact event. ``sent``: when EventBridge got it, as written."""

    contact: Contact
    detail: Json
    raw: bytes
    sent: Any
    queue: AgentOrQueue | None
    agent: AgentOrQueue | None

    def step(self, *names: str) -> Moment:
        """Return the time of this step: the member at this path, else when the event was sent."""
        value: Any = self.detail
        for name in names:
            value = member(obj(value), name)
        for each in (value, self.sent):
            if (at := time_of(each)) is not None:
                return Moment(text(each), at)
        return Moment(text(self.sent), None)

    def draft(self, event_type: str, step: str, moment: Moment, data: Data) -> Draft:
        id = f"{step}/{id_part(moment.written)}" if moment.written else step
        return self.contact.draft(event_type, id, self.raw, moment.at, data)


def _map_initiated(event: ContactEvent) -> Iterator[Outcome]:
    """Map the begin of a contact; where it continues another one, that one was passed on."""
    moment, contact = event.step("InitiationTimestamp"), event.contact
    passed = contact.passed_on(f"passed-on/{id_part(moment.written)}", event.raw, moment.at, event.queue)
    if passed is not None:
        yield passed
    reason = "disconnect-flow" if contact.method == "DISCONNECT" else contact.method.lower()
    yield event.draft("cx.interaction.started.v1", "initiated", moment, Data(reason=reason, queue=event.queue))


def _map_connected_to_system(event: ContactEvent) -> Iterator[Outcome]:
    """Map that an outbound call was picked up, by a person or a machine, or by nobody. Chats have media at once."""
    if not event.contact.is_outbound_call:
        yield Ignored("contact-event/media", MEDIA)
        return
    answered_by = text(member(event.detail, "AnsweringMachineDetectionStatus")).lower()
    moment = event.step("ConnectedToSystemTimestamp")
    id = f"connected-to-system/{id_part(moment.written)}"
    yield event.contact.connected(id, event.raw, moment.at, answered_by)


def _map_queued(event: ContactEvent) -> Iterator[Outcome]:
    moment = event.step("QueueInfo", "EnqueueTimestamp")
    yield event.draft("cx.interaction.queued.v1", "queued", moment, Data(queue=event.queue))


def _map_connected_to_agent(event: ContactEvent) -> Iterator[Outcome]:
    moment = event.step("AgentInfo", "ConnectedToAgentTimestamp")
    data = Data(agent=event.agent, queue=event.queue)
    yield event.draft("cx.interaction.answered.v1", "connected-to-agent", moment, data)


def _map_disconnected(event: ContactEvent) -> Iterator[Outcome]:
    """Map the end of a contact. One that waited in a queue and reached no agent was abandoned (.../ctr-data-model.html,
    "How to identify abandoned contacts"); one that came to no queue ended in the flow."""
    reason = text(member(event.detail, "DisconnectReason")).lower()
    waited = event.queue is not None and event.agent is None and event.contact.method not in OUTBOUND
    kind = "cx.interaction.abandoned.v1" if waited and reason != "transferred" else "cx.interaction.ended.v1"
    moment = event.step("DisconnectTimestamp")
    data = Data(reason=reason, agent=event.agent, queue=event.queue)
    yield event.draft(kind, "disconnected", moment, data)


def _map_paused(event: ContactEvent) -> Iterator[Outcome]:
    moment = event.step("LastPausedTimestamp")
    yield event.draft("cx.interaction.held.v1", "paused", moment, Data(agent=event.agent))


def _map_resumed(event: ContactEvent) -> Iterator[Outcome]:
    moment = event.step("LastResumedTimestamp")
    yield event.draft("cx.interaction.resumed.v1", "resumed", moment, Data(agent=event.agent))


KINDS: Mapping[str, tuple[Callable[[ContactEvent], Iterator[Outcome]], str]] = {
    "INITIATED": (
        _map_initiated,
        "cx.interaction.started; of a transfer also cx.interaction.transferred, of the contact before",
    ),
    "CONNECTED_TO_SYSTEM": (
        _map_connected_to_system,
        "cx.interaction.answered with answered_by, of outbound calls; cx.interaction.routed where nobody picked up",
    ),
    "QUEUED": (_map_queued, "cx.interaction.queued"),
    "CONNECTED_TO_AGENT": (_map_connected_to_agent, "cx.interaction.answered"),
    "DISCONNECTED": (
        _map_disconnected,
        "cx.interaction.ended; cx.interaction.abandoned from a queue, without an agent",
    ),
    "PAUSED": (_map_paused, "cx.interaction.held"),
    "RESUMED": (_map_resumed, "cx.interaction.resumed"),
}

MEDIA = "chats, mails and incoming calls have media from their begin"
IGNORED: Mapping[str, str] = {
    "COMPLETED": "the agent's work after the contact is done; DISCONNECTED told its end",
    "CONTACT_DATA_UPDATED": "attributes, tags or routing criteria; the contact record has them",
    "AMD_DISABLED": "answering machine detection was switched off for the call",
}


def map_contact_event(notice: Notice, connection: Connection) -> Iterator[Outcome]:
    """Map one contact event, with or without EventBridge's envelope."""
    detail = obj(notice.value.get("detail")) or notice.value
    kind = text(member(detail, "EventType")).upper()
    if kind in IGNORED:
        yield Ignored(f"contact-event/{kind}", IGNORED[kind])
        return
    contact = contact_of(detail, connection)
    if kind not in KINDS:
        yield notice.lost(f"{UNKNOWN_KIND}: the contact event {kind[:64]!r}")
    elif not contact.id:
        yield notice.lost(f"malformed contact event {kind}: no contactId")
    elif (left_out := not_told(contact)) is not None:
        yield left_out
    else:
        queue, agent = queue_of(member(detail, "QueueInfo")), agent_of(member(detail, "AgentInfo"))
        event = ContactEvent(contact, detail, notice.raw, notice.value.get("time"), queue, agent)
        yield from KINDS[kind][0](event)


def not_told(contact: Contact) -> Ignored | None:
    """Return why a contact is no part of a customer's story, if so."""
    if contact.written_channel == "TASK":
        return Ignored("task", TASK)
    return Ignored("monitor", MONITOR) if contact.method == "MONITOR" else None


TASK = "a task is work inside the business, not a contact with a customer"
MONITOR = "a supervisor listens in; no part of the customer's story"
