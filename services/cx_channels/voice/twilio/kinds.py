"""Find the kind of a request by the fields that it has."""

from __future__ import annotations

from cx_channels.kit import twilio_products
from cx_channels.kit.twilio_forms import Fields

STARTING = frozenset({"queued", "initiated", "ringing"})
ANSWERED = frozenset({"in-progress", "answered"})
UNREACHED = frozenset({"busy", "no-answer", "failed", "canceled"})
OVER = UNREACHED | {"completed"}
STATUSES = STARTING | ANSWERED | OVER
_SPELLINGS = {
    "cancelled": "canceled",
    "noanswer": "no-answer",
    "inprogress": "in-progress",
    "in_progress": "in-progress",
}


def kind_of(fields: Fields) -> str:
    """Return the kind of a request as ``KINDS``, ``IGNORED`` and ``twilio_products`` name it; ``""`` where nothing
    tells.

    A request that is about no call is of a kind of ``twilio_products``. The order matters: a request for TwiML also
    carries the whole call, its status included.
    """
    if other := twilio_products.kind_of(fields):
        return other
    if (event := fields["StatusCallbackEvent"].lower()).startswith(("conference-", "participant-", "announcement-")):
        coaches = event.startswith("participant-") and fields["Coaching"].lower() == "true"
        return "participant-coaching" if coaches else event
    if fields["TranscriptionEvent"]:
        return fields["TranscriptionEvent"].lower()
    if fields.starting("Payment") or fields["For"].startswith(
        ("payment", "security-code", "expiration", "postal-code")
    ):
        return "pay"
    if fields.starting("StreamEvent", "StreamSid"):
        return "stream"
    if fields.starting("SiprecEvent", "SiprecSid"):
        return "siprec"
    if fields.first("TranscriptionStatus", "TranscriptionSid"):
        return f"transcription/{fields['TranscriptionStatus'].lower() or 'completed'}"
    if fields["RecordingStatus"]:
        return f"recording/{status_of(fields['RecordingStatus'])}"
    if fields.first("SessionStatus", "HandoffData"):
        return "relay/handoff" if fields["HandoffData"] else "relay/ended"
    if fields["VirtualAgentStatus"]:
        asked = fields["VirtualAgentStatus"].lower() == "live-agent-handoff"
        return "virtual-agent/handoff" if asked else "virtual-agent/ended"
    if fields["VirtualAgentEvent"]:
        return "virtual-agent-event"
    return _kind_of_verb(fields)


def _kind_of_verb(fields: Fields) -> str:
    """Return the kind of a request of a TwiML verb, else of the call's status."""
    if fields.starting("ReferCallStatus", "ReferTransferTarget"):
        return "refer"
    if fields["QueueResult"]:
        return "queue/hangup" if fields["QueueResult"].lower() == "hangup" else "queue/left"
    if fields.first("DequeingCallSid", "DequeuingCallSid"):
        return "queue/connecting"
    if fields["QueueSid"]:
        return "queue/waiting"
    if fields["DialCallStatus"]:
        return "dial"
    if fields.starting("UnstableSpeechResult", "StableSpeechResult"):
        return "gather/partial"
    if fields["SpeechResult"]:
        return "gather/speech"
    if fields["RecordingUrl"] and not _is_told_at_the_end(fields):
        return "record"
    if fields["Digits"]:
        return "gather/digits"
    return _kind_of_status(fields)


def _is_told_at_the_end(fields: Fields) -> bool:
    """Return whether a request is a call's last status callback.

    Where the call was recorded, it names the recording too (docs/voice/api/call-resource, StatusCallback,
    "RecordingUrl"); only it has the duration of the call.
    """
    reported = fields.first("CallbackSource", "CallDuration", "Duration")
    return bool(reported) and status_of(fields["CallStatus"]) in OVER


def _kind_of_status(fields: Fields) -> str:
    status = status_of(fields["CallStatus"])
    if not status:
        return "amd" if fields["AnsweredBy"] else ""
    if status not in STATUSES:
        return f"status/{status}"
    reported = fields.first("CallbackSource", "SequenceNumber", "Timestamp")
    if status in OVER or reported:
        return f"status/{status}"
    if status in STARTING:
        return "voice/ringing"
    return "amd" if fields["AnsweredBy"] else "voice/step"


def status_of(text: str) -> str:
    lower = text.lower()
    return _SPELLINGS.get(lower, lower)
