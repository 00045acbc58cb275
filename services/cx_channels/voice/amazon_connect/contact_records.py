"""Map contact records: all of a contact in one object, some minutes after its end, and again at every change.

"Connect delivers contact records at least once", and again "when new information arrives after initial delivery"
(docs.aws.amazon.com/connect/latest/adminguide/ctr-data-model.html): weeks later, too. So each step of a contact has an
id without the time of the update, and keeps of the record what tells that step and no longer changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from cx_channels.kit.aws.deliveries import Notice
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import obj, objects, text, texts
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.same_call import same_call
from cx_channels.provider import Connection
from cx_channels.voice.amazon_connect.contact import OUTBOUND, Contact, agent_of, contact_of, queue_of, time_of
from cx_channels.voice.amazon_connect.contact_events import not_told
from cx_events.envelope import Data, Recording, Reference, Transfer
from cx_events.json_types import Json

_IDENTITY = ("AWSAccountId", "InstanceARN", "ContactId", "InitialContactId", "PreviousContactId", "RelatedContactId",
             "Channel", "InitiationMethod", "SegmentAttributes", "CustomerEndpoint", "SystemEndpoint")  # fmt: skip
"""What every step keeps of the record; none of it changes."""


def map_contact_record(notice: Notice, connection: Connection) -> Iterator[Outcome]:
    """Map one record: what happened to its contact, in order."""
    record = notice.value
    contact = contact_of(record, connection)
    if not contact.id:
        yield notice.lost("malformed contact record: no ContactId")
        return
    if (left_out := not_told(contact)) is not None:
        yield left_out
        return
    for step in (_begin, _outbound_answer, _queue, _agent, _transfer, _recordings, _end, _attributes):
        yield from step(contact, record)


def _begin(contact: Contact, record: Json) -> Iterator[Outcome]:
    at = record.get("InitiationTimestamp")
    raw = _kept(record, "InitiationTimestamp")
    passed = contact.passed_on("record/passed-on", raw, time_of(at), queue_of(record.get("Queue")))
    if passed is not None:
        yield passed
    reason = "disconnect-flow" if contact.method == "DISCONNECT" else contact.method.lower()
    yield contact.draft("cx.interaction.started.v1", "record/initiated", raw, time_of(at), Data(reason=reason))


def _outbound_answer(contact: Contact, record: Json) -> Iterator[Outcome]:
    """Yield who or what picked up an outbound call; of others this is the moment at which the flow took them."""
    at = time_of(record.get("ConnectedToSystemTimestamp"))
    if at is None or not contact.is_outbound_call:
        return
    raw = _kept(record, "ConnectedToSystemTimestamp", "AnsweringMachineDetectionStatus")
    detected = text(record.get("AnsweringMachineDetectionStatus")).lower()
    yield contact.connected("record/system", raw, at, detected)


def _queue(contact: Contact, record: Json) -> Iterator[Outcome]:
    at = obj(record.get("Queue")).get("EnqueueTimestamp")
    if time_of(at) is None:
        return
    raw = _kept(record, "Queue")
    data, id = Data(queue=queue_of(record.get("Queue"))), f"record/queued/{id_part(text(at))}"
    yield contact.draft("cx.interaction.queued.v1", id, raw, time_of(at), data)


def _agent(contact: Contact, record: Json) -> Iterator[Outcome]:
    at = time_of(obj(record.get("Agent")).get("ConnectedToAgentTimestamp"))
    if at is None:
        return
    agent, queue = agent_of(record.get("Agent")), queue_of(record.get("Queue"))
    raw = _kept(record, agent=("ARN", "Username", "ConnectedToAgentTimestamp"))
    yield contact.draft("cx.interaction.answered.v1", "record/agent", raw, at, Data(agent=agent, queue=queue))


def _transfer(contact: Contact, record: Json) -> Iterator[Outcome]:
    """Yield a transfer out of Connect: TransferredToEndpoint and TransferCompletedTimestamp tell of these alone. The
    agent may stay on, so that it can lie before the end."""
    to = text(obj(record.get("TransferredToEndpoint")).get("Address"))
    at = time_of(record.get("TransferCompletedTimestamp"))
    if not to and at is None:
        return
    raw = _kept(record, "TransferredToEndpoint", "TransferCompletedTimestamp")
    data = Data(transfer=Transfer(to=to, kind="external"), agent=agent_of(record.get("Agent")))
    yield contact.draft("cx.interaction.transferred.v1", "record/transferred", raw, at, data)


def _recordings(contact: Contact, record: Json) -> Iterator[Outcome]:
    """Yield each file once. ``Recording``, the older form, repeats the first of ``Recordings``."""
    found: dict[str, Json] = {}
    ended = time_of(record.get("DisconnectTimestamp"))
    for each in [*objects(record.get("Recordings")), obj(record.get("Recording"))]:
        place = text(each.get("Location"))
        if place:
            found.setdefault(place, each)
    for place, each in found.items():
        began, stopped = time_of(each.get("StartTimestamp")), time_of(each.get("StopTimestamp"))
        recording = Recording(
            id=place.rpartition("/")[2],
            # "bucket/key" in S3; a stream of Kinesis Video has an ARN
            url=f"s3://{place}" if text(each.get("StorageType")) in ("", "S3") else place,
            duration_ms=(stopped - began) // 1000 if began is not None and stopped is not None else None,
            status=text(each.get("Status")).lower(),
        )
        raw = _kept(record, "DisconnectTimestamp", extra={"Recordings": [each]})
        id = f"record/recording/{id_part(place)}/{id_part(recording.status)}"
        yield contact.draft("cx.call.recording.v1", id, raw, stopped or ended, Data(recording=recording))


def _end(contact: Contact, record: Json) -> Iterator[Outcome]:
    at = time_of(record.get("DisconnectTimestamp"))
    if at is None:
        return
    next_id = text(record.get("NextContactId"))
    kind = "cx.interaction.abandoned.v1" if _gave_up(contact, record) else "cx.interaction.ended.v1"
    references = contact.references + ([Reference(kind="call", value=next_id)] if next_id else [])
    if contact.channel == "voice" and (name := contact.connection.settings.get("same_call")):
        references += same_call(obj(record.get("Attributes")).get(name))
    began = time_of(record.get("InitiationTimestamp"))
    raw = _kept(
        record,
        *("InitiationTimestamp", "DisconnectTimestamp", "DisconnectReason", "NextContactId", "Queue", "MediaStreams"),
        *("AgentConnectionAttempts", "TransferredToEndpoint", "TransferCompletedTimestamp", "Campaign"),
        agent=(
            *("ARN", "Username", "ConnectedToAgentTimestamp", "AgentInteractionDuration", "CustomerHoldDuration"),
            *("NumberOfHolds", "LongestHoldDuration"),
        ),
    )
    data = Data(
        reason=text(record.get("DisconnectReason")).lower(),
        references=references,
        agent=agent_of(record.get("Agent")),
        queue=queue_of(record.get("Queue")),
        duration_ms=(at - began) // 1000 if began is not None and began <= at else None,
    )
    yield contact.draft(kind, "record/disconnected", raw, at, data)


def _gave_up(contact: Contact, record: Json) -> bool:
    """Return whether the customer left a queue before any agent was there (.../ctr-data-model.html, "How to identify
    abandoned contacts"); one who asked for a callback, or was moved on, has a next contact."""
    waited = time_of(obj(record.get("Queue")).get("EnqueueTimestamp")) is not None
    reached = time_of(obj(record.get("Agent")).get("ConnectedToAgentTimestamp")) is not None
    moved = text(record.get("DisconnectReason")).upper() == "TRANSFERRED"
    went_on = moved or text(record.get("NextContactId")) or obj(record.get("TransferredToEndpoint"))
    return waited and not reached and not went_on and contact.method not in OUTBOUND


def _attributes(contact: Contact, record: Json) -> Iterator[Outcome]:
    """Yield the contact attributes that the connection names: flows write them, and much else of their own."""
    named = texts(contact.connection.settings.get("attributes"))
    given = obj(record.get("Attributes"))
    found = {name: given[name] for name in named if given.get(name) not in (None, "")}
    if not found:
        return
    changed = record.get("LastUpdateTimestamp")
    raw = _kept(record, "LastUpdateTimestamp", extra={"Attributes": found})
    id = f"record/attributes/{id_part(text(changed))}"
    yield contact.draft("cx.customer.attributes_changed.v1", id, raw, time_of(changed), Data(attributes=found))


def _kept(record: Json, *names: str, agent: tuple[str, ...] = (), extra: Json | None = None) -> bytes:
    """Return what a step keeps of the record, as JSON on one line. ``agent``: members of ``Agent``."""
    kept: dict[str, Any] = {name: record[name] for name in (*_IDENTITY, *names) if record.get(name) is not None}
    of_agent = obj(record.get("Agent"))
    if agent and of_agent:
        kept["Agent"] = {name: of_agent[name] for name in agent if of_agent.get(name) is not None}
    return msgspec.json.encode(kept | (extra or {}))
