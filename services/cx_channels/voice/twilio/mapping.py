"""What Twilio's voice requests become.

One request is one notice, and its kind is told by which fields it has (``kind_of``). ``KINDS`` maps each kind to a
function; ``IGNORED`` names those left out on purpose. Shapes: www.twilio.com/docs/voice, the pages "TwiML voice
request", "Call resource: StatusCallback", and those of the verbs and nouns named beside each kind.

All legs of a call are one interaction, that of the leg without a parent: ``CONNECTION/CALLSID``. A leg's own end does
not end it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cx_channels.event_ids import id_part
from cx_channels.port import Connection, Ignored, Mapped, Request
from cx_channels.voice.twilio.attestation import verdict
from cx_channels.voice.twilio.fields import Fields, distinct, read_fields
from cx_channels.voice.twilio.parties import INBOUND, Parties, parties_of
from cx_channels.voice.twilio.times import LAST, read_time
from cx_events import strict_json
from cx_events.envelope import (
    Data,
    Draft,
    Failure,
    Handoff,
    Named,
    Recording,
    Reference,
    TranscriptLine,
    Transfer,
)
from cx_events.errors import Refused
from cx_events.timestamps import Micros

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


@dataclass(frozen=True)
class Notice:
    """One request, read."""

    fields: Fields
    connection: Connection
    request: Request

    @cached_property
    def distinct(self) -> str:
        """Tells this request from every other but its own retries."""
        return distinct(self.request, self.fields)

    @property
    def sid(self) -> str:
        """The leg's id, else the conference's."""
        return self.fields.first("CallSid", "ConferenceSid")

    @property
    def root(self) -> str:
        """The id of the call that this leg belongs to.

        A call that came in has no parent (docs/voice/twiml, ParentCallSid: "the leg that created this leg"); where a
        softphone adds a parameter of this name, it must not become part of a call that others have.
        """
        came_in = self.fields["Direction"].lower() in INBOUND
        return self.sid if came_in else self.fields["ParentCallSid"] or self.sid

    @property
    def is_leg(self) -> bool:
        """A leg that another call dialled."""
        return self.root != self.sid

    @cached_property
    def parties(self) -> Parties:
        return parties_of(self.fields, self.connection.settings, self.connection.region)

    @property
    def heard(self) -> str:
        """The role of whoever Twilio hears on this leg; the customer's, where nothing tells."""
        return self.parties.far_end or "customer"

    @property
    def time(self) -> Micros | None:
        return read_time(self.fields["Timestamp"])


Outcome = Draft | Ignored


# --- which kind ------------------------------------------------------------------------------------------------------


def kind_of(fields: Fields) -> str:
    """The kind of a notice, as ``KINDS`` and ``IGNORED`` name it; ``""`` where nothing tells.

    The order matters: what Twilio asks TwiML for carries the whole call besides, its status included.
    """
    if fields.first("MessageSid", "SmsSid", "SmsMessageSid") and not fields["CallSid"]:
        return "message"
    if fields["StatusCallbackEvent"].lower().startswith(("conference-", "participant-", "announcement-")):
        return fields["StatusCallbackEvent"].lower()
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
        return f"recording/{_status(fields['RecordingStatus'])}"
    if fields.first("SessionStatus", "HandoffData"):
        return "relay/handoff" if fields["HandoffData"] else "relay/ended"
    if fields["VirtualAgentStatus"]:
        asked = fields["VirtualAgentStatus"].lower() == "live-agent-handoff"
        return "virtual-agent/handoff" if asked else "virtual-agent/ended"
    if fields["VirtualAgentEvent"]:
        return "virtual-agent-event"
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
    """The last status callback of a call that was asked to be recorded names the recording too
    (docs/voice/api/call-resource, StatusCallback, "RecordingUrl"); how long the call was stands nowhere else."""
    reported = fields.first("CallbackSource", "CallDuration", "Duration")
    return bool(reported) and _status(fields["CallStatus"]) in OVER


def _kind_of_status(fields: Fields) -> str:
    status = _status(fields["CallStatus"])
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


def _status(text: str) -> str:
    lower = text.lower()
    return _SPELLINGS.get(lower, lower)


# --- what each becomes -----------------------------------------------------------------------------------------------


def _began(notice: Notice) -> Outcome:
    status = _status(notice.fields["CallStatus"])
    kind = "cx.interaction.routed.v1" if notice.is_leg else "cx.interaction.started.v1"
    return _draft(notice, kind, _status_id(notice), reason=status)


def _answered(notice: Notice) -> Outcome:
    return _draft(
        notice,
        "cx.interaction.answered.v1",
        _status_id(notice),
        agent=notice.parties.agent,
        answered_by=notice.fields["AnsweredBy"],
    )


def _over(notice: Notice) -> Outcome:
    """A leg's end is how one attempt to reach somebody went; the call ends with the leg that has no parent."""
    status = _status(notice.fields["CallStatus"])
    if notice.is_leg:
        kind = "cx.interaction.routed.v1"
    elif notice.parties.direction == "inbound" and status in ("no-answer", "canceled"):
        kind = "cx.interaction.abandoned.v1"
    else:
        kind = "cx.interaction.ended.v1"
    return _draft(
        notice,
        kind,
        _status_id(notice),
        reason=status,
        answered_by=notice.fields["AnsweredBy"],
        # CallDuration is in seconds; Duration is in minutes begun, for the bill.
        duration_ms=notice.fields.milliseconds("CallDuration"),
        recording=_recording(notice.fields) if notice.fields["RecordingUrl"] else None,
        failure=_failure(notice.fields, status),
    )


def _rings(notice: Notice) -> Outcome:
    fields = notice.fields
    kind = "cx.interaction.routed.v1" if notice.is_leg else "cx.interaction.started.v1"
    forwarded = fields["ForwardedFrom"] not in ("", fields["To"])
    return _draft(
        notice,
        kind,
        f"{id_part(notice.sid)}/voice",
        reason=_status(fields["CallStatus"]),
        agent=notice.parties.agent,
        transfer=Transfer(to=fields["To"], kind="forwarded") if forwarded else None,
    )


def _step(notice: Notice) -> Outcome:
    step = notice.fields["msg"] or "next"
    return _draft(notice, "cx.call.ivr_step.v1", f"{id_part(notice.sid)}/step/{notice.distinct}", step=step)


def _detected(notice: Notice) -> Outcome:
    answered_by = notice.fields["AnsweredBy"]
    return _draft(
        notice,
        "cx.interaction.answered.v1",
        f"{id_part(notice.sid)}/amd/{id_part(answered_by)}",
        answered_by=answered_by,
    )


def _digits(notice: Notice) -> Outcome:
    digits = notice.fields["Digits"]
    return _draft(notice, "cx.call.dtmf.v1", f"{id_part(notice.sid)}/digits/{notice.distinct}", digits=digits)


def _speech(notice: Notice) -> Outcome:
    line = TranscriptLine(role=notice.heard, text=notice.fields["SpeechResult"])
    return _draft(notice, "cx.call.transcript.v1", f"{id_part(notice.sid)}/speech/{notice.distinct}", transcript=[line])


def _recorded(notice: Notice) -> Outcome:
    recording = _recording(notice.fields)
    return _draft(
        notice,
        "cx.call.recording.v1",
        _own_id(notice, "recording", recording.id, recording.status),
        time=_recording_time(notice.fields, recording),
        recording=recording,
        failure=_failure(notice.fields, recording.status),
    )


def _record_verb(notice: Notice) -> Outcome:
    recording = _recording(notice.fields)
    return _draft(
        notice,
        "cx.call.recording.v1",
        _own_id(notice, "recorded", recording.id or notice.distinct),
        recording=recording,
    )


def _transcribed(notice: Notice) -> Outcome:
    """Of a <Record>: the caller alone is on it."""
    text = notice.fields["TranscriptionText"]
    if not text:
        return Ignored("transcription/empty", "nothing was said on the recording")
    return _draft(
        notice,
        "cx.call.transcript.v1",
        _own_id(notice, "transcription", notice.fields["TranscriptionSid"] or notice.distinct),
        transcript=[TranscriptLine(role=notice.heard, text=text)],
        recording=_recording(notice.fields) if notice.fields["RecordingSid"] else None,
    )


def _said(notice: Notice) -> Outcome:
    """The inbound track is what Twilio hears from the far end of the leg, the outbound track what it plays there."""
    fields = notice.fields
    if fields["Final"].lower() == "false":
        return Ignored("transcription-content/partial", "the final words of the same utterance follow")
    text = _spoken(fields)
    if not text:
        return Ignored("transcription-content/empty", "nothing was said")
    at = fields["Timestamp"]
    line = TranscriptLine(
        role="agent" if fields["Track"] == "outbound_track" else notice.heard, text=text, at=at or None
    )
    number = fields["SequenceId"] or notice.distinct
    id = _own_id(notice, "said", fields["TranscriptionSid"], number)
    return _draft(notice, "cx.call.transcript.v1", id, transcript=[line])


def _dialled(notice: Notice) -> Outcome:
    """How <Dial> went; asked when it is over, so this is a report on an attempt, not a change of the call."""
    fields = notice.fields
    status = _status(fields["DialCallStatus"])
    leg = fields["DialCallSid"]
    return _draft(
        notice,
        "cx.interaction.routed.v1",
        f"{id_part(notice.sid)}/dial/{id_part(leg) if leg else notice.distinct}/{id_part(status)}",
        reason=status,
        duration_ms=fields.milliseconds("DialCallDuration"),
        recording=_recording(fields) if fields["RecordingUrl"] else None,
        failure=_failure(fields, status),
        also=[Reference(kind="call", value=leg)] if leg else [],
    )


def _waits(notice: Notice) -> Outcome:
    since = notice.fields["QueueTime"] or notice.distinct
    queue = _queue(notice.fields)
    return _draft(
        notice,
        "cx.interaction.queued.v1",
        f"{id_part(notice.sid)}/queue/{id_part(queue.id)}/{id_part(since)}",
        queue=queue,
    )


def _connects(notice: Notice) -> Outcome:
    leg = notice.fields.first("DequeingCallSid", "DequeuingCallSid")
    queue = _queue(notice.fields)
    return _draft(
        notice,
        "cx.interaction.routed.v1",
        f"{id_part(notice.sid)}/queue/{id_part(queue.id)}/to/{id_part(leg)}",
        reason="connecting",
        queue=queue,
        also=[Reference(kind="call", value=leg)],
    )


def _hung_up(notice: Notice) -> Outcome:
    return _left(notice, "cx.interaction.abandoned.v1")


def _left_queue(notice: Notice) -> Outcome:
    return _left(notice, "cx.interaction.routed.v1")


def _left(notice: Notice, kind: str) -> Draft:
    result = notice.fields["QueueResult"].lower()
    queue = _queue(notice.fields)
    return _draft(
        notice,
        kind,
        f"{id_part(notice.sid)}/queue/{id_part(queue.id or notice.distinct)}/{id_part(result)}",
        reason=result,
        queue=queue if queue.id or queue.name else None,
        duration_ms=notice.fields.milliseconds("QueueTime"),
        failure=_failure(notice.fields, "failed" if "error" in result else result),
    )


def _joined(notice: Notice) -> Outcome:
    fields = notice.fields
    transfer = Transfer(to=fields.first("FriendlyName", "ConferenceSid"), kind="conference")
    return _conference(notice, "cx.interaction.routed.v1", reason="participant-join", transfer=transfer)


def _held(notice: Notice) -> Outcome:
    return _conference(notice, "cx.interaction.held.v1")


def _resumed(notice: Notice) -> Outcome:
    return _conference(notice, "cx.interaction.resumed.v1")


def _left_conference(notice: Notice) -> Outcome:
    status = _status(notice.fields["ParticipantCallStatus"])
    if status not in OVER:
        return Ignored("participant-leave", "the call goes on outside the conference; what comes next says where")
    reason = notice.fields["ReasonParticipantLeft"] or status
    return _conference(
        notice, "cx.interaction.ended.v1", reason=reason, failure=_failure(notice.fields, status)
    )  # fmt: skip


def _referred(notice: Notice) -> Outcome:
    fields = notice.fields
    status = _status(fields["ReferCallStatus"])
    return _draft(
        notice,
        "cx.interaction.transferred.v1",
        f"{id_part(notice.sid)}/refer/{id_part(status) if status else 'asked'}/{notice.distinct}",
        reason=status,
        transfer=Transfer(to=fields["ReferTransferTarget"], kind="sip-refer"),
    )


def _handed_off(notice: Notice) -> Outcome:
    return _handoff(notice, _packet(notice.fields["HandoffData"]), notice.fields["SessionId"])


def _virtual_agent_handed_off(notice: Notice) -> Outcome:
    return _handoff(notice, _packet(notice.fields["VirtualAgentProviderData"]), "")


def _handoff(notice: Notice, packet: dict[str, Any], session: str) -> Draft:
    reason = packet.get("reason")
    session = session or notice.distinct
    return _draft(
        notice,
        "cx.bot.handoff_asked.v1",
        f"{id_part(notice.sid)}/handoff/{id_part(session)}",
        reason=reason if isinstance(reason, str) else "",
        handoff=Handoff(packet=packet),
    )


KINDS: Mapping[str, tuple[Callable[[Notice], Outcome], str]] = {
    # Voice webhook of a number or an application: the call asks what to do (TwiML voice request)
    "voice/ringing": (_rings, "cx.interaction.started"),
    "voice/step": (_step, "cx.call.ivr_step: the call asks for its next step, after a redirect or a timeout"),
    # StatusCallback of a call (Call resource) or of <Number>, <Client>, <Sip>; of a leg: routed, answered, routed
    "status/queued": (_began, "cx.interaction.started; of a leg: routed"),
    "status/initiated": (_began, "cx.interaction.started; of a leg: routed"),
    "status/ringing": (_began, "cx.interaction.started; of a leg: routed"),
    "status/in-progress": (_answered, "cx.interaction.answered"),
    "status/answered": (_answered, "cx.interaction.answered"),
    "status/completed": (_over, "cx.interaction.ended; of a leg: routed, the call goes on"),
    "status/busy": (_over, "cx.interaction.ended; of a leg: routed"),
    "status/no-answer": (_over, "cx.interaction.ended, abandoned when inbound; of a leg: routed"),
    "status/failed": (_over, "cx.interaction.ended; of a leg: routed"),
    "status/canceled": (_over, "cx.interaction.ended, abandoned when inbound; of a leg: routed"),
    "amd": (_detected, "cx.interaction.answered with answered_by (answering machine detection)"),
    # <Gather> action, <Record> action, recordingStatusCallback, transcribeCallback
    "gather/digits": (_digits, "cx.call.dtmf"),
    "gather/speech": (_speech, "cx.call.transcript"),
    "record": (_record_verb, "cx.call.recording"),
    "recording/in-progress": (_recorded, "cx.call.recording"),
    "recording/completed": (_recorded, "cx.call.recording"),
    "recording/absent": (_recorded, "cx.call.recording with failure"),
    "recording/failed": (_recorded, "cx.call.recording with failure"),
    "transcription/completed": (_transcribed, "cx.call.transcript"),
    # <Start><Transcription> statusCallbackUrl
    "transcription-content": (_said, "cx.call.transcript, one line each; partial results are ignored"),
    # <Dial> action, <Enqueue> action and waitUrl, <Queue> url, <Refer> action and referUrl
    "dial": (_dialled, "cx.interaction.routed: how the attempt went"),
    "queue/waiting": (_waits, "cx.interaction.queued"),
    "queue/connecting": (_connects, "cx.interaction.routed"),
    "queue/hangup": (_hung_up, "cx.interaction.abandoned"),
    "queue/left": (_left_queue, "cx.interaction.routed with the QueueResult as reason"),
    "refer": (_referred, "cx.interaction.transferred"),
    # <Conference> statusCallback; the conference is a `thread` reference that its calls share
    "participant-join": (_joined, "cx.interaction.routed"),
    "participant-hold": (_held, "cx.interaction.held"),
    "participant-unhold": (_resumed, "cx.interaction.resumed"),
    "participant-leave": (_left_conference, "cx.interaction.ended if the participant's call is over"),
    # <Connect><ConversationRelay> action
    "relay/handoff": (_handed_off, "cx.bot.handoff_asked"),
    # <Connect><VirtualAgent> action (docs/voice/twiml/connect/virtualagent)
    "virtual-agent/handoff": (_virtual_agent_handed_off, "cx.bot.handoff_asked"),
}

IGNORED: Mapping[str, str] = {
    "message": "SMS, MMS and messages of other channels belong to a messaging connection",
    "pay": "<Pay> results are card data; none of it is kept",
    "stream": "<Stream> reports on the transport of audio, not on the conversation",
    "siprec": "<Siprec> reports on the transport of audio, not on the conversation",
    "relay/ended": "the relay session ended without asking for a hand-off; the call's own status follows",
    "virtual-agent/ended": "the virtual agent is done without asking for a hand-off; the call's own status follows",
    "virtual-agent-event": "steps of a virtual agent's session; what it asks for comes with its end",
    "gather/partial": "the final result of <Gather> follows",
    "transcription/in-progress": "the text follows",
    "transcription/failed": "there is no text; the recording has an event of its own",
    "transcription-started": "the words have events of their own",
    "transcription-stopped": "the words have events of their own",
    "transcription-error": "there are no words; the call goes on",
    "conference-start": "a room's own life; its calls' joining and leaving tell it",
    "conference-end": "a room's own life; its calls' joining and leaving tell it",
    "conference-record-start": "the recording has a callback of its own",
    "conference-record-end": "the recording has a callback of its own",
    "participant-mute": "not part of the customer's story",
    "participant-unmute": "not part of the customer's story",
    "participant-modify": "not part of the customer's story",
    "participant-speech-start": "not part of the customer's story",
    "participant-speech-stop": "not part of the customer's story",
    "announcement-end": "not part of the customer's story",
    "announcement-fail": "not part of the customer's story",
    "voice-intelligence": "names a transcript that only Twilio's API gives, and no call",
    "event-streams": "Event Streams tell the status callbacks once more under other names",
}

DOCUMENTED: Mapping[str, str] = {
    **{kind: becomes for kind, (_, becomes) in KINDS.items()},
    **{kind: f"ignored: {why}" for kind, why in IGNORED.items()},
}


# --- the whole -------------------------------------------------------------------------------------------------------


def map_request(request: Request, connection: Connection) -> Mapped:
    """One event, or one kind ignored. ``Refused``: ``malformed`` (unreadable), ``no-call-sid`` (of which call?),
    ``unknown-kind`` (a status or event that Twilio did not document when this was written)."""
    fields = request.once(read_fields)
    if isinstance(fields, list):
        return _ignored("event-streams")
    if fields.first("transcript_sid", "event_type") and "CallSid" not in fields:
        return _ignored("voice-intelligence")
    if connection.settings.get("mask_digits"):
        fields = fields.masked("Digits")
    _check_unambiguous(fields)
    kind = kind_of(fields)
    if kind in IGNORED:
        return _ignored(kind)
    notice = Notice(fields, connection, request)
    if not notice.sid:
        raise Refused("no-call-sid", f"of which call? There is no CallSid among its fields: {fields.names()}")
    if kind not in KINDS:
        raise Refused("unknown-kind", f"nothing tells what this means: kind {kind!r}, fields {fields.names()}")
    outcome = KINDS[kind][0](notice)
    return Mapped(ignored=(outcome,)) if isinstance(outcome, Ignored) else Mapped(drafts=(outcome,))


_ONCE = (
    "CallSid", "ParentCallSid", "ConferenceSid", "Direction", "CallStatus", "From", "Caller", "To", "Called",
)  # fmt: skip


def _check_unambiguous(fields: Fields) -> None:
    """Raise ``Refused("ambiguous")`` where a field that says which call this is, or whose, has two values.

    Twilio sends each once. A softphone's application may add parameters of any name (docs/voice/sdks/javascript,
    "device.connect(connectOptions)"), and which of the two is Twilio's can't be told.
    """
    for name in _ONCE:
        if len(fields.said(name)) > 1:
            raise Refused("ambiguous", f"{name} comes with more than one value: which one is Twilio's can't be told")


def expects_twiml(request: Request) -> bool:
    """Whether Twilio asks what to do (then it takes nothing but TwiML), or only tells."""
    try:
        fields = request.once(read_fields)
    except Refused:
        return True
    if isinstance(fields, list):
        return False
    kind = kind_of(fields)
    if kind == "amd":  # told by a callback of its own, or with the request for what to do next
        return bool(fields["CallStatus"])
    return kind in _ASKING or kind.startswith(("voice/", "queue/", "relay/", "virtual-agent/")) or not kind


_ASKING = frozenset({"gather/digits", "gather/speech", "record", "dial", "refer", "pay"})


def _ignored(kind: str) -> Mapped:
    return Mapped(ignored=(Ignored(kind, IGNORED[kind]),))


def _draft(
    notice: Notice,
    event_type: str,
    id: str,
    *,
    time: Micros | None = None,
    also: list[Reference] | None = None,
    sequence: bool = True,
    **data: Any,
) -> Draft:
    """``also``: references besides the call's own."""
    fields, connection = notice.fields, notice.connection
    calls = [Reference(kind="call", value=fields["CallSid"])] if fields["CallSid"] else []
    return Draft(
        type=event_type,
        id=id,
        time=notice.time if time is None else time,
        sequence=fields.whole("SequenceNumber") if sequence else None,
        data=Data(
            channel="voice",
            interaction=f"{connection.id}/{id_part(notice.root)}",
            direction=notice.parties.direction,
            participants=list(notice.parties.participants),
            references=[*calls, *(also or [])],
            evidence=verdict(fields),
            raw=fields.raw(),
            **data,
        ),
    )


def _conference(notice: Notice, event_type: str, **data: Any) -> Draft:
    """The conference counts its own events: its numbers say nothing about their order within the call."""
    fields = notice.fields
    conference = fields["ConferenceSid"]
    number = fields.first("SequenceNumber", "Timestamp") or notice.distinct
    return _draft(
        notice,
        event_type,
        f"{id_part(conference)}/{fields['StatusCallbackEvent'].lower()}/{id_part(number)}/{id_part(notice.sid)}",
        sequence=False,
        also=[Reference(kind="thread", value=conference)] if conference else [],
        **data,
    )


def _status_id(notice: Notice) -> str:
    """The same for each attempt to deliver one callback. Callbacks of an older kind have no number, one for each
    status."""
    number = notice.fields.whole("SequenceNumber")
    status = _status(notice.fields["CallStatus"])
    return f"{id_part(notice.sid)}/status/{status}" + ("" if number is None else f"/{number}")


def _own_id(notice: Notice, *parts: str) -> str:
    """Below the id of the call, so that what one call says is never the same event as what another one says."""
    return "/".join([id_part(notice.sid), *(id_part(part) for part in parts if part)])


def _failure(fields: Fields, status: str) -> Failure | None:
    """ErrorCode ``0`` says that there was none. A SIP response tells why a number could not be reached."""
    code = fields["ErrorCode"]
    message = fields["ErrorMessage"]
    if code.strip("0"):
        return Failure(code=code, message=message)
    sip = fields.first("SipResponseCode", "DialSipResponseCode")
    if status in UNREACHED and sip:
        return Failure(code=f"sip-{sip}", message=message or status)
    return Failure(code=status, message=message) if status in ("failed", "absent") else None


def _recording(fields: Fields) -> Recording:
    return Recording(
        id=fields["RecordingSid"],
        url=fields["RecordingUrl"],
        duration_ms=fields.milliseconds("RecordingDuration"),
        channels=fields.whole("RecordingChannels"),
        status=_status(fields["RecordingStatus"]) or "completed",
    )


def _recording_time(fields: Fields, recording: Recording) -> Micros | None:
    """These callbacks have no Timestamp; a recording is complete when it has run for as long as it is."""
    start = read_time(fields["RecordingStartTime"])
    if start is None or recording.status != "completed" or recording.duration_ms is None:
        return start
    end = start + recording.duration_ms * 1000
    return end if end <= LAST else start


def _queue(fields: Fields) -> Named:
    return Named(id=fields["QueueSid"], name=fields.first("QueueName", "FriendlyName"))


def _spoken(fields: Fields) -> str:
    """``TranscriptionData`` is JSON in a field: ``{"transcript": ..., "confidence": ...}``."""
    content = fields["TranscriptionData"]
    if not content:
        return fields["TranscriptionText"]
    try:
        value = strict_json.decode(content.encode())
    except Refused as refused:
        raise Refused("malformed", f"TranscriptionData: {refused.detail}") from None
    text = value.get("transcript", "") if isinstance(value, dict) else ""
    return text.strip() if isinstance(text, str) else ""


def _packet(content: str) -> dict[str, Any]:
    """``HandoffData`` is what the application wrote, as a rule JSON."""
    try:
        value = strict_json.decode(content.encode("utf-8", "replace"))
    except Refused:
        return {"text": content}
    return value if isinstance(value, dict) else {"value": value}
