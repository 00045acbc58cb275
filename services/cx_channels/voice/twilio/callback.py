"""Read one request of Twilio's, and draft the event for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cx_channels.kit.drafts import make_draft
from cx_channels.kit.ids import id_part
from cx_channels.kit.listed import listed_at
from cx_channels.kit.times import LAST, rfc2822_time
from cx_channels.kit.twilio_forms import Fields, distinct
from cx_channels.provider import Connection, Ignored, Request
from cx_channels.voice.twilio.attestation import verdict
from cx_channels.voice.twilio.kinds import UNREACHED, status_of
from cx_channels.voice.twilio.parties import INBOUND, Parties, parties_of
from cx_events import strict_json
from cx_events.envelope import AgentOrQueue, Draft, Failure, Recording, Reference
from cx_events.errors import Refused
from cx_events.timestamps import Micros


@dataclass(frozen=True)
class CallbackRequest:
    """One request of Twilio's: a status callback, or a request for TwiML."""

    fields: Fields
    connection: Connection
    request: Request

    @cached_property
    def distinct(self) -> str:
        """A digest that differs for every request except its own retries."""
        return distinct(self.request, self.fields)

    @property
    def sid(self) -> str:
        """The leg's id, else the conference's."""
        return self.fields.first("CallSid", "ConferenceSid")

    @property
    def root(self) -> str:
        """The id of the call that this leg belongs to.

        A call that came in has no parent (docs/voice/twiml, ParentCallSid: "the leg that created this leg"). A
        softphone may add a parameter of this name; it must not make the call part of somebody else's.
        """
        came_in = self.fields["Direction"].lower() in INBOUND
        return self.sid if came_in else self.fields["ParentCallSid"] or self.sid

    @property
    def is_leg(self) -> bool:
        """Return whether another call dialled this leg."""
        return self.root != self.sid

    @cached_property
    def parties(self) -> Parties:
        return parties_of(self.fields, self.connection.settings, self.connection.region, self.connection.id)

    @property
    def heard(self) -> str:
        """The role of whoever Twilio hears on this leg; customer, where nothing tells."""
        return self.parties.far_end or "customer"

    @property
    def time(self) -> Micros | None:
        return rfc2822_time(self.fields["Timestamp"]) or listed_at(self.request)


Outcome = Draft | Ignored


def draft_of(
    callback: CallbackRequest,
    event_type: str,
    id: str,
    *,
    time: Micros | None = None,
    also: list[Reference] | None = None,
    sequence: bool = True,
    **data: Any,
) -> Draft:
    """Draft an event. ``also``: references besides the call's own."""
    fields, connection = callback.fields, callback.connection
    calls = [Reference(kind="call", value=fields["CallSid"])] if fields["CallSid"] else []
    if callback.is_leg:  # whoever is called by SIP knows the call by this leg (X-Twilio-CallSid)
        calls += [Reference(kind="same-call", value=each.value) for each in calls]
    return make_draft(
        connection,
        "voice",
        event_type,
        id,
        raw=fields.raw(),
        root=id_part(callback.root),
        time=callback.time if time is None else time,
        sequence=fields.whole("SequenceNumber") if sequence else None,
        direction=callback.parties.direction,
        participants=list(callback.parties.participants),
        references=[*calls, *(also or [])],
        evidence=verdict(fields),
        **data,
    )


def conference_draft(callback: CallbackRequest, event_type: str, **data: Any) -> Draft:
    """Draft an event of a conference. It counts its own events: its numbers say nothing about their order within the
    call."""
    fields = callback.fields
    conference = fields["ConferenceSid"]
    number = fields.first("SequenceNumber", "Timestamp") or callback.distinct
    return draft_of(
        callback,
        event_type,
        f"{id_part(conference)}/{fields['StatusCallbackEvent'].lower()}/{id_part(number)}/{id_part(callback.sid)}",
        sequence=False,
        also=[Reference(kind="thread", value=conference)] if conference else [],
        **data,
    )


def status_id(callback: CallbackRequest) -> str:
    """Return an event id that is the same for each attempt to deliver one callback.

    Callbacks of an older kind have no number: one for each status.
    """
    number = callback.fields.whole("SequenceNumber")
    status = status_of(callback.fields["CallStatus"])
    return f"{id_part(callback.sid)}/status/{status}" + ("" if number is None else f"/{number}")


def own_id(callback: CallbackRequest, *parts: str) -> str:
    """Return an event id below the call's id, so that events of two calls never have the same id."""
    return "/".join([id_part(callback.sid), *(id_part(part) for part in parts if part)])


def failure_of(fields: Fields, status: str) -> Failure | None:
    """Return the failure; ErrorCode ``0`` means none. A SIP response says why a number could not be reached."""
    code = fields["ErrorCode"]
    message = fields["ErrorMessage"]
    if code.strip("0"):
        return Failure(code=code, message=message)
    sip = fields.first("SipResponseCode", "DialSipResponseCode")
    if status in UNREACHED and sip:
        return Failure(code=f"sip-{sip}", message=message or status)
    return Failure(code=status, message=message) if status in ("failed", "absent") else None


def recording_of(fields: Fields) -> Recording:
    return Recording(
        id=fields["RecordingSid"],
        url=fields["RecordingUrl"],
        duration_ms=fields.milliseconds("RecordingDuration"),
        channels=fields.whole("RecordingChannels"),
        status=status_of(fields["RecordingStatus"]) or "completed",
    )


def recording_time(fields: Fields, recording: Recording) -> Micros | None:
    """These callbacks have no Timestamp; a recording is complete when it has run for as long as it is."""
    start = rfc2822_time(fields["RecordingStartTime"])
    if start is None or recording.status != "completed" or recording.duration_ms is None:
        return start
    end = start + recording.duration_ms * 1000
    return end if end <= LAST else start


def queue_of(fields: Fields) -> AgentOrQueue:
    return AgentOrQueue(id=fields["QueueSid"], name=fields.first("QueueName", "FriendlyName"))


def spoken_in(fields: Fields) -> str:
    """``TranscriptionData`` is JSON in a field: ``{"transcript": ..., "confidence": ...}``."""
    content = fields["TranscriptionData"]
    if not content:
        return fields["TranscriptionText"]
    try:
        value = strict_json.decode_mended(content.encode())
    except Refused as refused:
        raise Refused("malformed", f"TranscriptionData: {refused.detail}") from None
    text = value.get("transcript", "") if isinstance(value, dict) else ""
    return text.strip() if isinstance(text, str) else ""


def packet_of(content: str) -> dict[str, Any]:
    """``HandoffData`` is what the application wrote, as a rule JSON."""
    try:
        value = strict_json.decode_mended(content.encode("utf-8", "replace"))
    except Refused:
        return {"text": content}
    return value if isinstance(value, dict) else {"value": value}
