"""What each kind of notice becomes, one function each. ``mapping.KINDS`` is the table of them."""

from __future__ import annotations

from typing import Any

from cx_channels.kit.ids import id_part
from cx_channels.provider import Ignored
from cx_channels.voice.twilio.kinds import OVER, status_of
from cx_channels.voice.twilio.notice import (
    Notice,
    Outcome,
    conference_draft,
    draft_of,
    failure_of,
    own_id,
    packet_of,
    queue_of,
    recording_of,
    recording_time,
    spoken_in,
    status_id,
)
from cx_events.envelope import Draft, Handoff, Reference, TranscriptLine, Transfer


def began(notice: Notice) -> Outcome:
    status = status_of(notice.fields["CallStatus"])
    kind = "cx.interaction.routed.v1" if notice.is_leg else "cx.interaction.started.v1"
    return draft_of(notice, kind, status_id(notice), reason=status)


def answered(notice: Notice) -> Outcome:
    return draft_of(
        notice,
        "cx.interaction.answered.v1",
        status_id(notice),
        agent=notice.parties.agent,
        answered_by=notice.fields["AnsweredBy"],
    )


def over(notice: Notice) -> Outcome:
    """A leg's end is how one attempt to reach somebody went; the call ends with the leg that has no parent."""
    status = status_of(notice.fields["CallStatus"])
    if notice.is_leg:
        kind = "cx.interaction.routed.v1"
    elif notice.parties.direction == "inbound" and status in ("no-answer", "canceled"):
        kind = "cx.interaction.abandoned.v1"
    else:
        kind = "cx.interaction.ended.v1"
    return draft_of(
        notice,
        kind,
        status_id(notice),
        reason=status,
        answered_by=notice.fields["AnsweredBy"],
        # CallDuration is in seconds; Duration is in minutes begun, for the bill.
        duration_ms=notice.fields.milliseconds("CallDuration"),
        recording=recording_of(notice.fields) if notice.fields["RecordingUrl"] else None,
        failure=failure_of(notice.fields, status),
    )


def rings(notice: Notice) -> Outcome:
    fields = notice.fields
    kind = "cx.interaction.routed.v1" if notice.is_leg else "cx.interaction.started.v1"
    forwarded = fields["ForwardedFrom"] not in ("", fields["To"])
    return draft_of(
        notice,
        kind,
        f"{id_part(notice.sid)}/voice",
        reason=status_of(fields["CallStatus"]),
        agent=notice.parties.agent,
        transfer=Transfer(to=fields["To"], kind="forwarded") if forwarded else None,
    )


def step(notice: Notice) -> Outcome:
    step = notice.fields["msg"] or "next"
    return draft_of(notice, "cx.call.ivr_step.v1", f"{id_part(notice.sid)}/step/{notice.distinct}", step=step)


def detected(notice: Notice) -> Outcome:
    answered_by = notice.fields["AnsweredBy"]
    return draft_of(
        notice,
        "cx.interaction.answered.v1",
        f"{id_part(notice.sid)}/amd/{id_part(answered_by)}",
        answered_by=answered_by,
    )


def digits(notice: Notice) -> Outcome:
    digits = notice.fields["Digits"]
    return draft_of(notice, "cx.call.dtmf.v1", f"{id_part(notice.sid)}/digits/{notice.distinct}", digits=digits)


def speech(notice: Notice) -> Outcome:
    line = TranscriptLine(role=notice.heard, text=notice.fields["SpeechResult"])
    return draft_of(
        notice, "cx.call.transcript.v1", f"{id_part(notice.sid)}/speech/{notice.distinct}", transcript=[line]
    )


def recorded(notice: Notice) -> Outcome:
    recording = recording_of(notice.fields)
    return draft_of(
        notice,
        "cx.call.recording.v1",
        own_id(notice, "recording", recording.id, recording.status),
        time=recording_time(notice.fields, recording),
        recording=recording,
        failure=failure_of(notice.fields, recording.status),
    )


def record_verb(notice: Notice) -> Outcome:
    recording = recording_of(notice.fields)
    return draft_of(
        notice,
        "cx.call.recording.v1",
        own_id(notice, "recorded", recording.id or notice.distinct),
        recording=recording,
    )


def transcribed(notice: Notice) -> Outcome:
    """Of a <Record>: the caller alone is on it."""
    text = notice.fields["TranscriptionText"]
    if not text:
        return Ignored("transcription/empty", "nothing was said on the recording")
    return draft_of(
        notice,
        "cx.call.transcript.v1",
        own_id(notice, "transcription", notice.fields["TranscriptionSid"] or notice.distinct),
        transcript=[TranscriptLine(role=notice.heard, text=text)],
        recording=recording_of(notice.fields) if notice.fields["RecordingSid"] else None,
    )


def said(notice: Notice) -> Outcome:
    """The inbound track is what Twilio hears from the far end of the leg, the outbound track what it plays there."""
    fields = notice.fields
    if fields["Final"].lower() == "false":
        return Ignored("transcription-content/partial", "the final words of the same utterance follow")
    text = spoken_in(fields)
    if not text:
        return Ignored("transcription-content/empty", "nothing was said")
    at = fields["Timestamp"]
    line = TranscriptLine(
        role="agent" if fields["Track"] == "outbound_track" else notice.heard, text=text, at=at or None
    )
    number = fields["SequenceId"] or notice.distinct
    id = own_id(notice, "said", fields["TranscriptionSid"], number)
    return draft_of(notice, "cx.call.transcript.v1", id, transcript=[line])


def dialled(notice: Notice) -> Outcome:
    """How <Dial> went; asked when it is over, so this is a report on an attempt, not a change of the call."""
    fields = notice.fields
    status = status_of(fields["DialCallStatus"])
    leg = fields["DialCallSid"]
    return draft_of(
        notice,
        "cx.interaction.routed.v1",
        f"{id_part(notice.sid)}/dial/{id_part(leg) if leg else notice.distinct}/{id_part(status)}",
        reason=status,
        duration_ms=fields.milliseconds("DialCallDuration"),
        recording=recording_of(fields) if fields["RecordingUrl"] else None,
        failure=failure_of(fields, status),
        also=[Reference(kind="call", value=leg)] if leg else [],
    )


def waits(notice: Notice) -> Outcome:
    since = notice.fields["QueueTime"] or notice.distinct
    queue = queue_of(notice.fields)
    return draft_of(
        notice,
        "cx.interaction.queued.v1",
        f"{id_part(notice.sid)}/queue/{id_part(queue.id)}/{id_part(since)}",
        queue=queue,
    )


def connects(notice: Notice) -> Outcome:
    leg = notice.fields.first("DequeingCallSid", "DequeuingCallSid")
    queue = queue_of(notice.fields)
    return draft_of(
        notice,
        "cx.interaction.routed.v1",
        f"{id_part(notice.sid)}/queue/{id_part(queue.id)}/to/{id_part(leg)}",
        reason="connecting",
        queue=queue,
        also=[Reference(kind="call", value=leg)],
    )


def hung_up(notice: Notice) -> Outcome:
    return _left(notice, "cx.interaction.abandoned.v1")


def left_queue(notice: Notice) -> Outcome:
    return _left(notice, "cx.interaction.routed.v1")


def _left(notice: Notice, kind: str) -> Draft:
    result = notice.fields["QueueResult"].lower()
    queue = queue_of(notice.fields)
    return draft_of(
        notice,
        kind,
        f"{id_part(notice.sid)}/queue/{id_part(queue.id or notice.distinct)}/{id_part(result)}",
        reason=result,
        queue=queue if queue.id or queue.name else None,
        duration_ms=notice.fields.milliseconds("QueueTime"),
        failure=failure_of(notice.fields, "failed" if "error" in result else result),
    )


def joined(notice: Notice) -> Outcome:
    fields = notice.fields
    transfer = Transfer(to=fields.first("FriendlyName", "ConferenceSid"), kind="conference")
    return conference_draft(notice, "cx.interaction.routed.v1", reason="participant-join", transfer=transfer)


def held(notice: Notice) -> Outcome:
    return conference_draft(notice, "cx.interaction.held.v1")


def resumed(notice: Notice) -> Outcome:
    return conference_draft(notice, "cx.interaction.resumed.v1")


def left_conference(notice: Notice) -> Outcome:
    status = status_of(notice.fields["ParticipantCallStatus"])
    if status not in OVER:
        return Ignored("participant-leave", "the call goes on outside the conference; what comes next says where")
    reason = notice.fields["ReasonParticipantLeft"] or status
    return conference_draft(
        notice, "cx.interaction.ended.v1", reason=reason, failure=failure_of(notice.fields, status)
    )  # fmt: skip


def referred(notice: Notice) -> Outcome:
    fields = notice.fields
    status = status_of(fields["ReferCallStatus"])
    return draft_of(
        notice,
        "cx.interaction.transferred.v1",
        f"{id_part(notice.sid)}/refer/{id_part(status) if status else 'asked'}/{notice.distinct}",
        reason=status,
        transfer=Transfer(to=fields["ReferTransferTarget"], kind="sip-refer"),
    )


def handed_off(notice: Notice) -> Outcome:
    return _handoff(notice, packet_of(notice.fields["HandoffData"]), notice.fields["SessionId"])


def virtual_agent_handed_off(notice: Notice) -> Outcome:
    return _handoff(notice, packet_of(notice.fields["VirtualAgentProviderData"]), "")


def _handoff(notice: Notice, packet: dict[str, Any], session: str) -> Draft:
    reason = packet.get("reason")
    session = session or notice.distinct
    return draft_of(
        notice,
        "cx.bot.handoff_asked.v1",
        f"{id_part(notice.sid)}/handoff/{id_part(session)}",
        reason=reason if isinstance(reason, str) else "",
        handoff=Handoff(packet=packet),
    )
